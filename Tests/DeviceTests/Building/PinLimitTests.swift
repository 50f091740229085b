import Glibc
import LAM
import TestSupport
import Testing

extension OnDevice {
    /// What an unprivileged process may pin.
    ///
    /// Each test is a process of its own, which gives its rights up; what it expects is reported here.
    @Suite("The limit of pinned memory")
    struct PinLimitTests {
        @Test("[21] a mapping over RLIMIT_MEMLOCK is refused with the numbers, and the largest that fits is built")
        func exceeded() async {
            await #expect(processExitsWith: .success) {
                let adapter = try unprivilegedAdapter(limit: 64 << 10)
                let memory = try DeviceMemory(pages: 17)
                let pinned = try DeviceOracle.pinnedKilobytes() << 10
                let report = PinLimitReport(
                    askedBytes: 17 << 12, pinnedBytes: pinned, limit: .bytes(64 << 10), isForbidden: false)
                try expectRefused(
                    [memory.descriptor()], in: memory, by: adapter, .pinLimit(report),
                    naming: ["\(17 << 12)", "\(pinned)", "RLIMIT_MEMLOCK"])
                // The adapter's token has a page of its own.
                let fitting = (64 << 10) - pinned
                expectIdle(try unsafe adapter.buildLam([memory.descriptor(0, fitting)]))
            }
        }

        @Test("[21] a mapping over RLIMIT_MEMLOCK waits for those that were released, and is built if they make room")
        func madeRoomFor() async {
            await #expect(processExitsWith: .success) {
                let adapter = try unprivilegedAdapter(limit: 64 << 10)
                let memory = try DeviceMemory(pages: 16)
                let fitting = (64 << 10) - (try DeviceOracle.pinnedKilobytes() << 10)
                for _ in 0..<20 {
                    // Nothing uses it, but it is pinned until the reaper comes.
                    try unsafe adapter.buildLam([memory.descriptor(0, fitting)]).release()
                }
                expectIdle(try unsafe adapter.buildLam([memory.descriptor(0, fitting)]))
                #expect(adapter.statistics.releases == 21)
            }
        }

        @Test("[22] with a limit of zero the refusal says that pinning is forbidden")
        func zero() async {
            await #expect(processExitsWith: .success) {
                let adapter = try unprivilegedAdapter(limit: 64 << 10)
                try setPinLimit(0)
                let memory = try DeviceMemory(pages: 1)
                let pinned = try DeviceOracle.pinnedKilobytes() << 10
                let report = PinLimitReport(
                    askedBytes: 4096, pinnedBytes: pinned, limit: .bytes(0), isForbidden: true)
                try expectRefused(
                    [memory.descriptor()], in: memory, by: adapter, .pinLimit(report),
                    naming: ["4096", "forbidden", "RLIMIT_MEMLOCK is 0"])
            }
        }

        @Test("[22] with a limit of zero no adapter opens, and the error says why")
        func zeroAtOpening() async {
            await #expect(processExitsWith: .success) {
                try becomeNobody()
                try setPinLimit(0)
                do {
                    _ = try Pair.openAdapter()
                    Issue.record("it opened")
                } catch {
                    #expect("\(error)".contains("RLIMIT_MEMLOCK"), "\(error)")
                }
            }
        }

        @Test("[23] memory locked with mlock does not count against the limit")
        func locked() async {
            await #expect(processExitsWith: .success) {
                let adapter = try unprivilegedAdapter(limit: 64 << 10)
                let locked = try DeviceMemory(pages: 16)
                try locked.lock()
                let fitting = (64 << 10) - (try DeviceOracle.pinnedKilobytes() << 10)
                let memory = try DeviceMemory(pages: 16)
                let mapping = try unsafe adapter.buildLam([memory.descriptor(0, fitting)])
                let now = try DeviceOracle.now()
                #expect(now.lockedKilobytes == 64)
                #expect(now.pinnedKilobytes == 64)
                expectIdle(mapping)
            }
        }
    }
}

/// Opens the adapter as a user without rights who may pin so many bytes.
private func unprivilegedAdapter(limit: UInt) throws -> Adapter {
    try setPinLimit(limit)
    try becomeNobody()
    return try Pair.openAdapter()
}

private func setPinLimit(_ bytes: UInt) throws {
    var limit = rlimit(rlim_cur: bytes, rlim_max: bytes)
    guard unsafe setrlimit(CInt(__RLIMIT_MEMLOCK.rawValue), &limit) == 0 else {
        throw DeviceProcess.Failure(description: "setrlimit: errno \(errno)")
    }
}

/// Gives up the rights of root, and with them CAP_IPC_LOCK.
private func becomeNobody() throws {
    let nobody: uid_t = 65534
    guard setgroups(0, nil) == 0, setgid(nobody) == 0, setuid(nobody) == 0 else {
        throw DeviceProcess.Failure(description: "this test needs root: errno \(errno)")
    }
}
