import LAM
import TestSupport
import enum Verbs.Verb

/// Requests, and what becomes of them.
extension AdapterSimulation {
    /// Posts a send, a write or a read: of a mapping, of elements that may be stale, or inline.
    func send() {
        guard let queuePair = queuePairs.randomElement(using: &random),
            let mapping = mappings.randomElement(using: &random)
        else { return }
        var flags: RequestFlags = Bool.random(using: &random) ? .silentSuccess : []
        if Int.random(in: 0..<4, using: &random) == 0 { flags.insert(.defer) }
        let elements = (0..<Int.random(in: 1...4, using: &random)).map { _ in randomElement() }
        let form = Int.random(in: 0..<5, using: &random)
        let remote = RemoteMemory(address: 0, key: 1)
        post(isSilent: flags.contains(.silentSuccess)) { context throws(PostError) in
            switch form {
            case 0 where mapping.mapping != nil:
                try queuePair.queuePair?.send(mapping.mapping!, 8..<16, context: context, flags: flags)
            case 1: try queuePair.queuePair?.write(elements.span, to: remote, context: context, flags: flags)
            case 2: try queuePair.queuePair?.read(into: elements.span, from: remote, context: context, flags: flags)
            case 3:
                let bytes: [UInt8] = [1, 2, 3]
                try unsafe queuePair.queuePair?.send(inline: bytes.span.bytes, context: context, flags: flags)
            default: try queuePair.queuePair?.send(elements.span, context: context, flags: flags)
            }
        }
    }

    func receive() {
        guard let queuePair = queuePairs.randomElement(using: &random),
            let mapping = mappings.randomElement(using: &random)
        else { return }
        let elements = [mapping.element, randomElement()]
        post(isSilent: false) { context throws(PostError) in
            try queuePair.queuePair?.receive(into: elements.span, context: context)
        }
    }

    /// An element of a mapping that lives, and sometimes of one that is gone.
    func randomElement() -> ScatterGatherElement {
        let live = mappings.filter { $0.mapping != nil }
        let choice = Int.random(in: 0..<20, using: &random) == 0 ? mappings : live
        return (choice.randomElement(using: &random) ?? mappings[0]).element
    }

    /// Posts, and remembers that a completion must come.
    func post(isSilent: Bool, _ body: (UInt64) throws(PostError) -> Void) {
        lastContext += 1
        do throws(PostError) {
            try body(lastContext)
            outstanding[lastContext] = isSilent
            note("posted \(lastContext) silent \(isSilent)")
        } catch {
            note("refused \(lastContext) \(error)")
            switch error {
            case .notConnected, .ended, .queueFull, .receivesAreShared, .unknownAddress, .window, .region, .verbFailed:
                break
            default: objections.append("unexpected: \(error)")
            }
        }
    }

    func carryOut() {
        guard let queuePair = queuePairs.randomElement(using: &random) else { return }
        device.complete(queuePair.number, sends: Int.random(in: 1...6, using: &random))
    }

    func arrive() {
        guard let queuePair = queuePairs.randomElement(using: &random) else { return }
        let place = sharingQueuePairs.contains(queuePair.number) ? Int.random(in: 0..<4, using: &random) : 0
        let isTaken = device.completeReceive(
            queuePair.number, byteCount: UInt32.random(in: 0...64, using: &random), at: place)
        if isTaken { noteTaken(by: queuePair.number) }
    }

    func poll() {
        guard let queue = completionQueues.randomElement(using: &random) else { return }
        take(from: queue)
    }

    func fail() {
        guard let queuePair = queuePairs.randomElement(using: &random) else { return }
        failedQueuePairs.append(queuePair.number)
        device.fail(queuePair.number, status: Bool.random(using: &random) ? .retriesExceeded : .remoteAccessError)
    }

    func createQueuePair() throws {
        guard queuePairs.count < 7, let sends = completionQueues.randomElement(using: &random),
            let receives = completionQueues.randomElement(using: &random)
        else { return }
        do {
            let shared = Bool.random(using: &random) ? sharedQueues.randomElement(using: &random) : nil
            let queuePair =
                if let shared {
                    try adapter.createQueuePair(
                        sendCompletions: sends.completions, receiveCompletions: receives.completions,
                        receivesFrom: shared.queue, capacity: smallCapacity)
                } else {
                    try adapter.createQueuePair(
                        sendCompletions: sends.completions, receiveCompletions: receives.completions,
                        capacity: smallCapacity)
                }
            try queuePair.connect(to: queuePair.address)
            if shared != nil { sharingQueuePairs.insert(queuePair.number) }
            queuePairs.append(SimulatedQueuePair(queuePair))
        } catch AdapterError.verbFailed {
            // A fault that was injected.
        }
    }

    func endQueuePair() {
        // Mostly one that has failed: what lives is worth more here.
        let failed = queuePairs.indices.filter { failedQueuePairs.contains(queuePairs[$0].number) }
        let choice = failed.isEmpty ? Array(queuePairs.indices) : failed
        guard queuePairs.count > 1, let index = choice.randomElement(using: &random) else { return }
        let queuePair = queuePairs.remove(at: index)
        if Bool.random(using: &random) {
            let polls = device.callCount(.pollCompletionQueue)
            queuePair.queuePair.take()?.close()
            // Nothing here is flushed late: a close that polls on and on waits for what never comes.
            let count = device.callCount(.pollCompletionQueue) - polls
            if count > 200 { objections.append("queue pair \(queuePair.number) polled \(count) times to close") }
        } else {
            queuePair.queuePair = nil
        }
    }
}
