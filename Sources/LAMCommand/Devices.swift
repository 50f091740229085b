import ArgumentParser
import Foundation
import LAM

/// `lam devices`: what there is.
struct Devices: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the RDMA devices of this machine.",
        discussion: """
            One line for each address of each port: the name that --device takes, whether the port carries anything, and \
            the address at which peers find it. Soft devices (rxe, siw) are devices like any other.

            Examples:
              lam devices
              lam devices --limits
              lam devices --json | jq -r '.[].ports[] | select(.state == "active") | .addresses[].address'

            Exit status: 0 there is a device; 1 there is none.
            """)

    @Flag(help: "Write everything as JSON.")
    var json = false

    @Flag(help: "Also show how much of everything each device can have.")
    var limits = false

    func run() throws {
        let devices = try DeviceDescription.all()
        if json {
            Terminal.show(try DeviceReport.json(devices))
        } else if !devices.isEmpty {
            DeviceTable(devices, withLimits: limits).lines.forEach(Terminal.show)
        }
        guard !devices.isEmpty else { throw AdapterError.noDevice }
    }
}
