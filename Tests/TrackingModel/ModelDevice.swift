import Tracking

/// What the device wrote into the completion queue.
struct Completion {
    enum Source {
        case request(ModelRequest, ModelQueue)
        /// A message for a queue pair consumed a request of its shared receive queue.
        case shared(SharedRequest, ModelQueue)
    }

    let source: Source
    let isFailure: Bool
}

/// The device: it executes what it was given, whenever it likes, and touches memory while it does.
///
/// Each queue is executed in order. Success completes only where it was asked for; failures and flushes always do.
struct ModelDevice {
    /// One completion queue serves all: the order between queues is as random as the schedule.
    private(set) var completions = Fifo<Completion>()

    // MARK: Memory

    /// Unmaps the memory of a mapping; nothing may be able to touch it.
    func deregister(_ mapping: ModelMapping) throws(Violation) {
        try require(
            !mapping.isTouchable,
            "\(mapping.id) was unmapped under \(mapping.deviceUses) uses and \(mapping.deviceWindows) windows")
    }

    private func touch(_ mapping: ModelMapping) throws(Violation) {
        try require(mapping.isMapped, "the device touched \(mapping.id) after it was unmapped")
        mapping.deviceUses -= 1
    }

    // MARK: Queues

    /// Takes a request into the send or receive queue.
    func take(_ request: ModelRequest, on queue: ModelQueue) {
        queue.onDevice.append(request)
    }

    /// Executes the oldest request of a queue; after a failure there is only flushing.
    ///
    /// - Returns: false if the device holds no request of the queue.
    mutating func execute(_ queue: ModelQueue, failing: Bool) throws(Violation) -> Bool {
        guard let request = queue.onDevice.popFirst() else { return false }
        let fails = failing || queue.hasFailed
        for mapping in request.uses { try touch(mapping) }
        if !fails { try run(request.operation) }
        queue.hasFailed = fails
        if fails || request.isSignaled {
            completions.append(Completion(source: .request(request, queue), isFailure: fails))
        }
        return true
    }

    private func run(_ operation: ModelRequest.Operation) throws(Violation) {
        switch operation {
        case .transfer: break
        case .bind(let window):
            try require(window.mapping.isMapped, "a window was bound over unmapped \(window.mapping.id)")
            window.isBoundOnDevice = true
            window.mapping.deviceWindows += 1
        case .invalidate(let window): end(window)
        }
    }

    /// Ends a window: by its invalidation, or by deallocating it.
    func end(_ window: ModelWindow) {
        guard window.isBoundOnDevice else { return }
        window.isBoundOnDevice = false
        window.mapping.deviceWindows -= 1
    }

    /// Reports a failure once more, as devices do.
    mutating func repeatLastFailure() -> Bool {
        guard let last = completions.last, last.isFailure else { return false }
        completions.append(last)
        return true
    }

    /// Destroys a queue: what it held is gone without a completion. What it consumed of a shared receive queue, and
    /// nobody polled, may be gone as well.
    mutating func destroy(_ queue: ModelQueue, keepingCompletions: Bool) {
        while let request = queue.onDevice.popFirst() {
            for mapping in request.uses { mapping.deviceUses -= 1 }
        }
        guard !keepingCompletions else { return }
        completions.removeAll { completion in
            switch completion.source {
            case .request(_, let owner): owner === queue
            case .shared(_, let consumer): consumer === queue
            }
        }
    }

    /// Hands out the oldest completion.
    mutating func poll() -> Completion? {
        completions.popFirst()
    }

    // MARK: Shared receive queues

    /// Has a message of some queue pair fill any of the receives: there is no order between queue pairs.
    mutating func execute(
        _ queue: ModelSharedQueue, at index: Int, for consumer: ModelQueue, failing: Bool
    ) throws(Violation) {
        let request = queue.onDevice.remove(at: index)
        for mapping in request.uses { try touch(mapping) }
        completions.append(Completion(source: .shared(request, consumer), isFailure: failing))
    }

    /// Destroys a shared receive queue: what it held is gone without a completion.
    func destroy(_ queue: ModelSharedQueue) {
        for mapping in queue.onDevice.flatMap(\.uses) { mapping.deviceUses -= 1 }
        queue.onDevice = []
    }
}
