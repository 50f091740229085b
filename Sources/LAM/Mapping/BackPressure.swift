import Synchronization

/// The patience of a build for which there is no room: it waits for mappings that were released and are still pinned.
struct BackPressure {
    private var deadline: MonotonicTime?

    /// Waits until a mapping is unpinned.
    ///
    /// - Parameters:
    ///   - seen: how many were unpinned before the attempt that failed, so that none is missed after it.
    ///   - core: the adapter's.
    ///   - reaper: who unpins them.
    /// - Returns: false if there is none to wait for, or none is unpinned within the adapter's deadline for idle ones.
    mutating func releaseHappens(after seen: Int, in core: AdapterCore, by reaper: Reaper) -> Bool {
        let deadline = deadline ?? .now.advanced(by: core.options.unpinDeadline)
        self.deadline = deadline
        reaper.wake()
        return core.children.wait(before: deadline) { _ in
            if core.counters.releases.load(ordering: .acquiring) != seen { return true }
            return core.counters.pendingReleases.load(ordering: .relaxed) == 0 ? false : nil
        } ?? false
    }
}
