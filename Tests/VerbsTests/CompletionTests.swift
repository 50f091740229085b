import Glibc
import TestSupport
import Testing
import Verbs

struct CompletionTests {
    /// Posts sends with these flags, identified by their places.
    private func post(_ flags: [SendFlags], on queuePair: QueuePair) {
        var chain = SendChain(capacity: flags.count, elementsPerRequest: 0)
        for (index, flags) in flags.enumerated() {
            chain.appendSend(identifier: UInt64(index), elementCount: 0, flags: flags)
        }
        #expect(chain.post(to: queuePair.postTarget) == .posted)
    }

    @Test func `A poll takes what there is, oldest first, as much as fits`() throws {
        let fixture = try Fixture()
        post([.signaled, .signaled, .signaled], on: fixture.queuePair)
        #expect(fixture.device.complete(fixture.queuePair.number, sends: .max) == 3)
        var buffer = PollBuffer(capacity: 2)
        #expect(try buffer.poll(fixture.queue.pollTarget) == 2)
        #expect([buffer[0].identifier, buffer[1].identifier] == [0, 1])
        #expect(buffer[0].status == .success)
        #expect(buffer[0].queuePairNumber == fixture.queuePair.number)
        #expect(try buffer.poll(fixture.queue.pollTarget) == 1)
        #expect(buffer[0].identifier == 2)
        #expect(try buffer.poll(fixture.queue.pollTarget) == 0)
        #expect(buffer.count == 0)
    }

    @Test func `A poll that fails throws and leaves nothing in the buffer`() throws {
        let fixture = try Fixture()
        post([.signaled], on: fixture.queuePair)
        fixture.device.complete(fixture.queuePair.number)
        fixture.device.inject(EIO, into: .pollCompletionQueue)
        var buffer = PollBuffer(capacity: 2)
        #expect(throws: VerbError(.pollCompletionQueue, EIO)) {
            try buffer.poll(fixture.queue.pollTarget)
        }
        #expect(buffer.count == 0)
        #expect(try buffer.poll(fixture.queue.pollTarget) == 1)
    }

    @Test func `What was labeled stays, oldest first, and a further poll comes behind it`() throws {
        let fixture = try Fixture()
        post([.signaled, .signaled, .signaled], on: fixture.queuePair)
        fixture.device.complete(fixture.queuePair.number, sends: .max)
        var buffer = PollBuffer(capacity: 2)
        #expect(try buffer.poll(fixture.queue.pollTarget) == 2)
        let labeled = buffer.relabel { completion in
            completion.identifier == 1 ? nil : CompletionLabel(identifier: 77, operation: 7)
        }
        #expect(labeled == 1)
        buffer.keep(first: labeled)
        #expect(try buffer.pollOn(fixture.queue.pollTarget) == 1)
        #expect(buffer.count == 2)
        #expect([buffer[0].identifier, buffer[1].identifier] == [77, 2])
        #expect(buffer[0].operation == 7)
        #expect(buffer[0].queuePairNumber == fixture.queuePair.number)
        buffer[0] = buffer[1]
        #expect(buffer[0] == buffer[1])
        buffer.keep(first: 0)
        let own = WorkCompletion(identifier: 5, status: .flushed, operation: 3, queuePairNumber: 9)
        buffer.append(own)
        #expect(buffer[0] == own)
    }

    @Test func `More completions than there is room for trap`() async {
        await #expect(processExitsWith: .failure) {
            var buffer = PollBuffer(capacity: 1)
            for identifier in 0..<2 as Range<UInt64> {
                buffer.append(
                    WorkCompletion(identifier: identifier, status: .flushed, operation: 0, queuePairNumber: 1))
            }
        }
    }

    @Test func `Reading past the completions of a poll traps`() async {
        await #expect(processExitsWith: .failure) {
            let buffer = PollBuffer(capacity: 2)
            _ = buffer[0]
        }
    }

    @Test func `A receive tells its length and the key that was invalidated`() throws {
        let fixture = try Fixture()
        let pages = Pages()
        let region = try pages.register(in: fixture.domain)
        var chain = ReceiveChain(capacity: 1, elementsPerRequest: 1)
        chain.setElement(0, address: pages.address, length: 100, key: region.localKey)
        chain.append(identifier: 5, elementCount: 1)
        #expect(chain.post(to: fixture.queuePair.postTarget) == .posted)
        #expect(fixture.device.completeReceive(fixture.queuePair.number, byteCount: 42))
        let completion = try #require(try fixture.poll().first)
        #expect(completion.identifier == 5)
        #expect(completion.status == .success)
        #expect(completion.byteCount == 42)
        region.end()
    }

    @Test func `An event names its queue once, and only for what came after arming`() throws {
        let fixture = try Fixture()
        let number = fixture.queuePair.number
        post([.signaled, .signaled, .signaled], on: fixture.queuePair)
        fixture.device.complete(number)
        try fixture.queue.arm(solicitedOnly: false)
        #expect(try fixture.channel.nextEvent() == nil)
        #expect(!isReadable(fixture.channel.fileDescriptor))
        fixture.device.complete(number, sends: 2)
        #expect(isReadable(fixture.channel.fileDescriptor))
        #expect(try fixture.channel.nextEvent() == 7)
        #expect(try fixture.channel.nextEvent() == nil)
        #expect(!isReadable(fixture.channel.fileDescriptor))
        #expect(try fixture.poll().count == 3)
        try fixture.queuePair.close()
        try fixture.queue.close()
        #expect(fixture.device.violations == [])
    }

    @Test(arguments: [false, true])
    func `A queue armed for solicited completions waits for one`(isSolicited: Bool) throws {
        let fixture = try Fixture()
        var chain = ReceiveChain(capacity: 1, elementsPerRequest: 0)
        chain.append(identifier: 1, elementCount: 0)
        #expect(chain.post(to: fixture.queuePair.postTarget) == .posted)
        try fixture.queue.arm(solicitedOnly: true)
        fixture.device.completeReceive(fixture.queuePair.number, isSolicited: isSolicited)
        #expect(try fixture.channel.nextEvent() == (isSolicited ? 7 : nil))
    }

    @Test func `An error of the channel or of arming keeps its verb and its code`() throws {
        let fixture = try Fixture()
        fixture.device.inject(EIO, into: .getCompletionEvent)
        #expect(throws: VerbError(.getCompletionEvent, EIO)) { try fixture.channel.nextEvent() }
        fixture.device.inject(EIO, into: .armCompletionQueue)
        #expect(throws: VerbError(.armCompletionQueue, EIO)) {
            try fixture.queue.arm(solicitedOnly: false)
        }
    }

    @Test func `A queue grows, and does not shrink below what waits in it`() throws {
        let fixture = try Fixture()
        post([.signaled, .signaled], on: fixture.queuePair)
        fixture.device.complete(fixture.queuePair.number, sends: 2)
        #expect(throws: VerbError(.resizeCompletionQueue, EINVAL)) {
            try fixture.queue.resize(depth: 1)
        }
        #expect(fixture.queue.depth == 63)
        try fixture.queue.resize(depth: 100)
        #expect(fixture.queue.depth == 127)
        #expect(try fixture.poll().count == 2)
    }

    @Test(arguments: [0, -1, 32768, Int.max])
    func `A queue of an impossible depth is refused`(depth: Int) throws {
        let context = try FakeDevice().open()
        #expect(throws: VerbError(.createCompletionQueue, EINVAL)) {
            try CompletionQueue(in: context, depth: depth)
        }
    }

    private func isReadable(_ descriptor: CInt) -> Bool {
        var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe Glibc.poll(&poller, 1, 0) == 1
    }
}
