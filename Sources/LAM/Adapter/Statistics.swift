import Synchronization

/// What an adapter has done so far; a snapshot.
public struct AdapterStatistics: Hashable, Sendable {
    /// Mappings built.
    public let builds: Int
    /// Mappings whose memory is unpinned again.
    public let releases: Int
    /// Mappings that were still in use when they were released.
    public let deferredReleases: Int
    /// Mappings that were released and whose memory is still pinned, because something uses it or the reaper is about
    /// to unpin it.
    public let pendingReleases: Int
    /// The longest time from a release to the unpinning of the memory.
    public let longestRelease: Duration
    /// Bytes that are mapped now, in whole pages.
    public let pinnedBytes: Int
    /// Deregistrations that the device refused; each was tried again.
    public let refusedDeregistrations: Int
    /// Windows, queue pairs and shared receive queues that the device refused to destroy; each was tried again.
    public let refusedDestructions: Int
    /// Polls that the device answered with a failure.
    public let failedPolls: Int
    /// Completions of queue pairs that no longer exist.
    public let strayCompletions: Int

    /// Mappings whose memory is pinned now.
    public var liveMappings: Int { builds - releases }
}

/// The counts behind ``AdapterStatistics``. Nothing here is touched by a request.
final class Counters: Sendable {
    let builds = Atomic<Int>(0)
    let releases = Atomic<Int>(0)
    let deferredReleases = Atomic<Int>(0)
    let pendingReleases = Atomic<Int>(0)
    let longestReleaseNanoseconds = Atomic<UInt64>(0)
    let refusedDeregistrations = Atomic<Int>(0)
    let refusedDestructions = Atomic<Int>(0)
    let failedPolls = Atomic<Int>(0)
    let strayCompletions = Atomic<Int>(0)

    func note(unpinned registration: Registration) {
        releases.add(1, ordering: .releasing)
        if let releasedAt = registration.releasedAt {
            pendingReleases.subtract(1, ordering: .relaxed)
            let time = MonotonicTime.now.nanoseconds - releasedAt.nanoseconds
            longestReleaseNanoseconds.max(time, ordering: .relaxed)
        }
    }

    func snapshot(pinnedBytes: Int) -> AdapterStatistics {
        AdapterStatistics(
            builds: builds.load(ordering: .relaxed),
            releases: releases.load(ordering: .relaxed),
            deferredReleases: deferredReleases.load(ordering: .relaxed),
            pendingReleases: pendingReleases.load(ordering: .relaxed),
            longestRelease: .nanoseconds(longestReleaseNanoseconds.load(ordering: .relaxed)),
            pinnedBytes: pinnedBytes,
            refusedDeregistrations: refusedDeregistrations.load(ordering: .relaxed),
            refusedDestructions: refusedDestructions.load(ordering: .relaxed),
            failedPolls: failedPolls.load(ordering: .relaxed),
            strayCompletions: strayCompletions.load(ordering: .relaxed))
    }
}
