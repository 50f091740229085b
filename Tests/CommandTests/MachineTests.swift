import Foundation
import TestSupport
import Testing

/// What the commands say about the machine on which the tests run, with a device or without.
@Suite struct MachineTests {
    @Test func `devices succeeds where there is a device, and says how to get one where there is none`() throws {
        let outcome = try Lam.run(arguments: ["devices"])
        #expect((outcome.status == 0) == Lam.hasDevice)
        if !Lam.hasDevice {
            #expect(outcome.status == 1)
            #expect(outcome.output.isEmpty)
            #expect(outcome.errors.hasPrefix("lam: there is no RDMA device"))
            #expect(outcome.errors.contains("modprobe rdma_rxe && rdma link add"))
        }
    }

    @Test func `devices writes JSON in any case`() throws {
        let outcome = try Lam.run(arguments: ["devices", "--json"])
        let list = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [Any]
        #expect(list?.isEmpty == !Lam.hasDevice)
    }

    @Test func `doctor fails without a device, and tells the command that makes one`() throws {
        let outcome = try Lam.run(arguments: ["doctor"])
        guard !Lam.hasDevice else { return }
        #expect(outcome.status == 1)
        #expect(outcome.output.contains("there is no RDMA device"))
        #expect(outcome.output.contains("mend: modprobe rdma_rxe && rdma link add rxe0 type rxe netdev INTERFACE"))
        #expect(outcome.output.contains("\nNo mapping can be built here"))
    }

    @Test func `without a device nothing is moved, and the reason is given`() throws {
        guard !Lam.hasDevice else { return }
        for arguments in [
            ["get", "a", "/tmp/b", "--from", "192.0.2.1"], ["put", "/proc/self/status", "--to", "192.0.2.1"],
            ["serve", "--directory", "/tmp"],
        ] {
            let outcome = try Lam.run(arguments: arguments)
            #expect(outcome.status == 1)
            #expect(outcome.errors.hasPrefix("lam: there is no RDMA device"))
        }
        let demo = try Lam.run(arguments: ["demo"])
        #expect(demo.status == 1)
        #expect(demo.output.split(separator: "\n").last?.hasPrefix("failed: there is no RDMA device") == true)
    }
}
