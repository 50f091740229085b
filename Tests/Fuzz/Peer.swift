import CRDMA
import Glibc
import TestSupport
import Tracking
import TrackingModel
import Verbs

/// What the device, the network and the peers do.
final class Peer: Sendable {
    private let device: FakeDevice
    private let state: Locked<State>

    private struct State {
        var random: RandomSource
        var listening: [Int] = []
        var connected: [Int] = []
        var invalidated: Set<UInt32> = []
    }

    init(_ device: FakeDevice, seed: UInt64) {
        self.device = device
        state = Locked(State(random: RandomSource(seed: seed)))
    }

    // MARK: Answers

    /// The table of the device, with a network that answers what is asked, mostly well, or never.
    var verbs: ControlVerbs {
        var verbs = device.verbs
        let base = verbs
        unsafe verbs.memory.registerRegion = { domain, start, length, address, access, region in
            isMapped(UInt(bitPattern: start), length)
                ? unsafe base.memory.registerRegion(domain, start, length, address, access, region)
                : EFAULT
        }
        unsafe verbs.devices.queryAddresses = { context, entries, capacity, count in
            let code = unsafe base.devices.queryAddresses(context, entries, capacity, count)
            // One of an interface that every host has.
            if code == 0 { unsafe entries[0].gid = loopback }
            return code
        }
        unsafe verbs.devices.open = { [self] in
            let code = unsafe base.devices.open($0, $1)
            refuseOpening()
            return code
        }
        answer(&verbs.connections, base.connections)
        return verbs
    }

    private func answer(_ verbs: inout ConnectionVerbs, _ base: ConnectionVerbs) {
        unsafe verbs.resolveAddress = { [self] in
            unsafe answer(
                base.resolveAddress($0, $1, $2, $3), to: $0, RDMA_CM_EVENT_ADDR_RESOLVED,
                or: [(RDMA_CM_EVENT_ADDR_ERROR, -ENETUNREACH), (RDMA_CM_EVENT_ADDR_ERROR, -ETIMEDOUT)])
        }
        unsafe verbs.resolveRoute = { [self] in
            unsafe answer(
                base.resolveRoute($0, $1), to: $0, RDMA_CM_EVENT_ROUTE_RESOLVED,
                or: [(RDMA_CM_EVENT_ROUTE_ERROR, -EHOSTUNREACH), (RDMA_CM_EVENT_ROUTE_ERROR, -ETIMEDOUT)])
        }
        unsafe verbs.connect = { [self] in
            unsafe answer(
                base.connect($0, $1), to: $0, RDMA_CM_EVENT_CONNECT_RESPONSE,
                or: [
                    (RDMA_CM_EVENT_REJECTED, 8), (RDMA_CM_EVENT_REJECTED, 28), (RDMA_CM_EVENT_UNREACHABLE, -ETIMEDOUT),
                    (RDMA_CM_EVENT_CONNECT_ERROR, -ECONNRESET),
                ])
        }
        unsafe verbs.establish = { [self] in
            let code = unsafe base.establish($0)
            if code == 0 { unsafe note($0, in: \.connected) }
            return code
        }
        unsafe verbs.accept = { [self] in
            let code = unsafe answer(
                base.accept($0, $1), to: $0, RDMA_CM_EVENT_ESTABLISHED,
                or: [(RDMA_CM_EVENT_UNREACHABLE, -ETIMEDOUT), (RDMA_CM_EVENT_CONNECT_ERROR, -ECONNRESET)])
            if code == 0 { unsafe note($0, in: \.connected) }
            return code
        }
        unsafe verbs.disconnect = { [self] in
            unsafe answer(base.disconnect($0), to: $0, RDMA_CM_EVENT_DISCONNECTED, or: [])
        }
        unsafe verbs.listen = { [self] in
            let code = unsafe base.listen($0, $1)
            if code == 0 { unsafe note($0, in: \.listening) }
            return code
        }
    }

    private func note(_ identifier: ConnectionVerbs.Identifier, in list: WritableKeyPath<State, [Int]>) {
        let number = unsafe device.number(of: identifier)
        state.withLock { $0[keyPath: list].append(number) }
    }

    /// Answers a call that has begun something: well, or with one of the errors, or not at all.
    private func answer(
        _ code: CInt, to identifier: ConnectionVerbs.Identifier, _ event: rdma_cm_event_type,
        or errors: [(rdma_cm_event_type, CInt)]
    ) -> CInt {
        guard code == 0 else { return code }
        let number = unsafe device.number(of: identifier)
        let (roll, error) = state.withLock { state in (state.random.below(100), state.random.pick(errors)) }
        switch roll {
        case 0..<3: break
        case 3..<10:
            guard let error else { break }
            device.deliver(error.0, to: number, status: error.1, privateData: Array("no".utf8))
        default:
            device.deliver(
                event, to: number, peerQueuePair: 77, peerOutboundReads: 4, peerInboundReads: 4,
                privateData: Array("yes".utf8))
        }
        return code
    }

    /// What would have harmed a real machine, apart from what no library can prevent: this side invalidates a token
    /// before it hears that the peer did (T1).
    var violations: [FakeViolation] {
        let invalidated = state.withLock { $0.invalidated }
        return device.violations.filter {
            if case .invalidatedUnbound(let key) = $0 { !invalidated.contains(key) } else { true }
        }
    }

    // MARK: Of themselves

    /// One thing happens.
    func act() {
        var random = RandomSource(seed: state.withLock { $0.random.next() })
        switch random.below(100) {
        case 0..<45: carryOut(&random)
        case 45..<70: deliver(&random)
        case 70..<74: fail(&random)
        case 74..<90: askForConnection(&random)
        case 90..<93: disconnect(&random)
        default: refuse(&random)
        }
    }

    /// Requests are carried out.
    private func carryOut(_ random: inout RandomSource) {
        guard let number = random.pick(device.queuePairNumbers) else { return }
        device.complete(number, sends: 1 + random.below(16))
    }

    /// A message arrives, and perhaps invalidates something.
    private func deliver(_ random: inout RandomSource) {
        guard let number = random.pick(device.queuePairNumbers) else { return }
        let bound = device.windows.filter { $0.binding?.queuePair == number }.map(\.key)
        let key = random.chance(60) ? random.pick(bound) : random.chance(2) ? UInt32(random.below(1 << 20)) : nil
        if let key { state.withLock { _ = $0.invalidated.insert(key) } }
        device.completeReceive(
            number, byteCount: random.chance(97) ? 0 : UInt32(random.below(4096)), invalidating: key,
            isSolicited: random.chance(50))
    }

    private func fail(_ random: inout RandomSource) {
        guard let number = random.pick(device.queuePairNumbers) else { return }
        let status = CompletionStatus(rawValue: UInt32(1 + random.below(23)))
        switch random.below(12) {
        case 0: device.reportFailure(of: number, as: IBV_EVENT_QP_FATAL)
        case 1: device.failSharedQueue(of: number)
        case 2: device.failReceiveQueue(of: number)
        case 3: device.failReceive(number, status: status)
        case 4: device.reportPort(isActive: random.chance(50))
        case 5..<8: device.reportSomething(about: number, random.below(100))
        default: device.fail(number, status: status)
        }
    }

    private func askForConnection(_ random: inout RandomSource) {
        guard let listener = random.pick(state.withLock { $0.listening }) else { return }
        device.deliverIfThere(
            RDMA_CM_EVENT_CONNECT_REQUEST, to: listener, peerQueuePair: 77, peerOutboundReads: 4, peerInboundReads: 4,
            privateData: Array("hello".utf8))
    }

    private func disconnect(_ random: inout RandomSource) {
        guard let identifier = random.pick(state.withLock { $0.connected }) else { return }
        device.deliverIfThere(RDMA_CM_EVENT_DISCONNECTED, to: identifier)
    }

    /// Opening an adapter fails half-way, or does not. What it has made already is destroyed once.
    private func refuseOpening() {
        device.clearFaults()
        let verbs: [Verb] = [
            .queryDevice, .queryPort, .queryAddresses, .allocateDomain, .registerRegion, .createCompletionQueue,
            .createQueuePair, .createEventChannel,
        ]
        let verb = state.withLock { state in state.random.chance(20) ? state.random.pick(verbs) : nil }
        if let verb { device.inject(ENOMEM, into: verb) }
    }

    /// Some call of a verb will fail.
    private func refuse(_ random: inout RandomSource) {
        let verbs: [Verb] = [
            .registerRegion, .deregisterRegion, .allocateWindow, .deallocateWindow, .createQueuePair, .modifyQueuePair,
            .destroyQueuePair, .postSend, .postReceive, .postSharedReceive, .pollCompletionQueue, .armCompletionQueue,
            .createCompletionChannel, .createCompletionQueue, .resizeCompletionQueue, .createSharedQueue,
            .modifySharedQueue, .querySharedQueue, .createIdentifier, .bindAddress, .resolveAddress, .resolveRoute,
            .listen, .connect, .accept, .reject, .establish, .disconnect, .setOption,
        ]
        let verb = random.pick(verbs)!
        // Where a creation fails half-way, what it has made already is destroyed once, and abandoned if that fails, too.
        let pair: [Verb] = [.modifyQueuePair, .destroyQueuePair]
        let isRisky = pair.contains(verb) && pair.contains { device.willFail($0) }
        guard random.chance(30), !isRisky else { return }
        device.inject(random.pick([ENOMEM, EIO, EINVAL])!, into: verb, call: 1 + random.below(3))
    }
}

/// Whether there is memory at all addresses of a range: the kernel pins nothing else.
private func isMapped(_ address: UInt, _ length: Int) -> Bool {
    let page = UInt(4096)
    let first = address & ~(page - 1)
    guard length <= 16 << 20, first > 0 else { return false }
    let (last, overflow) = (address & (page - 1)).addingReportingOverflow(UInt(length))
    guard !overflow else { return false }
    return unsafe msync(UnsafeMutableRawPointer(bitPattern: first), Int(last), MS_ASYNC) == 0
}

/// ::ffff:127.0.0.1
private var loopback: ibv_gid {
    var gid = ibv_gid()
    unsafe gid.global.interface_id = UInt64(0xFFFF_7F00_0001).bigEndian
    return gid
}
