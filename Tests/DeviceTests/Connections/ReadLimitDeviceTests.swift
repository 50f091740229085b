import LAM
import Testing

@Suite("Read limits on a device", .serialized, .timeLimit(.minutes(2)))
struct ReadLimitDeviceTests {
    @Test("[117] [120] a side that may have no reads under way is refused inline, and the other one reads")
    func outbound() async throws {
        let adapter = try openDevice()
        let listener = try await adapter.listen(on: SocketAddress(adapter.info.address, port: 0))
        let (active, passive) = (try ConnectionSide(on: adapter), try ConnectionSide(on: adapter))
        var options = ConnectionOptions()
        options.outboundReadLimit = 0
        async let accepting = listener.acceptNext(passive)
        let connector = try await adapter.connect(active.queuePair, to: listener.address, options: options)
        let accepted = try await accepting
        #expect(connector.connectionData?.outboundReadLimit == 0)
        #expect(accepted.connectionData?.inboundReadLimit == 0)
        let target = try active.openForReading()
        #expect(throws: PostError.readsNotAllowed) { try active.read(0..<64, from: target, context: 1) }
        active.buffer.fill(4096..<4160, with: 0xC3)
        try passive.read(0..<64, from: target, context: 2)
        #expect(try passive.wait(1).map(\.status) == [.success])
        #expect(passive.buffer.contains(0..<64, only: 0xC3))
    }

    @Test("[120] a read beyond what the peer serves fails at the one who reads")
    func inbound() async throws {
        let adapter = try openDevice()
        let (reader, served) = (try ConnectionSide(on: adapter), try ConnectionSide(on: adapter))
        // Connected by hand, nobody tells the reader that its peer serves no reads.
        var options = ConnectionOptions()
        options.inboundReadLimit = 0
        try reader.queuePair.connect(to: served.queuePair.address)
        try served.queuePair.connect(to: reader.queuePair.address, options: options)
        let target = try served.openForReading()
        try reader.read(0..<64, from: target, context: 1)
        let statuses = try reader.wait(1).map(\.status)
        print("a read that the peer does not serve: \(statuses)")
        #expect(statuses.allSatisfy { $0 != .success })
    }
}
