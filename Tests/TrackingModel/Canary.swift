/// A bug that is put between the model and the tracking under test, and that the model must notice.
package enum Canary: String, CaseIterable, Sendable {
    /// A completion retires the request behind it, too.
    case retiresOneTooMany
    /// Only the first element of a request leaves a fence.
    case firstElementOnly
    /// The counted uses of a request that the device refused are never dropped.
    case withdrawnCountsLeak
    /// A request that was given up is treated as posted.
    case abandonForgotten
    /// A send that is flushed retires the receives of its queue pair.
    case flushRetiresReceives
    /// A bound window is not a use.
    case windowNotCounted
    /// A window ends when its invalidation is posted, not when that completed.
    case windowDroppedEarly
    /// The window of a bind that failed is never dropped.
    case failedBindForgotten
    /// A post with an undetermined result is taken back (trap T11).
    case undeterminedTakenBack
    /// A closed queue's counted uses are never dropped.
    case closeForgetsCounts
    /// A queue's requests are retired before the device destroyed it.
    case closedBeforeDestroyed
    /// Whoever holds a queue does not wait until its poster is outside.
    case holderIgnoresPoster
    /// Whoever holds a queue does not know what its poster posted.
    case holderIsBehind
    /// A stale identifier releases the mapping that has its slot now.
    case staleCloseAccepted
    /// The addresses of a slot are the same in every generation.
    case addressReusedAtOnce
    /// A slot's fences are taken away also from a poster which is about to write one.
    case latePosterLosesFence
    /// A cut is mapped again whether anything uses it or not.
    case cutNotAsked
    /// A cut has the addresses of the last time when it is mapped again.
    case cutAddressRepeats
    /// Counted uses do not keep a mapping.
    case countedUsesIgnored
    /// A completion of a shared receive queue retires every earlier one.
    case sharedReceivesInOrder
    /// A completion of a shared receive queue retires the oldest request instead of its own.
    case sharedReceivesMixedUp
    /// The end of a queue pair retires what a shared receive queue holds.
    case sharedReceivesEndWithQueuePair
    /// A shared receive queue is retired before the device destroyed it.
    case sharedQueueClosedTooEarly
    /// What a shared receive queue had left when it was closed is never dropped.
    case sharedQueueForgotten
    /// A completion that a device reports twice gives its place to two requests.
    case sharedReceiveRetiredTwice
}
