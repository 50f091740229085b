package import enum Verbs.Verb

/// What a step of the model does, or what comes of it; how often each happened says whether a run tried everything.
package enum AdapterEvent: Int, CaseIterable, Sendable {
    case built, builtOfArena, builtOfCache, buildRefused, released, releasedAtOnce, busyWhenAsked, unpinRefused
    case queuePairCreated, queuePairClosed, queuePairDropped, queuePairFlushed
    case trimmed, forgotten, arenaEnded, cacheEnded
    case completionQueueReplaced, completionQueueResized, completionQueueModerated, waited, armed, notified
    case sharedQueueCreated, sharedQueueModified, sharedQueueDropped, runLow
    case windowCreated, windowDropped, bindPosted, invalidatePosted, invalidatedByPeer
    case regionCreated, regionRegistered, regionDeregistered, regionDropped, registrationPosted, regionInvalidatePosted
    case sendPosted, receivePosted, sharedReceivePosted
    case postRefused, stalePostRefused, postRefusedByDevice, postRefusedHalfWay, postUndetermined
    case carriedOut, arrived, completed, silentFailure
    case queuePairFailed, queuePairFailedByItself, completionQueueFailed, sharedQueueFailed
    case completionLost, deviceRemoved, portChanged, eventWithoutMeaning
    case openingRefused, endRefused, rested, life
}

/// How often each thing happened in a run.
package struct AdapterCounts: Sendable {
    private var events = [Int](repeating: 0, count: AdapterEvent.allCases.count)
    /// Calls of each verb that were made to fail.
    package internal(set) var failures: [Verb: Int] = [:]
    /// Calls of each verb.
    package internal(set) var calls: [Verb: Int] = [:]
    /// Results by their status, as `ibv_wc_status` numbers them.
    package internal(set) var statuses: [UInt32: Int] = [:]

    /// The count of one event.
    package subscript(event: AdapterEvent) -> Int { events[event.rawValue] }

    mutating func add(_ event: AdapterEvent, _ count: Int = 1) {
        events[event.rawValue] += count
    }

    mutating func add(_ other: AdapterCounts) {
        for event in AdapterEvent.allCases { add(event, other[event]) }
        failures.merge(other.failures, uniquingKeysWith: +)
        calls.merge(other.calls, uniquingKeysWith: +)
        statuses.merge(other.statuses, uniquingKeysWith: +)
    }
}
