package import CRDMA
import Glibc
package import Verbs

/// An event channel of the fake device: a pipe that carries one byte for each event.
@safe
struct FakeEventChannel {
    let pipe: FakePipe
    /// Not taken, oldest first.
    var events: [UnsafeMutablePointer<rdma_cm_event>] = unsafe []
}

/// A connection identifier of the fake device.
@safe
struct FakeIdentifier {
    let raw: UnsafeMutablePointer<rdma_cm_id>
    /// The descriptor of its channel.
    let channel: CInt
    /// Whether it has its source address, which nobody else can have then.
    var isBound = false
    /// Whether others that are like that can.
    var reusesAddress = false
}

extension FakeDevice {
    /// The identifiers of connections that exist, numbered in the order of their creation from 0.
    package var identifierNumbers: [Int] {
        withState { state in
            state.identifiers.indices.filter { index in state.identifiers[index] != nil }
        }
    }

    /// The number of an identifier that exists.
    package func number(of identifier: ConnectionVerbs.Identifier) -> Int {
        withState { state in
            state.identifiers.firstIndex { found in unsafe found?.raw == identifier }!
        }
    }

    /// Has an event arrive.
    ///
    /// - Parameters:
    ///   - kind: Which. `RDMA_CM_EVENT_CONNECT_REQUEST` creates an identifier, as the kernel does.
    ///   - identifier: The number of the identifier; for a request, of the listener.
    ///   - status: 0, a negated `errno` value, or the reason of a refusal.
    ///   - peerQueuePair: The number of the peer's queue pair.
    ///   - peerOutboundReads: How many reads the peer wants to have under way.
    ///   - peerInboundReads: How many reads the peer serves.
    ///   - privateData: What the peer's program says.
    package func deliver(
        _ kind: rdma_cm_event_type, to identifier: Int, status: CInt = 0,
        peerQueuePair: UInt32 = 0, peerOutboundReads: UInt8 = 0, peerInboundReads: UInt8 = 0,
        privateData: [UInt8] = []
    ) {
        let isThere = deliverIfThere(
            kind, to: identifier, status: status, peerQueuePair: peerQueuePair, peerOutboundReads: peerOutboundReads,
            peerInboundReads: peerInboundReads, privateData: privateData)
        guard isThere else { fatalError("FakeDevice: identifier \(identifier) is destroyed") }
    }

    /// The same for an identifier that others may destroy meanwhile.
    ///
    /// - Returns: whether it was there.
    @discardableResult
    package func deliverIfThere(
        _ kind: rdma_cm_event_type, to identifier: Int, status: CInt = 0,
        peerQueuePair: UInt32 = 0, peerOutboundReads: UInt8 = 0, peerInboundReads: UInt8 = 0,
        privateData: [UInt8] = []
    ) -> Bool {
        withState { state in
            guard let target = state.identifiers[identifier] else { return false }
            var event = unsafe rdma_cm_event()
            unsafe event.event = kind
            unsafe event.status = status
            unsafe event.id = unsafe target.raw
            unsafe event.param.conn.qp_num = peerQueuePair
            unsafe event.param.conn.responder_resources = peerOutboundReads
            unsafe event.param.conn.initiator_depth = peerInboundReads
            unsafe event.param.conn.private_data = state.allocate(bytes: privateData)
            unsafe event.param.conn.private_data_len = UInt8(privateData.count)
            if kind == RDMA_CM_EVENT_CONNECT_REQUEST {
                unsafe event.listen_id = unsafe target.raw
                unsafe event.id = unsafe state.makeIdentifier(
                    like: target.raw.pointee, on: target.channel)
            }
            let raw = unsafe state.allocate(event)
            unsafe state.eventChannels[target.channel]?.events.append(raw)
            state.eventChannels[target.channel]?.pipe.put()
            return true
        }
    }

    /// Has the way of an identifier lead through another port.
    package func moveIdentifier(_ identifier: Int, toPort port: UInt8) {
        withState { state in
            unsafe state.identifiers[identifier]?.raw.pointee.port_num = port
        }
    }

    /// The entries for connections. What only asks the kernel for something succeeds; the answers
    /// are `deliver`ed.
    var connectionVerbs: ConnectionVerbs {
        var verbs = ConnectionVerbs.system
        setEventVerbs(&verbs)
        setIdentifierVerbs(&verbs)
        unsafe verbs.setOption = { [self] identifier, _, option, _, _ in
            call(.setOption) { state in
                if option == RDMA_OPTION_ID_REUSEADDR { unsafe state.change(identifier) { $0.reusesAddress = true } }
                return 0
            }
        }
        unsafe verbs.bind = { [self] identifier, address in
            call(.bindAddress) { state in unsafe state.bind(identifier, to: address) }
        }
        unsafe verbs.resolveAddress = { [self] identifier, source, address, _ in
            call(.resolveAddress) { state in
                if let source = unsafe source, unsafe !Self.isAnyPort(source) {
                    let code = unsafe state.bind(identifier, to: source)
                    guard code == 0 else { return code }
                }
                unsafe Self.copy(address, to: &identifier.pointee.route.addr.dst_storage)
                unsafe state.place(identifier)
                return 0
            }
        }
        unsafe verbs.resolveRoute = { [self] _, _ in call(.resolveRoute) { _ in 0 } }
        unsafe verbs.listen = { [self] _, _ in call(.listen) { _ in 0 } }
        unsafe verbs.connect = { [self] _, _ in call(.connect) { _ in 0 } }
        unsafe verbs.accept = { [self] _, _ in call(.accept) { _ in 0 } }
        unsafe verbs.reject = { [self] _, _, _ in call(.reject) { _ in 0 } }
        unsafe verbs.establish = { [self] _ in call(.establish) { _ in 0 } }
        unsafe verbs.disconnect = { [self] _ in call(.disconnect) { _ in 0 } }
        unsafe verbs.initializeAttributes = { [self] _, attributes, mask in
            call(.initializeAttributes) { _ in
                // Whatever state is entered, more attributes than it needs do no harm here.
                unsafe mask.pointee = CInt(IBV_QP_DEST_QPN.rawValue) << 1 - 1
                unsafe attributes.pointee.port_num = 1
                return 0
            }
        }
        return verbs
    }

    private func setEventVerbs(_ verbs: inout ConnectionVerbs) {
        unsafe verbs.createChannel = { [self] channel in
            call(.createEventChannel) { state in
                let pipe = FakePipe()
                unsafe state.eventChannels[pipe.readEnd] = FakeEventChannel(pipe: pipe)
                unsafe channel.pointee = unsafe state.allocate(
                    rdma_event_channel(fd: pipe.readEnd))
                return 0
            }
        }
        unsafe verbs.destroyChannel = { [self] channel in
            withState { state in
                let found = unsafe state.eventChannels.removeValue(forKey: channel.pointee.fd)
                found?.pipe.close()
            }
        }
        unsafe verbs.getEvent = { [self] channel, event in
            call(.getConnectionEvent) { state in
                let descriptor = unsafe channel.pointee.fd
                guard let next = unsafe state.eventChannels[descriptor]?.events.first else {
                    return EAGAIN
                }
                unsafe state.eventChannels[descriptor]?.events.removeFirst()
                state.eventChannels[descriptor]?.pipe.take()
                unsafe state.takenEvents.append(next)
                unsafe event.pointee = unsafe next
                return 0
            }
        }
        unsafe verbs.acknowledgeEvent = { [self] event in
            call(.acknowledgeConnectionEvent) { state in
                guard
                    let index = unsafe state.takenEvents.firstIndex(where: { taken in
                        unsafe taken == event
                    })
                else { return state.refuseUse(.acknowledgeConnectionEvent) }
                unsafe state.takenEvents.remove(at: index)
                return 0
            }
        }
    }

    private func setIdentifierVerbs(_ verbs: inout ConnectionVerbs) {
        unsafe verbs.createIdentifier = { [self] channel, context, _, identifier in
            call(.createIdentifier) { state in
                var raw = unsafe rdma_cm_id()
                unsafe raw.channel = unsafe channel
                unsafe raw.context = unsafe context
                unsafe identifier.pointee = unsafe state.makeIdentifier(
                    like: raw, on: channel.pointee.fd)
                return 0
            }
        }
        unsafe verbs.destroyIdentifier = { [self] identifier in
            call(.destroyIdentifier) { state in
                guard
                    let index = state.identifiers.firstIndex(where: { found in
                        unsafe found?.raw == identifier
                    })
                else { return state.refuseUse(.destroyIdentifier) }
                state.identifiers[index] = nil
                return 0
            }
        }
    }

    private static func isAnyPort(_ address: UnsafeMutablePointer<sockaddr>) -> Bool {
        // Both families have the port in the same place.
        unsafe address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { unsafe $0.pointee.sin_port == 0 }
    }

    fileprivate static func copy(
        _ address: UnsafeMutablePointer<sockaddr>, to storage: inout sockaddr_storage
    ) {
        let isIPv4 = unsafe CInt(address.pointee.sa_family) == AF_INET
        let length = isIPv4 ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size
        unsafe withUnsafeMutableBytes(of: &storage) { bytes in
            // The family says that the address is this long.
            unsafe bytes.copyMemory(from: UnsafeRawBufferPointer(start: address, count: length))
        }
    }
}

extension FakeDevice.State {
    /// Leads an identifier to the device's only port.
    fileprivate func place(_ identifier: UnsafeMutablePointer<rdma_cm_id>) {
        unsafe identifier.pointee.verbs = unsafe context
        unsafe identifier.pointee.port_num = 1
    }

    /// Gives an identifier an address, unless another one has it.
    fileprivate mutating func bind(
        _ identifier: UnsafeMutablePointer<rdma_cm_id>, to address: UnsafeMutablePointer<sockaddr>
    ) -> CInt {
        unsafe FakeDevice.copy(address, to: &identifier.pointee.route.addr.src_storage)
        unsafe change(identifier) { $0.isBound = true }
        let sharers = identifiers.compactMap { $0 }.filter {
            unsafe $0.isBound && $0.hasAddress(of: identifier.pointee)
        }
        guard sharers.count == 1 || sharers.allSatisfy(\.reusesAddress) else {
            unsafe change(identifier) { $0.isBound = false }
            return EADDRINUSE
        }
        unsafe place(identifier)
        return 0
    }

    fileprivate mutating func change(
        _ identifier: UnsafeMutablePointer<rdma_cm_id>, _ body: (inout FakeIdentifier) -> Void
    ) {
        for index in identifiers.indices where unsafe identifiers[index]?.raw == identifier {
            body(&identifiers[index]!)
        }
    }

    fileprivate mutating func makeIdentifier(like template: rdma_cm_id, on channel: CInt)
        -> UnsafeMutablePointer<rdma_cm_id>
    {
        let raw = unsafe allocate(template)
        unsafe identifiers.append(FakeIdentifier(raw: raw, channel: channel))
        return unsafe raw
    }
}

extension FakeIdentifier {
    /// Whether both have one local address and port.
    fileprivate func hasAddress(of other: rdma_cm_id) -> Bool {
        unsafe withUnsafeBytes(of: raw.pointee.route.addr.src_storage) { mine in
            unsafe withUnsafeBytes(of: other.route.addr.src_storage) { theirs in
                unsafe mine.elementsEqual(theirs)
            }
        }
    }
}
