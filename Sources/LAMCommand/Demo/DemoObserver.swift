import Synchronization

/// Looks at both processes and the device from outside while a file moves, and remembers the most that it saw.
final class DemoObserver: Sendable {
    private let device: String
    private let processes: [Int32]
    private let most: Mutex<Most>

    /// The most that was seen; for each process its pinned memory.
    struct Most: Sendable {
        var pinnedKilobytes: [Int]
        var memoryRegions: Int?
    }

    init(device: String, processes: [Int32]) {
        self.device = device
        self.processes = processes
        most = Mutex(Most(pinnedKilobytes: processes.map { _ in 0 }))
    }

    /// What was seen so far.
    var seen: Most { most.withLock { $0 } }

    /// Watches while `body` runs.
    func watch<Result>(_ body: () async throws -> Result) async rethrows -> Result {
        let watcher = Task(executorPreference: SessionThread()) {
            var rounds = 0
            while !Task.isCancelled {
                self.look(withRegions: rounds % 16 == 0)
                rounds += 1
                try? await Task.sleep(for: .milliseconds(20))
            }
        }
        defer { watcher.cancel() }
        return try await body()
    }

    private func look(withRegions: Bool) {
        let pinned = processes.map { KernelView.pinnedKilobytes(of: $0) ?? 0 }
        let regions = withRegions ? KernelView.memoryRegions(on: device) : nil
        most.withLock { most in
            most.pinnedKilobytes = zip(most.pinnedKilobytes, pinned).map(max)
            if let regions { most.memoryRegions = max(most.memoryRegions ?? 0, regions) }
        }
    }
}
