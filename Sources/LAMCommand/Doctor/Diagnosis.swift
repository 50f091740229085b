import LAM

/// What `lam doctor` concludes from the facts: a finding for each of them.
package struct Diagnosis: Sendable {
    /// What was found, the most important first.
    package let findings: [Finding]
    /// Whether a mapping was built and released.
    package let canBuild: Bool

    /// Judges the facts.
    package init(_ facts: MachineFacts) {
        findings =
            Self.devices(facts) + facts.deviceNodes.map(Self.rights) + Self.ports(facts)
            + [
                Self.mapping(facts), Self.connections(facts), Self.pinLimit(facts.pinning),
                Self.capability(facts.pinning), Self.controlGroup(facts.pinning), Self.hugePages(facts.hugePages),
                Self.forkVariables(facts.forkVariables),
            ].compactMap { $0 }
        if case .worked = facts.mappingTrial { canBuild = true } else { canBuild = false }
    }

    /// The report: a line for each finding, and the verdict as the last line.
    package var lines: [String] {
        var table = TextTable()
        for finding in findings {
            table.add([finding.verdict.rawValue, finding.check, finding.meaning])
            if let remedy = finding.remedy { table.add(["", "", "mend: " + remedy]) }
        }
        return table.lines + ["", verdict]
    }

    private var verdict: String {
        let problems = findings.count { $0.verdict == .problem }
        let warnings = findings.count { $0.verdict == .warning }
        let counts = "\(problems) problem\(problems == 1 ? "" : "s"), \(warnings) warning\(warnings == 1 ? "" : "s")"
        return canBuild
            ? "Mappings can be built here (\(counts))." : "No mapping can be built here (\(counts))."
    }
}

// MARK: Devices

extension Diagnosis {
    private static func devices(_ facts: MachineFacts) -> [Finding] {
        switch facts.devices {
        case .failure(let error):
            return [.problem("devices", "they cannot be listed: \(error)", mend: makeDevice)]
        case .success(let devices) where devices.isEmpty:
            return [
                .problem(
                    "devices", "there is no RDMA device, neither an adapter nor a software one", mend: makeDevice)
            ]
        case .success(let devices):
            return devices.map { device in
                switch device.details {
                case .success(let details):
                    .ok("device", "\(device.name), firmware \(details.firmwareVersion)" + windows(details))
                case .failure(let error):
                    .problem(
                        "device", "\(device.name) cannot be opened: \(error)",
                        mend: grant("/dev/infiniband/" + device.nodeName))
                }
            }
        }
    }

    private static func windows(_ details: DeviceDescription.Details) -> String {
        details.hasWindows ? "" : "; it has no windows, so peers get access by registrations of their own"
    }

    private static let makeDevice = """
        modprobe rdma_rxe && rdma link add rxe0 type rxe netdev INTERFACE (as root, any Ethernet interface; \
        in a clone of this project `Scripts/rxe exec -- COMMAND` lends COMMAND a device, in a virtual machine if need be)
        """

    private static func rights(_ node: MachineFacts.DeviceNode) -> Finding {
        if node.isUsable { return .ok("rights", "\(node.path) may be read and written") }
        guard node.exists else {
            return .problem(
                "rights", "\(node.path) is missing, so the device cannot be opened", mend: "modprobe ib_uverbs")
        }
        return .problem("rights", "\(node.path) may not be read and written by this user", mend: grant(node.path))
    }

    private static func grant(_ path: String) -> String {
        "sudo chmod a+rw \(path) (until the next boot; a udev rule with MODE=\"0666\" for good)"
    }

    private static func ports(_ facts: MachineFacts) -> [Finding] {
        guard case .success(let devices) = facts.devices else { return [] }
        let ports = devices.flatMap { device in
            ((try? device.details.get())?.ports ?? []).map { port in (device.name, port) }
        }
        let hasActive = ports.contains { $0.1.state == .active }
        return ports.map { name, port in
            if port.state == .active { return active(name, port) }
            let meaning = "port \(port.number) of \(name) is \(port.state) and carries nothing"
            let remedy = bringUp(name, port)
            return hasActive ? .warning("port", meaning, mend: remedy) : .problem("port", meaning, mend: remedy)
        }
    }

    private static func active(_ name: String, _ port: DeviceDescription.Port) -> Finding {
        guard let address = port.addresses.first(where: { $0.address.isIPv4 }) ?? port.addresses.first else {
            return .problem(
                "port", "port \(port.number) of \(name) is active and has no address",
                mend: "ip address add ADDRESS/24 dev INTERFACE")
        }
        let interface = address.networkInterface.map { " on \($0)" } ?? ""
        return .ok("port", "port \(port.number) of \(name) is active: \(address.address)\(interface)")
    }

    private static func bringUp(_ name: String, _ port: DeviceDescription.Port) -> String {
        guard port.linkLayer != .infiniBand else {
            return "connect the cable and run a subnet manager (opensm) in the fabric"
        }
        let interface = port.addresses.compactMap(\.networkInterface).first
        guard let interface else {
            return "ip link set INTERFACE up (`rdma link show \(name)/\(port.number)` names it)"
        }
        return "ip link set \(interface) up"
    }

    private static func mapping(_ facts: MachineFacts) -> Finding? {
        switch facts.mappingTrial {
        case .worked(let place): .ok("mapping", "a page was mapped and released on \(place)")
        case .failed(let reason): .problem("mapping", reason, mend: "see the other findings; then run lam doctor again")
        case nil: nil
        }
    }

    private static func connections(_ facts: MachineFacts) -> Finding {
        let node = facts.connectionManagerNode
        switch facts.connectionTrial {
        case .worked: return .ok("rdma_cm", "the connection manager can be used")
        case .failed(let reason) where node.exists:
            return .problem("rdma_cm", "connections cannot be made: \(reason)", mend: grant(node.path))
        case nil where node.isUsable: return .ok("rdma_cm", "\(node.path) may be read and written")
        case nil where node.exists:
            return .problem(
                "rdma_cm", "\(node.path) may not be used, so connections cannot be made", mend: grant(node.path))
        case .failed, nil:
            return .problem(
                "rdma_cm", "\(node.path) is missing, so connections cannot be made", mend: "modprobe rdma_ucm")
        }
    }
}
