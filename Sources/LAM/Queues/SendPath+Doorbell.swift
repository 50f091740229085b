import Synchronization
import Tracking
import Verbs

/// Handing prepared requests over to the device, and taking back what it refuses.
extension SendPath {
    /// Hands the chain over, of which the last request is the caller's own.
    @inline(__always)
    mutating func ring() throws(PostError) {
        let count = chain.count
        guard case .refused(let first, let code) = handOver() else { return }
        try refuseLast(of: count - first, code)
    }

    /// The device refused the last `count` requests, of which the last one is the caller's own.
    @inline(never)
    private mutating func refuseLast(of count: Int, _ code: CInt) throws(PostError) {
        core.refuse(takeBack(count).dropLast())
        throw .verbFailed(verb: "ibv_post_send", errno: code)
    }

    /// Hands over requests whose posts have all succeeded: where the device refuses, they complete as flushed.
    mutating func ringAccepted() {
        let count = chain.count
        guard count > 0 else { return }
        let outcome = handOver()
        core.deferredCount.store(0, ordering: .releasing)
        guard case .refused(let first, _) = outcome else { return }
        core.refuse(takeBack(count - first))
    }

    /// Empties the chain, unless some of it is refused and must be taken back.
    ///
    /// - Returns: how it went; requests whose fate the device leaves open count as posted until they are flushed (T11).
    @inline(__always)
    private mutating func handOver() -> PostOutcome {
        let count = chain.count
        let outcome = chain.post(to: target)
        if case .refused = outcome {} else { chain.reset() }
        if count > 1 { core.deferredCount.store(0, ordering: .releasing) }
        return outcome
    }

    /// Takes the last requests of the chain back, which the device refused, and empties it.
    private mutating func takeBack(_ count: Int) -> [Tracking.Request] {
        let refused = withdraw(count)
        chain.forEachAddress(inLast: count) { poster.disown(address: $0) }
        chain.reset()
        return refused
    }

    /// Withdraws the last positions.
    mutating func withdraw(_ count: Int) -> [Tracking.Request] {
        var refused: [Tracking.Request] = []
        // What was the last signaled position may be given to an unsignaled request next, or to one that must be
        // signaled after half a queue of others.
        core.lastSignaled.store(0, ordering: .releasing)
        poster.withdraw(UInt64(count)) { refused.append($0) }
        return refused
    }
}
