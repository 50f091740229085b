import LAM
import TestSupport
import TrackingModel

/// Queues of all kinds.
extension AdapterLife {
    // MARK: Completion queues

    func addCompletionQueue() throws(Violation) {
        for _ in 0..<50 {
            do throws(AdapterError) {
                let queue = try adapter.createCompletionQueue(depth: 4) { [calls] _ in
                    calls.update { $0.notifications += 1 }
                }
                return completionQueues.append(SimulatedCompletionQueue(queue))
            } catch {
                note("  refused: \(error)")
            }
        }
        // Only a device that is gone refuses so often.
        try require(isRemoved, "no completion queue can be created")
    }

    /// Gives up a queue that nothing completes on any more, and has a new one.
    func changeCompletionQueues() throws(Violation) {
        guard !isRemoved, completionQueues.count > 1 else { return }
        let living = Set(adapter.survivors.queuePairs)
        let failed = completionQueues.indices.filter { completionQueues[$0].hasFailed }
        guard let index = random.pick(failed.isEmpty ? Array(completionQueues.indices) : failed) else { return }
        let queue = completionQueues[index]
        let isUsed = living.contains { number in completionQueuesOf[number]?.contains { $0 === queue } ?? true }
        guard !isUsed else { return }
        take(from: queue)
        completionQueues.remove(at: index)
        for number in completionQueuesOf.keys { completionQueuesOf[number]?.removeAll { $0 === queue } }
        try addCompletionQueue()
        counts.add(.completionQueueReplaced)
    }

    /// Changes how many results fit, or how many raise an event.
    func moderate() {
        guard let queue = random.pick(completionQueues) else { return }
        do throws(AdapterError) {
            if random.chance(50) {
                try queue.completions.resize(depth: 1 + random.below(64))
                counts.add(.completionQueueResized)
            } else {
                try queue.completions.moderate(count: random.below(5), interval: .microseconds(random.below(50)))
                counts.add(.completionQueueModerated)
            }
        } catch {
            switch error {
            case .verbFailed, .deviceFailed, .limitExceeded, .moderationNotSupported: break
            default: objections.append("unexpected: \(error)")
            }
        }
    }

    // MARK: Queue pairs

    func changeQueuePairs() throws(Violation) {
        let healthyCount = queuePairs.count { !failedQueuePairs.contains($0.number) }
        if queuePairs.count < 9, random.chance(healthyCount < 4 ? 75 : 25) { createQueuePair() } else { endQueuePair() }
    }

    /// One that has not failed, as far as is known, or sometimes any.
    func pickQueuePair() -> SimulatedQueuePair? {
        let healthy = queuePairs.filter { !failedQueuePairs.contains($0.number) }
        return random.pick(healthy.isEmpty || random.chance(10) ? queuePairs : healthy)
    }

    /// One that has not failed, as far as is known, or sometimes any.
    private func pickCompletionQueue() -> SimulatedCompletionQueue? {
        let healthy = completionQueues.filter { !$0.hasFailed }
        return random.pick(healthy.isEmpty || random.chance(5) ? completionQueues : healthy)
    }

    private func createQueuePair() {
        guard let sends = pickCompletionQueue(), let receives = pickCompletionQueue() else { return }
        let shared = random.chance(50) ? random.pick(sharedQueues) : nil
        let capacity = LAM.QueuePairCapacity(
            sendDepth: 8, receiveDepth: 8, sendElements: 4, receiveElements: 4, inlineBytes: 64)
        do throws(AdapterError) {
            let queuePair =
                if let shared {
                    try adapter.createQueuePair(
                        sendCompletions: sends.completions, receiveCompletions: receives.completions,
                        receivesFrom: shared.queue, capacity: capacity)
                } else {
                    try adapter.createQueuePair(
                        sendCompletions: sends.completions, receiveCompletions: receives.completions,
                        capacity: capacity)
                }
            completionQueuesOf[queuePair.number] = [sends, receives]
            if sends.hasFailed || receives.hasFailed { failedQueuePairs.insert(queuePair.number) }
            if shared != nil { sharingQueuePairs.insert(queuePair.number) }
            try queuePair.connect(to: queuePair.address)
            queuePairs.append(SimulatedQueuePair(queuePair))
            counts.add(.queuePairCreated)
        } catch {
            switch error {
            case .verbFailed, .deviceFailed: break
            default: objections.append("unexpected: \(error)")
            }
        }
    }

    private func endQueuePair() {
        // Mostly one that has failed: what lives is worth more here.
        let failed = queuePairs.indices.filter { failedQueuePairs.contains(queuePairs[$0].number) }
        guard queuePairs.count > 1, let index = random.pick(failed.isEmpty ? Array(queuePairs.indices) : failed)
        else { return }
        let queuePair = queuePairs.remove(at: index)
        if random.chance(50) {
            note("  closes \(queuePair.number)")
            queuePair.queuePair.take()?.close()
            counts.add(.queuePairClosed)
        } else {
            note("  drops \(queuePair.number)")
            queuePair.queuePair = nil
            counts.add(.queuePairDropped)
        }
    }

    // MARK: Shared receive queues

    func changeSharedQueues() {
        switch random.below(10) {
        case 0..<4: createSharedQueue()
        case 4..<6: endSharedQueue()
        default: modifySharedQueue()
        }
    }

    private func createSharedQueue() {
        guard sharedQueues.count < 3 else { return }
        let threshold = random.below(5)
        do throws(AdapterError) {
            let queue = try adapter.createSharedReceiveQueue(depth: 8, threshold: threshold) { [calls] _ in
                calls.update { $0.lowCalls += 1 }
            }
            sharedQueues.append(SimulatedSharedQueue(queue))
            if threshold > 0 { callLimits.lowCalls += 1 }
            counts.add(.sharedQueueCreated)
        } catch {
            note("  refused: \(error)")
        }
    }

    /// Gives one up, whoever still uses it.
    private func endSharedQueue() {
        guard !sharedQueues.isEmpty else { return }
        sharedQueues.remove(at: random.below(sharedQueues.count))
        counts.add(.sharedQueueDropped)
    }

    private func modifySharedQueue() {
        guard let shared = random.pick(sharedQueues) else { return }
        let threshold = random.below(5)
        if threshold > 0 { callLimits.lowCalls += 1 }
        do throws(AdapterError) {
            try shared.queue.modify(depth: 4 + random.below(13), threshold: threshold)
            counts.add(.sharedQueueModified)
        } catch {
            switch error {
            case .verbFailed, .deviceFailed, .limitExceeded(what: "posted receives", _, _): break
            default: objections.append("unexpected: \(error)")
            }
        }
    }
}
