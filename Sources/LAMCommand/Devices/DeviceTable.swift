package import LAM

/// What `lam devices` shows to people.
package struct DeviceTable {
    /// The lines, without line ends.
    package let lines: [String]

    /// Lays the devices out, in their order.
    package init(_ devices: [DeviceDescription], withLimits: Bool) {
        var table = TextTable(headings: ["DEVICE", "PORT", "STATE", "LINK", "MTU", "INTERFACE", "TYPE", "ADDRESS"])
        for device in devices {
            for row in Self.rows(device) { table.add([device.name] + row) }
        }
        lines = table.lines + (withLimits ? devices.flatMap(Self.limits) : [])
    }

    private static func rows(_ device: DeviceDescription) -> [[String]] {
        switch device.details {
        case .success(let details): details.ports.flatMap(rows)
        case .failure(let error): [["-", "cannot be opened: \(error)"]]
        }
    }

    private static func rows(_ port: DeviceDescription.Port) -> [[String]] {
        let link = port.linkLayer.description + (port.gigabitsPerSecond.map { " \(short($0))G" } ?? "")
        let start = ["\(port.number)", port.state.description, link, "\(port.pathMTU)"]
        guard !port.addresses.isEmpty else { return [start + ["-", "-", "no address"]] }
        return port.addresses.map { address in
            start + [
                address.networkInterface ?? "-", address.technology.description,
                "\(address.address) (GID \(address.index))",
            ]
        }
    }

    /// A rate without a superfluous `.0`.
    private static func short(_ rate: Double) -> String {
        rate == rate.rounded() ? "\(Int(rate))" : "\(rate)"
    }

    private static func limits(_ device: DeviceDescription) -> [String] {
        guard case .success(let details) = device.details else { return [] }
        let limits = details.limits
        var table = TextTable()
        table.add(["  firmware", details.firmwareVersion.isEmpty ? "-" : details.firmwareVersion])
        table.add(["  one mapping", Quantity.bytes(limits.registrationBytes)])
        table.add(["  mappings", "\(limits.registrations)"])
        table.add(["  windows", details.hasWindows ? "\(limits.windows)" : "none that can be revoked"])
        table.add(["  queue pairs", "\(limits.queuePairs), \(limits.queueDepth) requests each"])
        table.add(["  elements", "\(limits.elements) in a request"])
        table.add(["  completion queues", "\(limits.completionQueues), \(limits.completionQueueDepth) results each"])
        table.add(["  reads at a time", "\(limits.outboundReads) out, \(limits.inboundReads) in"])
        return ["", "\(device.name) can have:"] + table.lines
    }
}
