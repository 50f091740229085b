import Verbs

/// Changing a completion queue.
extension CompletionQueue {
    /// Changes how many results may be waiting: `NdkResizeCq`. None is lost.
    ///
    /// As at creation, the queue holds more where the queue pairs that complete on it can have more requests outstanding.
    /// Waits for the device, as any control verb.
    /// - Parameter depth: how many.
    /// - Throws: ``AdapterError/limitExceeded(what:asked:limit:)`` beyond ``AdapterInfo/maxCompletionQueueDepth``, and
    ///   below the number of results that are waiting; ``AdapterError/verbFailed(verb:errno:)`` where the device cannot.
    ///   The queue is as before then.
    public func resize(depth: Int) throws(AdapterError) {
        try core.resize(to: depth)
    }

    /// Has the device raise fewer events, each for several results: `NdkControlCqInterruptModeration`.
    ///
    /// An armed queue then notifies when `count` results are there, or `interval` after the first one. What was set
    /// before is replaced; at first nothing is moderated. Results can be polled as soon as they are there.
    /// - Parameters:
    ///   - count: how many results; 0 and 1 end the moderation; nil, and more than ``depth``, leave it to the interval.
    ///   - interval: how long, to the microsecond; zero ends the moderation; nil leaves it to the count. A device that can
    ///     wait less long, or for fewer, does.
    /// - Throws: ``AdapterError/moderationNotSupported`` where the device cannot, ``AdapterError/moderationUnlimited`` where
    ///   neither would ever raise an event, ``AdapterError/verbFailed(verb:errno:)`` if `ibv_modify_cq` refuses.
    public func moderate(count: Int?, interval: Duration?) throws(AdapterError) {
        try core.moderate(count: count, interval: interval)
    }
}

extension Adapter {
    /// Whether the device can raise fewer events than it has completions.
    package var moderatesEvents: Bool { (try? core.device.moderationLimits())?.isOn ?? false }
}

extension CompletionQueueCore {
    /// `NdkControlCqInterruptModeration`.
    func moderate(count: Int?, interval: Duration?) throws(AdapterError) {
        let limits: Moderation
        do throws(VerbError) { limits = try adapter.core.device.moderationLimits() } catch { throw AdapterError(error) }
        guard limits.isOn else { throw .moderationNotSupported }
        let count = count.flatMap { $0 > depth ? nil : max($0, 0) }
        let microseconds = interval.map { max($0.roundedMicroseconds, 0) }
        guard count != nil || microseconds != nil else { throw .moderationUnlimited }
        let asked =
            count ?? .max < 2 || microseconds == 0
            ? Moderation.off
            : Moderation(
                count: UInt16(min(count ?? .max, Int(limits.count))),
                microseconds: UInt16(min(microseconds ?? .max, Int64(limits.microseconds))))
        do throws(VerbError) { try queue.moderate(asked) } catch { throw AdapterError(error) }
    }
}

extension Duration {
    /// In microseconds, rounded up: no time at all is what ends a moderation.
    fileprivate var roundedMicroseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflows) = seconds.multipliedReportingOverflow(by: 1_000_000)
        return overflows ? .max : whole &+ (attoseconds + 999_999_999_999) / 1_000_000_000_000
    }
}
