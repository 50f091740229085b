import LAM
import TestSupport
import TrackingModel

/// Results: how they are taken, and what is expected of them.
extension AdapterLife {
    func poll() {
        guard let queue = random.pick(completionQueues) else { return }
        take(from: queue)
    }

    /// Waits for a result, not for long.
    func wait() {
        guard let queue = random.pick(completionQueues) else { return }
        var batch = CompletionBatch(capacity: 5)
        do throws(AdapterError) {
            let count = try queue.completions.wait(into: &batch, atMost: .microseconds(1 + random.below(2_000)))
            if count > 0 { counts.add(.waited) }
            deliver(batch, from: queue)
        } catch {
            switch error {
            case .verbFailed, .completionsLost, .deviceFailed: break
            default: objections.append("unexpected: \(error)")
            }
        }
    }

    /// Asks to be called.
    func arm() {
        guard let queue = random.pick(completionQueues) else { return }
        callLimits.notifications += 1
        let trigger: NotificationTrigger = random.pick([.any, .errors, .solicited])!
        if (try? queue.completions.arm(for: trigger)) != nil { counts.add(.armed) }
    }

    /// Takes what a completion queue has, and crosses it off.
    func take(from queue: SimulatedCompletionQueue) {
        var batch = CompletionBatch(capacity: 5)
        while queue.completions.poll(into: &batch) > 0 { deliver(batch, from: queue) }
    }

    private func deliver(_ batch: borrowing CompletionBatch, from queue: SimulatedCompletionQueue) {
        var completions = batch.indices.map { batch[$0] }
        spoil(&completions)
        for completion in completions { deliver(completion, from: queue) }
    }

    private func deliver(_ completion: Completion, from queue: SimulatedCompletionQueue) {
        guard let request = outstanding.removeValue(forKey: completion.context) else {
            return objections.append("\(completion) completes what nobody posted, or once more")
        }
        note("  got \(completion.context) of \(completion.queuePairNumber): \(completion.status)")
        counts.add(.completed)
        counts.statuses[completion.status.rawValue, default: 0] += 1
        if completion.status != .success {
            failedQueuePairs.insert(completion.queuePairNumber)
            if request.isSilent { counts.add(.silentFailure) }
        } else if request.isSilent {
            objections.append("\(completion) is not silent")
        }
        if request.isShared { sharedDebt -= 1 } else { queue.check(completion, &objections) }
    }

    /// Puts the bug of a canary between the adapter and its user.
    private func spoil(_ completions: inout [Completion]) {
        guard let canary, !completions.isEmpty, random.chance(2) else { return }
        switch canary {
        case .losesResult: completions.removeLast()
        case .repeatsResult: completions.append(completions[0])
        case .swapsResults: completions.reverse()
        default: break
        }
    }
}

extension AdapterCounts {
    /// Adds the calls of users.
    mutating func notified(_ calls: CallCounts) {
        add(.notified, calls.notifications)
        add(.runLow, calls.lowCalls)
    }
}
