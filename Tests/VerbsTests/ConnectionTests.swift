import CRDMA
import Glibc
import TestSupport
import Testing
import Verbs

struct ConnectionTests {
    let device = FakeDevice()
    let address = SocketAddress.ipv4(address: 0x0a00_0001, port: 4420)

    @Test func `A request brings an identifier of its own, and tells what the peer wants`() throws {
        let channel = try EventChannel(verbs: device.verbs)
        let listener = try ConnectionIdentifier(on: channel)
        try listener.bind(to: address)
        try listener.listen(backlog: 1)
        device.deliver(
            RDMA_CM_EVENT_CONNECT_REQUEST, to: 0, peerQueuePair: 55, peerOutboundReads: 3,
            peerInboundReads: 4, privateData: [1, 2, 3])
        let event = try #require(try channel.nextEvent())
        #expect(event.kind == .connectRequest)
        #expect(event.identity == listener.identity)
        #expect(event.status == 0)
        #expect(event.peerQueuePairNumber == 55)
        #expect(event.peerOutboundReads == 3)
        #expect(event.peerInboundReads == 4)
        #expect(event.privateData == [1, 2, 3])
        let incoming = try #require(event.incoming)
        #expect(incoming.identity != listener.identity)
        #expect(try channel.nextEvent() == nil)
        #expect(device.callCount(.acknowledgeConnectionEvent) == 1)

        device.deliver(RDMA_CM_EVENT_ESTABLISHED, to: 1)
        let next = try #require(try channel.nextEvent())
        #expect(next.kind == .established)
        #expect(next.identity == incoming.identity)
        #expect(next.incoming == nil)
    }

    @Test func `Dropping a request destroys its identifier`() throws {
        let channel = try EventChannel(verbs: device.verbs)
        let listener = try ConnectionIdentifier(on: channel)
        device.deliver(RDMA_CM_EVENT_CONNECT_REQUEST, to: 0)
        do { _ = try channel.nextEvent() }
        #expect(device.identifierNumbers == [0])
        try listener.close()
        #expect(device.identifierNumbers == [])
        #expect(device.violations == [])
    }

    @Test(arguments: [
        (RDMA_CM_EVENT_ADDR_RESOLVED, ConnectionEvent.Kind.addressResolved),
        (RDMA_CM_EVENT_ADDR_ERROR, .addressError),
        (RDMA_CM_EVENT_ROUTE_RESOLVED, .routeResolved),
        (RDMA_CM_EVENT_ROUTE_ERROR, .routeError),
        (RDMA_CM_EVENT_CONNECT_RESPONSE, .connectResponse),
        (RDMA_CM_EVENT_CONNECT_ERROR, .connectError),
        (RDMA_CM_EVENT_UNREACHABLE, .unreachable),
        (RDMA_CM_EVENT_REJECTED, .rejected),
        (RDMA_CM_EVENT_ESTABLISHED, .established),
        (RDMA_CM_EVENT_DISCONNECTED, .disconnected),
        (RDMA_CM_EVENT_DEVICE_REMOVAL, .deviceRemoval),
        (RDMA_CM_EVENT_ADDR_CHANGE, .addressChange),
        (RDMA_CM_EVENT_TIMEWAIT_EXIT, .timewaitExit),
        (RDMA_CM_EVENT_MULTICAST_JOIN, .other(RDMA_CM_EVENT_MULTICAST_JOIN.rawValue)),
    ])
    func `Every event keeps its kind and its status`(
        raw: rdma_cm_event_type, kind: ConnectionEvent.Kind
    ) throws {
        let channel = try EventChannel(verbs: device.verbs)
        let identifier = try ConnectionIdentifier(on: channel)
        device.deliver(raw, to: 0, status: -ETIMEDOUT)
        let event = try #require(try channel.nextEvent())
        #expect(event.kind == kind)
        #expect(event.status == -ETIMEDOUT)
        #expect(event.identity == identifier.identity)
    }

    @Test(arguments: ConnectionStep.all)
    func `Every step calls its verb once, and keeps its error`(step: ConnectionStep) throws {
        let identifier = try ConnectionIdentifier(on: EventChannel(verbs: device.verbs))
        try step.take(identifier)
        #expect(device.callCount(step.verb) == 1)
        device.inject(ENODEV, into: step.verb)
        #expect(throws: VerbError(step.verb, ENODEV)) { try step.take(identifier) }
    }

    @Test func `Private data that no transport carries is refused before the call`() throws {
        let identifier = try ConnectionIdentifier(on: EventChannel(verbs: device.verbs))
        let data = [UInt8](repeating: 1, count: 256)
        var parameters = ConnectionParameters.minimal
        parameters.privateData = data
        #expect(throws: VerbError(.connect, EINVAL)) { try identifier.connect(parameters) }
        #expect(throws: VerbError(.reject, EINVAL)) { try identifier.reject(privateData: data) }
        #expect(device.callCount(.connect) == 0)
        #expect(device.callCount(.reject) == 0)
    }

    @Test(arguments: [
        (SocketAddress.ipv4(address: 0x0a00_0001, port: 4420), "10.0.0.1:4420"),
        (.ipv6(high: 0, low: 1, port: 0, scope: 0), "[::1]:0"),
        (.ipv6(high: 0xfe80 << 48, low: 0xab, port: 65535, scope: 2), "[fe80::ab%2]:65535"),
    ])
    func `Addresses go through C unchanged and print as people write them`(
        address: SocketAddress, text: String
    ) throws {
        let identifier = try ConnectionIdentifier(on: EventChannel(verbs: device.verbs))
        #expect(identifier.localAddress == nil)
        #expect(identifier.peerAddress == nil)
        #expect(identifier.deviceName == nil)
        try identifier.bind(to: address)
        try identifier.resolveAddress(address, from: address, timeoutMilliseconds: 1)
        #expect(identifier.localAddress == address)
        #expect(identifier.peerAddress == address)
        #expect(address.description == text)
    }

    @Test func `A queue pair takes the attributes of its connection, and overrides`() throws {
        let fixture = try Fixture(device: device, upTo: .reset)
        let identifier = try ConnectionIdentifier(on: EventChannel(verbs: device.verbs))
        for state in [QueuePairState.initialized, .readyToReceive, .readyToSend] {
            var attributes = try identifier.attributes(entering: state)
            if state == .readyToReceive { attributes.receiverNotReadyTimer = 12 }
            try fixture.queuePair.modify(attributes)
            #expect(try fixture.queuePair.state() == state)
        }
    }
}

/// A call on a connection, with the verb behind it.
struct ConnectionStep: Sendable, CustomTestStringConvertible {
    let verb: Verb
    let take: @Sendable (ConnectionIdentifier) throws -> Void

    var testDescription: String { verb.description }

    static let all = [
        Self(verb: .setOption) { connection in try connection.reuseAddress() },
        Self(verb: .bindAddress) { connection in try connection.bind(to: .any) },
        Self(verb: .resolveAddress) { connection in
            try connection.resolveAddress(.any, timeoutMilliseconds: 10)
        },
        Self(verb: .resolveRoute) { connection in
            try connection.resolveRoute(timeoutMilliseconds: 10)
        },
        Self(verb: .listen) { connection in try connection.listen(backlog: 0) },
        Self(verb: .connect) { connection in try connection.connect(.minimal) },
        Self(verb: .accept) { connection in try connection.accept(.minimal) },
        Self(verb: .reject) { connection in try connection.reject() },
        Self(verb: .establish) { connection in try connection.establish() },
        Self(verb: .disconnect) { connection in try connection.disconnect() },
        Self(verb: .initializeAttributes) { connection in
            _ = try connection.attributes(entering: .initialized)
        },
    ]
}

extension SocketAddress {
    static let any = SocketAddress.ipv4(address: 0, port: 0)
}

extension ConnectionParameters {
    static let minimal = ConnectionParameters(
        queuePairNumber: 17, inboundReads: 1, outboundReads: 1)
}
