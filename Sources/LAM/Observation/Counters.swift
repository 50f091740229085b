import Synchronization

/// The counts behind ``AdapterStatistics``. No request that succeeds touches any.
final class Counters: Sendable {
    let builds = Atomic<Int>(0)
    let releases = Atomic<Int>(0)
    let deferredReleases = Atomic<Int>(0)
    let pendingReleases = Atomic<Int>(0)
    let longestRelease = LongestTime()
    let longestUnpinning = LongestTime()
    let refusedDeregistrations = Atomic<Int>(0)
    let refusedDestructions = Atomic<Int>(0)
    let violations = Atomic<Int>(0)
    let failedPolls = Atomic<Int>(0)
    let strayCompletions = Atomic<Int>(0)
    let abandonedObjects = Atomic<Int>(0)

    func snapshot(pinnedBytes: Int) -> AdapterStatistics {
        // First: what is released was built before.
        let releases = releases.load(ordering: .acquiring)
        return AdapterStatistics(
            builds: builds.load(ordering: .relaxed),
            releases: releases,
            deferredReleases: deferredReleases.load(ordering: .relaxed),
            pendingReleases: pendingReleases.load(ordering: .relaxed),
            longestRelease: longestRelease.duration,
            longestUnpinning: longestUnpinning.duration,
            pinnedBytes: pinnedBytes,
            refusedDeregistrations: refusedDeregistrations.load(ordering: .relaxed),
            refusedDestructions: refusedDestructions.load(ordering: .relaxed),
            violations: violations.load(ordering: .relaxed),
            failedPolls: failedPolls.load(ordering: .relaxed),
            strayCompletions: strayCompletions.load(ordering: .relaxed),
            abandonedObjects: abandonedObjects.load(ordering: .relaxed))
    }
}

/// The longest of many times.
struct LongestTime: ~Copyable {
    private let nanoseconds = Atomic<Int64>(0)

    var duration: Duration { .nanoseconds(nanoseconds.load(ordering: .relaxed)) }

    func raise(to duration: Duration) {
        nanoseconds.max(Int64(duration / .nanoseconds(1)), ordering: .relaxed)
    }
}
