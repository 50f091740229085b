import Glibc
import TestSupport
import Testing
import Verbs

/// The fake device is a judge, so it is judged first.
struct FakeDeviceTests {
    /// Posts sends of the first byte of a region, identified by their places.
    private func post(
        _ flags: [SendFlags], key: UInt32, at address: UInt64, on queuePair: QueuePair
    ) {
        var chain = SendChain(capacity: flags.count, elementsPerRequest: 1)
        for (index, flags) in flags.enumerated() {
            chain.setElement(0, address: address, length: 1, key: key)
            chain.appendSend(identifier: UInt64(index), elementCount: 1, flags: flags)
        }
        #expect(chain.post(to: queuePair.postTarget) == .posted)
    }

    @Test func `Deregistering under a request is a violation, after it none`() throws {
        let fixture = try Fixture()
        let number = fixture.queuePair.number
        let pages = Pages()
        for completesFirst in [true, false] {
            let region = try pages.register(in: fixture.domain)
            let key = region.localKey
            post([[]], key: key, at: pages.address, on: fixture.queuePair)
            if completesFirst { #expect(fixture.device.complete(number) == 1) }
            region.end()
            #expect(
                fixture.device.violations
                    == (completesFirst
                        ? [] : [.deregisteredInUse(key: key, queuePair: number, identifier: 0)]))
        }
    }

    @Test func `A posted receive holds its memory, and a destroyed queue pair none`() throws {
        let fixture = try Fixture()
        let pages = Pages()
        let region = try pages.register(in: fixture.domain)
        var chain = ReceiveChain(capacity: 1, elementsPerRequest: 1)
        chain.setElement(0, address: pages.address, length: 1, key: region.localKey)
        chain.append(identifier: 9, elementCount: 1)
        #expect(chain.post(to: fixture.queuePair.postTarget) == .posted)
        try fixture.queuePair.close()
        region.end()
        #expect(fixture.device.violations == [])
        #expect(try fixture.poll() == [])
    }

    @Test func `Nothing happens by itself, and unsignaled success stays silent`() throws {
        let fixture = try Fixture()
        let pages = Pages()
        let region = try pages.register(in: fixture.domain)
        post(
            [[], .signaled, []], key: region.localKey, at: pages.address, on: fixture.queuePair)
        #expect(try fixture.poll() == [])
        #expect(fixture.device.complete(fixture.queuePair.number, sends: 3) == 3)
        #expect(try fixture.poll().map(\.identifier) == [1])
        region.end()
    }

    @Test func `It carries sends out at once if it is told to`() throws {
        let fixture = try Fixture(device: FakeDevice(carriesOutSendsAtOnce: true))
        let pages = Pages()
        let region = try pages.register(in: fixture.domain)
        post([.signaled], key: region.localKey, at: pages.address, on: fixture.queuePair)
        #expect(try fixture.poll().count == 1)
        region.end()
        #expect(fixture.device.violations == [])
    }

    @Test func `A failure completes, and everything else is flushed, unsignaled too`() throws {
        let fixture = try Fixture()
        let pages = Pages()
        let region = try pages.register(in: fixture.domain)
        post([[], [], []], key: region.localKey, at: pages.address, on: fixture.queuePair)
        var chain = ReceiveChain(capacity: 1, elementsPerRequest: 0)
        chain.append(identifier: 100, elementCount: 0)
        #expect(chain.post(to: fixture.queuePair.postTarget) == .posted)
        fixture.device.fail(fixture.queuePair.number, status: .remoteAccessError)
        let completions = try fixture.poll()
        #expect(completions.map(\.identifier) == [0, 100, 1, 2])
        #expect(
            completions.map(\.status) == [.remoteAccessError, .flushed, .flushed, .flushed])
        #expect(try fixture.queuePair.state() == .error)
        region.end()
        #expect(fixture.device.violations == [])
    }

    @Test func `A late receive is flushed by a second step to the error state only`() throws {
        let fixture = try Fixture()
        fixture.device.fail(fixture.queuePair.number)
        var chain = ReceiveChain(capacity: 1, elementsPerRequest: 0)
        chain.append(identifier: 1, elementCount: 0)
        #expect(chain.post(to: fixture.queuePair.postTarget) == .posted)
        #expect(try fixture.poll() == [])
        try fixture.queuePair.modify(.error)
        #expect(try fixture.poll().map(\.status) == [.flushed])
    }

    @Test func `Requests kept below ready to send are carried out afterwards`() throws {
        let fixture = try Fixture(upTo: .readyToReceive)
        var chain = SendChain(capacity: 1, elementsPerRequest: 0)
        chain.appendSend(identifier: 1, elementCount: 0, flags: [.signaled])
        #expect(chain.post(to: fixture.queuePair.postTarget) == .undetermined(code: EINVAL))
        #expect(fixture.device.complete(fixture.queuePair.number) == 0)
        try fixture.queuePair.modify(.readyToSend(firstPacket: 0))
        #expect(fixture.device.complete(fixture.queuePair.number) == 1)
        #expect(try fixture.poll().map(\.identifier) == [1])
    }

    @Test func `A bound window keeps its region, and binding twice fails the queue pair`() throws {
        let fixture = try Fixture()
        let number = fixture.queuePair.number
        let pages = Pages()
        let region = try pages.register(in: fixture.domain)
        let window = try MemoryWindow(in: fixture.domain)
        var chain = SendChain(capacity: 1, elementsPerRequest: 0)
        for expected in [CompletionStatus.success, .windowBindError] {
            let key = window.nextKey
            chain.reset()
            chain.appendBind(
                identifier: 1, flags: [.signaled], window: window, key: key, region: region,
                address: pages.address, length: 1, rights: [.remoteWrite])
            #expect(chain.post(to: fixture.queuePair.postTarget) == .posted)
            window.key = key
            fixture.device.complete(number)
            #expect(try fixture.poll().map(\.status) == [expected])
        }
        guard case .refused(let kept, let error) = region.deregister() else {
            Issue.record("deregistered under a window")
            return
        }
        #expect(error.code == EINVAL)
        window.end()
        kept.end()
        #expect(fixture.device.violations == [])
    }

    @Test func `Invalidating an unbound window is a violation`() throws {
        let fixture = try Fixture()
        let window = try MemoryWindow(in: fixture.domain)
        var chain = SendChain(capacity: 1, elementsPerRequest: 0)
        chain.appendLocalInvalidate(identifier: 1, flags: [], key: window.key)
        #expect(chain.post(to: fixture.queuePair.postTarget) == .posted)
        fixture.device.complete(fixture.queuePair.number)
        #expect(fixture.device.violations == [.invalidatedUnbound(key: window.key)])
        window.end()
    }

    @Test func `A peer's invalidation unbinds, and destroying under a window is a violation`()
        throws
    {
        let fixture = try Fixture()
        let number = fixture.queuePair.number
        let pages = Pages()
        let region = try pages.register(in: fixture.domain)
        let window = try MemoryWindow(in: fixture.domain)
        var sends = SendChain(capacity: 1, elementsPerRequest: 0)
        var receives = ReceiveChain(capacity: 1, elementsPerRequest: 0)
        for isInvalidated in [true, false] {
            let key = window.nextKey
            sends.reset()
            sends.appendBind(
                identifier: 1, flags: [], window: window, key: key, region: region,
                address: pages.address, length: 1, rights: [.remoteRead])
            #expect(sends.post(to: fixture.queuePair.postTarget) == .posted)
            window.key = key
            fixture.device.complete(number)
            guard isInvalidated else { continue }
            receives.reset()
            receives.append(identifier: 2, elementCount: 0)
            #expect(receives.post(to: fixture.queuePair.postTarget) == .posted)
            #expect(fixture.device.completeReceive(number, invalidating: key))
            #expect(try fixture.poll().map(\.invalidatedKeyOrImmediate) == [key])
            #expect(fixture.device.windows.map(\.binding) == [nil])
        }
        try fixture.queuePair.close()
        #expect(
            fixture.device.violations
                == [.destroyedUnderWindow(queuePair: number, key: window.key)])
        window.end()
        region.end()
    }

    @Test func `Registration stops at the limit of pinned pages`() throws {
        let fixture = try Fixture(device: FakeDevice(pinnedPageLimit: 3))
        let pages = Pages(2)
        let region = try pages.register(in: fixture.domain)
        #expect(throws: VerbError(.registerRegion, ENOMEM)) {
            try pages.register(in: fixture.domain).end()
        }
        region.end()
    }

    @Test func `Completions beyond the depth of their queue are lost`() throws {
        let fixture = try Fixture(upTo: .readyToSend)
        try fixture.queue.resize(depth: 1)
        let number = fixture.queuePair.number
        var chain = SendChain(capacity: 2, elementsPerRequest: 0)
        chain.appendSend(identifier: 1, elementCount: 0, flags: [.signaled])
        chain.appendSend(identifier: 2, elementCount: 0, flags: [.signaled])
        #expect(chain.post(to: fixture.queuePair.postTarget) == .posted)
        fixture.device.complete(number, sends: 2)
        #expect(try fixture.poll().map(\.identifier) == [1])
        #expect(
            fixture.device.violations == [.lostCompletion(queuePair: number, identifier: 2)])
    }
}
