import Foundation
import LAM
import LAMCommand
import Testing

@Suite struct DeviceTableTests {
    @Test func `each address of a port is a line`() {
        #expect(
            DeviceTable([DeviceFixture.device()], withLimits: false).lines == [
                "DEVICE  PORT  STATE   LINK           MTU   INTERFACE  TYPE    ADDRESS",
                "rxe0    1     active  Ethernet 2.5G  1024  dummy0     RoCEv2  fe80::1 (GID 0)",
                "rxe0    1     active  Ethernet 2.5G  1024  dummy0     RoCEv2  10.77.0.1 (GID 1)",
            ])
    }

    @Test func `a port without an address, and a device that cannot be opened, are shown as well`() {
        let lines = DeviceTable(
            [DeviceFixture.device([DeviceFixture.port(.down, addresses: [])]), DeviceFixture.closed], withLimits: false
        ).lines
        #expect(lines[1].contains("down") && lines[1].hasSuffix("no address"))
        #expect(lines[2].hasPrefix("mlx5_0") && lines[2].contains("cannot be opened: ibv_open_device"))
    }

    @Test func `limits are shown when asked for`() {
        let lines = DeviceTable([DeviceFixture.device()], withLimits: true).lines
        #expect(lines.contains("rxe0 can have:"))
        #expect(lines.contains("  queue pairs        1048560, 1048576 requests each"))
        #expect(lines.last == "  reads at a time    64 out, 128 in")
    }

    @Test func `the JSON has the fields that programs rely on`() throws {
        let text = try DeviceReport.json([DeviceFixture.device(), DeviceFixture.closed])
        let list = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]])
        #expect(list.count == 2)
        #expect(list[0]["name"] as? String == "rxe0")
        #expect(list[0]["guid"] as? String == "0x14a9e6fffe0c58e8")
        let port = try #require((list[0]["ports"] as? [[String: Any]])?.first)
        #expect(port["state"] as? String == "active")
        let addresses = try #require(port["addresses"] as? [[String: Any]])
        #expect(addresses.map { $0["address"] as? String } == ["fe80::1", "10.77.0.1"])
        #expect((list[1]["failure"] as? String)?.contains("ibv_open_device") == true)
        #expect(list[1]["ports"] == nil)
    }
}
