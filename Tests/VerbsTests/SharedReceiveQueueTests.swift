import Glibc
import TestSupport
import Testing
import Verbs

@Suite("Shared receive queues and events of the device")
struct SharedReceiveQueueTests {
    private let device = FakeDevice(reportsLastReceives: true)

    private func connect(_ shared: SharedReceiveQueue, identifier: UInt = 9) throws -> QueuePair {
        let context = shared.domain.context
        let queue = try CompletionQueue(in: context, depth: 15, identifier: 5)
        let queuePair = try QueuePair(
            in: shared.domain, sendQueue: queue, receiveQueue: queue, sharedQueue: shared,
            capacity: QueuePairCapacity(sendDepth: 3, receiveDepth: 0, receiveElements: 0), identifier: identifier)
        try queuePair.step(upTo: .readyToSend)
        return queuePair
    }

    private func post(_ identifiers: UInt64..., to shared: SharedReceiveQueue) -> PostOutcome {
        var chain = ReceiveChain(capacity: 8, elementsPerRequest: 1)
        for identifier in identifiers { chain.append(identifier: identifier, elementCount: 0) }
        return chain.post(to: shared.postTarget)
    }

    @Test("A receive is taken by any queue pair, and completes where that one's receives do")
    func receive() throws {
        let domain = try ProtectionDomain(in: device.open())
        let shared = try SharedReceiveQueue(in: domain, depth: 7, elements: 1)
        let first = try connect(shared)
        let second = try connect(shared)
        #expect(post(1, 2, 3, to: shared) == .posted)
        #expect(device.completeReceive(second.number, at: 2))
        #expect(device.completeReceive(first.number))
        var buffer = PollBuffer(capacity: 4)
        #expect(try buffer.poll(second.receiveQueue.pollTarget) == 1)
        #expect(buffer[0].identifier == 3 && buffer[0].queuePairNumber == second.number)
        #expect(try buffer.poll(first.receiveQueue.pollTarget) == 1)
        #expect(buffer[0].identifier == 1 && buffer[0].queuePairNumber == first.number)
        #expect(device.sharedReceives.map { $0.map(\.identifier) } == [[2]])
    }

    @Test("A full queue says which receive it refused, and takes more once it is deeper")
    func full() throws {
        let domain = try ProtectionDomain(in: device.open())
        let shared = try SharedReceiveQueue(in: domain, depth: 3, elements: 1)
        #expect(post(1, 2, 3, 4, to: shared) == .refused(firstUnposted: 3, code: ENOMEM))
        #expect(throws: VerbError(.modifySharedQueue, EINVAL)) { try shared.resize(depth: 2) }
        try shared.resize(depth: 7)
        #expect(post(4, 5, 6, 7, to: shared) == .posted)
        #expect(throws: VerbError(.createSharedQueue, EINVAL)) {
            _ = try SharedReceiveQueue(in: domain, depth: 1, elements: 28)
        }
    }

    @Test("A limit raises one event when fewer receives are left, and is disarmed by it")
    func limit() throws {
        let context = try device.open()
        let shared = try SharedReceiveQueue(in: ProtectionDomain(in: context), depth: 7, elements: 1, identifier: 21)
        let queuePair = try connect(shared)
        _ = post(1, 2, 3, 4, 5, to: shared)
        try shared.arm(below: 3)
        #expect(try shared.armedLimit() == 3)
        device.completeReceive(queuePair.number)
        device.completeReceive(queuePair.number)
        #expect(try context.nextEvent() == nil)
        device.completeReceive(queuePair.number)
        #expect(try context.nextEvent() == .sharedQueueLow(21))
        #expect(try shared.armedLimit() == 0)
        device.completeReceive(queuePair.number)
        #expect(try context.nextEvent() == nil)
        #expect(throws: VerbError(.modifySharedQueue, EINVAL)) { try shared.arm(below: 8) }
    }

    @Test("Events name their objects by the identifiers that these were created with, and are acknowledged")
    func events() throws {
        let context = try device.open()
        let shared = try SharedReceiveQueue(in: ProtectionDomain(in: context), depth: 7, elements: 1, identifier: 21)
        let queuePair = try connect(shared, identifier: 9)
        device.reportPort(isActive: false)
        device.reportPort(isActive: true)
        device.reportFailureOfDevice()
        device.failSharedQueue(of: queuePair.number)
        device.reportFailure(of: queuePair.number)
        device.failReceiveQueue(of: queuePair.number)
        try queuePair.modify(.error)
        let events = try (0..<8).map { _ in try context.nextEvent() }
        #expect(
            events == [
                .portLost(1), .portActive(1), .deviceFailed, .sharedQueueFailed(21), .queuePairFailed(9),
                .completionQueueFailed(5),
                .lastReceiveReached(queuePair: 9), nil,
            ])
        try queuePair.close()
        try shared.close()
        #expect(device.violations == [])
    }

    @Test("Events that nobody took go with their object")
    func dropped() throws {
        let context = try device.open()
        let shared = try SharedReceiveQueue(in: ProtectionDomain(in: context), depth: 7, elements: 1)
        let queuePair = try connect(shared)
        device.failSharedQueue(of: queuePair.number)
        device.reportFailure(of: queuePair.number)
        try queuePair.close()
        try shared.close()
        #expect(try context.nextEvent() == nil)
        #expect(device.violations == [])
    }

    @Test("A queue cannot go before its queue pairs, nor its domain before it")
    func order() throws {
        let domain = try ProtectionDomain(in: device.open())
        let shared = try SharedReceiveQueue(in: domain, depth: 7, elements: 1)
        let queuePair = try connect(shared)
        #expect(throws: VerbError(.destroySharedQueue, EBUSY)) { try shared.close() }
        try queuePair.close()
        #expect(throws: VerbError(.deallocateDomain, EBUSY)) { try domain.close() }
        try shared.close()
        #expect(device.violations == [])
    }
}
