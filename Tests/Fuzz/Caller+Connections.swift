import CNDK
import Glibc
import TrackingModel

/// Connectors, listeners and shared endpoints.
extension Caller {
    func createConnector() {
        let adapter = choose(.adapter)
        unsafe create(.createConnector, .connector, of: [adapter]) {
            unsafe Tables.adapter.NdkCreateConnector(adapter.pointer(), $0, $1, $2)
        }
    }

    func createListener() {
        let adapter = choose(.adapter)
        let events = program.expectEvents("a connect event")
        unsafe create(.createListener, .listener, of: [adapter], token: events) { state, listener in
            state.events[events]?.object = listener
        } _: {
            unsafe Tables.adapter.NdkCreateListener(
                adapter.pointer(), rarely() ? nil : Callbacks.wanted, opaque(events), $0, $1, $2)
        }
    }

    func createSharedEndpoint() {
        let adapter = choose(.adapter)
        let address = Address.local(&random)
        // It always pends, so that there is nothing to write to.
        unsafe create(.createSharedEndpoint, .sharedEndpoint, of: [adapter]) {
            unsafe Tables.adapter.NdkCreateSharedEndpoint(
                adapter.pointer(), address.pointer, address.length, $0, $1, $2)
        }
    }

    /// Calls a function of a connector that pends.
    private func call(
        _ entry: EntryPoint, _ connector: Choice, with others: [Choice] = [],
        then: @escaping @Sendable (NTSTATUS) -> Void = { _ in },
        _ body: (NDK_FN_REQUEST_COMPLETION?, UnsafeMutableRawPointer?) -> NTSTATUS
    ) {
        let (isThere, context) = completion(entry, on: connector, isNeeded: true) { _, status, _ in then(status) }
        let status = call(entry, [connector] + others) {
            unsafe body(isThere ? Callbacks.request : nil, opaque(context))
        }
        if isThere { program.returned(context, status) }
    }

    // MARK: Active

    func connect(_ entry: EntryPoint) {
        let connector = choose(.connector) { $0.phase == .fresh }
        let queuePair = choose(.qp) { $0.adapter === connector.object?.adapter && $0.phase == .fresh }
        let endpoint = entry == .connect ? nil : choose(.sharedEndpoint) { $0.adapter === connector.object?.adapter }
        let (source, destination) = (Address.local(&random), Address.remote(&random))
        let data = PrivateData(&random)
        let (inbound, outbound) = (number(0...4), number(0...4))
        let (object, pair) = (connector.object, queuePair.object)
        let hasSource = random.chance(50)
        unsafe call(entry, connector, with: [queuePair] + (endpoint.map { [$0] } ?? [])) { status in
            guard status == STATUS_SUCCESS else { return }
            object?.phase = .answered
            pair?.phase = .underWay
            object?.queuePair = pair
        } _: {
            guard let endpoint else {
                return unsafe Tables.connector.NdkConnect(
                    connector.pointer(), queuePair.pointer(), hasSource ? source.pointer : nil, source.length,
                    destination.pointer, destination.length, inbound, outbound, data.pointer, data.length, $0, $1)
            }
            return unsafe Tables.connector.NdkConnectWithSharedEndpoint(
                connector.pointer(), queuePair.pointer(), endpoint.pointer(), destination.pointer, destination.length,
                inbound, outbound, data.pointer, data.length, $0, $1)
        }
    }

    func completeConnect(_ entry: EntryPoint) {
        let connector = choose(.connector) { $0.phase == .answered && !$0.isPassive }
        let events = disconnectEvents(of: connector)
        let object = connector.object
        unsafe call(entry, connector, then: { Self.connected(object, $0) }) {
            unsafe entry == .completeConnect
                ? Tables.connector.NdkCompleteConnect(
                    connector.pointer(), events == 0 ? nil : Callbacks.disconnected, opaque(events), $0, $1)
                : Tables.connector.NdkCompleteConnectEx(
                    connector.pointer(), events == 0 ? nil : Callbacks.disconnectedEx, opaque(events), $0, $1)
        }
    }

    /// Where a disconnect event goes; 0 for none.
    private func disconnectEvents(of connector: Choice) -> UInt {
        guard random.chance(80) else { return 0 }
        let events = program.expectEvents("a disconnect event", limit: 1)
        program.withLock { $0.events[events]?.object = connector.object }
        return events
    }

    private static func connected(_ connector: Object?, _ status: NTSTATUS) {
        guard status == STATUS_SUCCESS else { return }
        connector?.phase = .connected
        connector?.queuePair?.phase = .connected
    }

    // MARK: Passive

    func accept(_ entry: EntryPoint) {
        let connector = choose(.connector) { $0.phase == .answered && $0.isPassive }
        let queuePair = choose(.qp) { $0.adapter === connector.object?.adapter && $0.phase == .fresh }
        let events = disconnectEvents(of: connector)
        let data = PrivateData(&random)
        let (inbound, outbound) = (number(0...4), number(0...4))
        let (object, pair) = (connector.object, queuePair.object)
        unsafe call(entry, connector, with: [queuePair]) {
            object?.queuePair = pair
            Self.connected(object, $0)
        } _: {
            unsafe entry == .accept
                ? Tables.connector.NdkAccept(
                    connector.pointer(), queuePair.pointer(), inbound, outbound, data.pointer, data.length,
                    events == 0 ? nil : Callbacks.disconnected, opaque(events), $0, $1)
                : Tables.connector.NdkAcceptEx(
                    connector.pointer(), queuePair.pointer(), inbound, outbound, data.pointer, data.length,
                    events == 0 ? nil : Callbacks.disconnectedEx, opaque(events), $0, $1)
        }
    }

    func listen() {
        let listener = choose(.listener) { $0.phase == .fresh }
        let address = Address.local(&random)
        let object = listener.object
        unsafe call(.listen, listener, then: { if $0 == STATUS_SUCCESS { object?.phase = .ready } }) {
            unsafe Tables.listener.NdkListen(listener.pointer(), address.pointer, address.length, $0, $1)
        }
    }

    func controlConnectEvents() {
        let listener = choose(.listener)
        let pauses: BOOLEAN = random.chance(30) ? 1 : 0
        ask(.controlConnectEvents, [listener]) {
            unsafe Tables.listener.NdkControlConnectEvents(listener.pointer(), pauses)
        }
    }

    // MARK: Either

    func reject() {
        // What waits for an answer is better accepted.
        let connector = random.chance(20) ? choose(.connector) { $0.phase == .answered } : stale()
        let data = PrivateData(&random)
        call(.reject, [connector]) {
            unsafe Tables.connector.NdkReject(connector.pointer(), data.pointer, data.length)
        }
    }

    func disconnect() {
        let connector = random.chance(30) ? choose(.connector) { $0.phase == .connected } : stale()
        unsafe call(.disconnect, connector) { unsafe Tables.connector.NdkDisconnect(connector.pointer(), $0, $1) }
    }

    func getConnectionData() {
        let connector = choose(.connector) { $0.phase != .fresh }
        let room = Buffer(rarely(3) ? random.below(8) : 256)
        let (inbound, outbound) = (Cell<ULONG>(0), Cell<ULONG>(0))
        call(.getConnectionData, [connector]) {
            unsafe Tables.connector.NdkGetConnectionData(
                connector.pointer(), rarely() ? nil : inbound.pointer, rarely() ? nil : outbound.pointer,
                rarely() ? nil : room.start, rarely() ? nil : room.size)
        }
    }

    func getAddress(_ entry: EntryPoint) {
        let room = Buffer(rarely(3) ? random.below(16) : MemoryLayout<sockaddr_in6>.size)
        let address = unsafe rarely() ? nil : room.start.assumingMemoryBound(to: sockaddr.self)
        let size = unsafe rarely() ? nil : room.size
        switch entry {
        case .getListenerLocalAddress:
            let listener = choose(.listener) { $0.phase == .ready }
            call(entry, [listener]) { unsafe Tables.listener.NdkGetLocalAddress(listener.pointer(), address, size) }
        case .getSharedEndpointLocalAddress:
            let endpoint = choose(.sharedEndpoint)
            call(entry, [endpoint]) {
                unsafe Tables.sharedEndpoint.NdkGetLocalAddress(endpoint.pointer(), address, size)
            }
        default:
            let connector = choose(.connector) { $0.phase == .connected }
            call(entry, [connector]) {
                unsafe entry == .getConnectorLocalAddress
                    ? Tables.connector.NdkGetLocalAddress(connector.pointer(), address, size)
                    : Tables.connector.NdkGetPeerAddress(connector.pointer(), address, size)
            }
        }
    }
}

/// Private data of exactly the length that the interface is told, where it looks at it at all.
@safe
private final class PrivateData {
    private let buffer: Buffer
    private let isNull: Bool
    let length: ULONG

    init(_ random: inout RandomSource) {
        let lengths = [0, 0, 5, 56, 57, 148, 149, 200]
        let count = lengths[random.below(random.chance(90) ? 4 : lengths.count)]
        buffer = Buffer(count)
        isNull = count == 0 || random.chance(3)
        length = random.chance(2) ? .max : ULONG(count)
    }

    var pointer: UnsafeMutableRawPointer? { unsafe isNull ? nil : buffer.start }
}
