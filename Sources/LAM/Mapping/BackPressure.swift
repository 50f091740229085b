import Synchronization

/// The patience of a build for which there is no room: it waits for mappings that were released and are still pinned.
struct BackPressure {
    private let adapter: Adapter
    private var deadline: MonotonicTime?

    init(_ adapter: Adapter) {
        self.adapter = adapter
    }

    /// How many mappings were unpinned so far. Read before an attempt, so that no release is missed after it.
    var releases: Int { adapter.core.counters.releases.load(ordering: .acquiring) }

    /// Waits until a mapping is unpinned.
    ///
    /// - Parameter seen: ``releases`` from before the attempt that failed.
    /// - Returns: false if there is none to wait for, or none is unpinned within the adapter's deadline for idle ones.
    mutating func releaseHappens(after seen: Int) -> Bool {
        let core = adapter.core
        let deadline = deadline ?? .now.advanced(by: core.options.unpinDeadline)
        self.deadline = deadline
        adapter.reaper.wake()
        return core.children.wait(before: deadline) { _ in
            if core.counters.releases.load(ordering: .acquiring) != seen { return true }
            return core.counters.pendingReleases.load(ordering: .relaxed) == 0 ? false : nil
        } ?? false
    }
}
