import LAM
import Testing
import Verbs

@Suite("The kernel's connection manager", .serialized, .timeLimit(.minutes(1)))
struct BindDeviceTests {
    @Test("lets an identifier that was refused a port ask for another one")
    func again() throws {
        let adapter = try openDevice()
        let channel = try EventChannel()
        let (first, second) = (try ConnectionIdentifier(on: channel), try ConnectionIdentifier(on: channel))
        let words = adapter.info.address.description.split(separator: ".").compactMap { UInt32($0) }
        let host = try #require(words.count == 4 ? words.reduce(0) { $0 << 8 | $1 } : nil)
        try first.bind(to: .ipv4(address: host, port: 49200))
        #expect(throws: VerbError.self) { try second.bind(to: .ipv4(address: host, port: 49200)) }
        try second.bind(to: .ipv4(address: host, port: 49201))
        #expect(second.localAddress == .ipv4(address: host, port: 49201))
    }
}
