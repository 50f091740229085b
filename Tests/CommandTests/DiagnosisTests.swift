import LAM
import LAMCommand
import Testing

@Suite struct DiagnosisTests {
    static let node = MachineFacts.DeviceNode(path: "/dev/infiniband/uverbs0", exists: true, isUsable: true)
    static let manager = MachineFacts.DeviceNode(path: "/dev/infiniband/rdma_cm", exists: true, isUsable: true)
    static let pinning = MachineFacts.Pinning(
        softLimit: .bytes(8 << 20), hardLimit: .bytes(8 << 20), hasLockCapability: false,
        isInInitialUserNamespace: true, pinnedBytes: 0, controlGroupLimit: .unlimited)

    /// A machine on which everything works.
    static let healthy = MachineFacts(
        devices: .success([DeviceFixture.device()]), deviceNodes: [node], connectionManagerNode: manager,
        connectionTrial: .worked("rxe0"), mappingTrial: .worked("rxe0 (RoCEv2, 10.77.0.1)"),
        pinning: MachineFacts.Pinning(
            softLimit: .unlimited, hardLimit: .unlimited, hasLockCapability: false, isInInitialUserNamespace: true,
            pinnedBytes: 4096, controlGroupLimit: .unlimited),
        hugePages: nil, forkVariables: [])

    private func diagnose(_ change: (inout MachineFacts) -> Void) -> Diagnosis {
        var facts = Self.healthy
        change(&facts)
        return Diagnosis(facts)
    }

    private func finding(_ check: String, _ change: (inout MachineFacts) -> Void) throws -> Finding {
        try #require(diagnose(change).findings.first { $0.check == check })
    }

    @Test func `a healthy machine has no problem, and nothing to mend`() {
        let diagnosis = Diagnosis(Self.healthy)
        #expect(diagnosis.canBuild)
        #expect(
            diagnosis.lines == [
                "ok  device      rxe0, firmware 1.2.3",
                "ok  rights      /dev/infiniband/uverbs0 may be read and written",
                "ok  port        port 1 of rxe0 is active: 10.77.0.1 on dummy0",
                "ok  mapping     a page was mapped and released on rxe0 (RoCEv2, 10.77.0.1)",
                "ok  rdma_cm     the connection manager can be used",
                "ok  memlock     RLIMIT_MEMLOCK is unlimited; 4096 bytes pinned now (VmPin)",
                "ok  capability  CAP_IPC_LOCK is not in effect; RLIMIT_MEMLOCK holds",
                "ok  cgroup      no memory limit of a control group",
                "ok  fork        registrations leave the memory's flags alone",
                "",
                "Mappings can be built here (0 problems, 0 warnings).",
            ])
    }

    @Test func `a machine without a device can build nothing`() throws {
        let diagnosis = diagnose { facts in
            facts.devices = .success([])
            facts.deviceNodes = []
            facts.mappingTrial = nil
            facts.connectionTrial = nil
            facts.connectionManagerNode.exists = false
            facts.connectionManagerNode.isUsable = false
        }
        #expect(!diagnosis.canBuild)
        #expect(diagnosis.findings.first?.verdict == .problem)
        #expect(diagnosis.findings.first?.remedy?.hasPrefix("modprobe rdma_rxe && rdma link add") == true)
        #expect(diagnosis.findings.contains { $0.check == "rdma_cm" && $0.remedy == "modprobe rdma_ucm" })
        #expect(diagnosis.lines.last == "No mapping can be built here (2 problems, 0 warnings).")
    }

    @Test func `every warning and problem names what mends it`() {
        let diagnosis = diagnose { facts in
            facts.devices = .success([DeviceFixture.device([DeviceFixture.port(.down)]), DeviceFixture.closed])
            facts.deviceNodes = [
                MachineFacts.DeviceNode(path: "/dev/infiniband/uverbs0", exists: true, isUsable: false),
                MachineFacts.DeviceNode(path: "/dev/infiniband/uverbs1", exists: false, isUsable: false),
            ]
            facts.connectionTrial = .failed("rdma_create_event_channel failed")
            facts.mappingTrial = .failed("over the limit")
            facts.pinning = Self.pinning
            facts.pinning.controlGroupLimit = .bytes(64 << 20)
            facts.forkVariables = ["RDMAV_FORK_SAFE"]
        }
        #expect(!diagnosis.canBuild)
        for finding in diagnosis.findings {
            #expect((finding.verdict == .ok) == (finding.remedy == nil), "\(finding)")
        }
        #expect(diagnosis.lines.last == "No mapping can be built here (6 problems, 3 warnings).")
    }

    @Test func `a port that is down is brought up by its interface`() throws {
        let found = try finding("port") { facts in
            facts.devices = .success([DeviceFixture.device([DeviceFixture.port(.down)])])
        }
        #expect(found.verdict == .problem)
        #expect(found.remedy == "ip link set dummy0 up")
    }

    @Test func `a port that is down beside an active one is a warning`() throws {
        let ports = [DeviceFixture.port(.down, layer: .infiniBand, addresses: []), DeviceFixture.port()]
        let found = try finding("port") { facts in facts.devices = .success([DeviceFixture.device(ports)]) }
        #expect(found.verdict == .warning)
        #expect(found.remedy?.contains("subnet manager") == true)
    }

    @Test func `the memory limit is judged by what the process may do about it`() throws {
        let fixed = try finding("memlock") { facts in facts.pinning = Self.pinning }
        #expect(fixed.verdict == .warning)
        #expect(fixed.meaning.contains("8.0 MiB in all"))
        #expect(fixed.remedy?.contains("limits.conf") == true)
        let raisable = try finding("memlock") { facts in
            facts.pinning = Self.pinning
            facts.pinning.hardLimit = .unlimited
        }
        #expect(raisable.remedy == "ulimit -l unlimited")
        let none = try finding("memlock") { facts in
            facts.pinning = Self.pinning
            facts.pinning.softLimit = .bytes(0)
        }
        #expect(none.verdict == .problem)
    }

    @Test func `a capability in a user namespace is found out`() throws {
        let found = try finding("capability") { facts in
            facts.pinning.hasLockCapability = true
            facts.pinning.isInInitialUserNamespace = false
        }
        #expect(found.verdict == .warning)
        #expect(found.meaning.contains("does not count in a user namespace"))
    }

    @Test func `a device without windows still works`() throws {
        let found = try finding("device") { facts in
            facts.devices = .success([DeviceFixture.device(hasWindows: false)])
        }
        #expect(found.verdict == .ok)
        #expect(found.meaning.contains("it has no windows"))
    }
}
