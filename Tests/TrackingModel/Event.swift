/// What a step of the model does; how often each happened says whether a run tried everything.
package enum Event: Int, CaseIterable, Sendable {
    case prepared, committed, abandoned, refusedElement, lateUse, lateUseRefused, queueFull
    case posted, postedAtOnce, addressPostedAtOnce, refusedPost, undeterminedPost, marker
    case executed, failed, flushed, polled, silentlyRetired, duplicate, lateCompletion
    case mapped, mappedCut, cancelled, cutRetired, released, staleRelease, reopened, reaped, busyWhenAsked
    case queueOpened, queueDestroyed, barred, countedUse
    case bound, bindFailed, invalidated, windowDestroyed
    case sharedOpened, sharedPosted, sharedAbandoned, sharedRefused, sharedFull
    case sharedRetired, sharedDuplicate, sharedLost, sharedLow, sharedClosed, round
}

/// How often each event happened.
package struct EventCounts: Sendable {
    private var counts = [Int](repeating: 0, count: Event.allCases.count)

    /// The count of one event.
    package subscript(event: Event) -> Int { counts[event.rawValue] }

    mutating func add(_ event: Event, _ count: Int = 1) {
        counts[event.rawValue] += count
    }
}
