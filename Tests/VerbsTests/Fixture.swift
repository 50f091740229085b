import TestSupport
import Testing
import Verbs

/// A connected queue pair of a fake device, with everything it needs.
struct Fixture {
    let device: FakeDevice
    let context: DeviceContext
    let domain: ProtectionDomain
    let channel: CompletionChannel
    let queue: CompletionQueue
    let queuePair: QueuePair

    init(
        device: FakeDevice = FakeDevice(), capacity: QueuePairCapacity? = nil,
        upTo state: QueuePairState = .readyToSend
    ) throws {
        self.device = device
        context = try device.open()
        domain = try ProtectionDomain(in: context)
        channel = try CompletionChannel(in: context)
        queue = try CompletionQueue(in: context, depth: 63, channel: channel, identifier: 7)
        queuePair = try QueuePair(
            in: domain, sendQueue: queue, receiveQueue: queue,
            capacity: capacity
                ?? QueuePairCapacity(
                    sendDepth: 7, receiveDepth: 7, sendElements: 4, receiveElements: 4))
        try queuePair.step(upTo: state)
    }

    /// Takes everything that waits in the completion queue.
    func poll() throws -> [WorkCompletion] {
        var buffer = PollBuffer(capacity: 64)
        let count = try buffer.poll(queue.pollTarget)
        return (0..<count).map { index in buffer[index] }
    }
}

extension QueuePair {
    /// Takes the steps to a state one by one.
    func step(upTo state: QueuePairState) throws {
        guard state != .reset else { return }
        try modify(.initialized(port: 1, peerRights: [.remoteRead, .remoteWrite]))
        guard state != .initialized else { return }
        try modify(.readyToReceive(from: .fake))
        guard state != .readyToReceive else { return }
        try modify(.readyToSend(firstPacket: 1))
    }
}

extension QueuePairPeer {
    static let fake = QueuePairPeer(
        number: 99, firstPacket: 1,
        identifier: GlobalIdentifier(prefix: 0, interface: 0xffff_0a00_0002),
        localAddressIndex: 1, pathMTU: PathMTU(rawValue: 3))
}

/// Page-aligned memory that goes away with its owner.
@safe
struct Pages: ~Copyable {
    let bytes: UnsafeMutableRawBufferPointer

    init(_ count: Int = 1) {
        unsafe bytes = .allocate(byteCount: count * fakePageSize, alignment: fakePageSize)
    }

    deinit { unsafe bytes.deallocate() }

    /// Registers all of it, at its own address unless another is given.
    func register(
        in domain: ProtectionDomain, at deviceAddress: UInt64? = nil,
        rights: AccessRights = [.localWrite, .bindWindows]
    ) throws(VerbError) -> MemoryRegion {
        try unsafe MemoryRegion(
            registering: bytes, at: deviceAddress ?? address, rights: rights, in: domain)
    }

    /// The address of the first byte.
    var address: UInt64 { unsafe UInt64(UInt(bitPattern: bytes.baseAddress)) }
}

extension MemoryRegion {
    /// Deregisters, which is expected to succeed.
    consuming func end(sourceLocation: SourceLocation = #_sourceLocation) {
        guard case .refused(let region, let error) = deregister() else { return }
        Issue.record(error, sourceLocation: sourceLocation)
        _ = region.deregister()
    }
}

extension MemoryWindow {
    /// Deallocates, which is expected to succeed.
    consuming func end(sourceLocation: SourceLocation = #_sourceLocation) {
        guard case .refused(let window, let error) = deallocate() else { return }
        Issue.record(error, sourceLocation: sourceLocation)
        _ = window.deallocate()
    }
}
