import LAM
import TestSupport

/// Shared receive queues.
extension AdapterSimulation {
    func createSharedQueue() throws {
        guard sharedQueues.count < 3 else { return }
        let threshold = Int.random(in: 0...4, using: &random)
        do {
            let queue = try adapter.createSharedReceiveQueue(depth: 8, threshold: threshold) { [notifications] in
                notifications.add($0)
            }
            sharedQueues.append(SimulatedSharedQueue(queue))
            if threshold > 0 { notificationsAsked += 1 }
        } catch AdapterError.verbFailed {
            // A fault that was injected.
        }
    }

    /// Gives one up, whoever still uses it.
    func endSharedQueue() {
        guard let index = sharedQueues.indices.randomElement(using: &random) else { return }
        sharedQueues.remove(at: index)
    }

    func receiveShared() {
        guard let shared = sharedQueues.randomElement(using: &random), !mappings.isEmpty else { return }
        let elements = (0..<Int.random(in: 1...2, using: &random)).map { _ in randomElement() }
        post(isSilent: false) { context throws(PostError) in
            try shared.queue.receive(into: elements.span, context: context)
            sharedContexts.insert(context)
        }
    }

    /// A message for a queue pair took a receive.
    func noteTaken(by queuePair: UInt32) {
        if sharingQueuePairs.contains(queuePair) { sharedDebt += 1 }
    }

    func modifySharedQueue() {
        guard let shared = sharedQueues.randomElement(using: &random) else { return }
        let threshold = Int.random(in: 0...4, using: &random)
        if threshold > 0 { notificationsAsked += 1 }
        do throws(AdapterError) {
            try shared.queue.modify(depth: Int.random(in: 4...16, using: &random), threshold: threshold)
        } catch {
            switch error {
            case .verbFailed, .limitExceeded(what: "posted receives", _, _): break
            default: objections.append("unexpected: \(error)")
            }
        }
    }
}
