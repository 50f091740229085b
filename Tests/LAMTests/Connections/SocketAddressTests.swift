import LAM
import Testing

struct SocketAddressTests {
    @Test(
        "An address survives its text",
        arguments: ["10.77.0.1:7471", "0.0.0.0:0", "[2001:db8::1]:65535", "[::1]:1", "[fe80::1%2]:7471"])
    func roundTrip(text: String) throws {
        #expect(try #require(SocketAddress(text)).description == text)
    }

    @Test("The scope may be an interface's name")
    func scope() throws {
        #expect(try #require(SocketAddress("[fe80::1%lo]:7471")).scopeID == 1)
    }

    @Test(
        "What is no address with a port is refused",
        arguments: [
            "", ":", "10.77.0.1", "10.77.0.1:", "10.77.0.1:65536", "10.77.0.1:-1", "10.77.0.1:+1", "10.77.0.1:7471 ",
            "10.77.0.1%2:7471", "[10.77.0.1]:7471", "2001:db8::1:7471", "[2001:db8::1]", "[fe80::1%]:7471",
            "[fe80::1%nosuchinterface]:7471", "host:7471", "[]:7471", "10.77.1:7471", "[2001:db8::1:7471",
        ])
    func refused(text: String) {
        #expect(SocketAddress(text) == nil)
    }
}
