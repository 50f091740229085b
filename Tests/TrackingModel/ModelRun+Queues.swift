import Tracking

extension ModelRun {
    /// Opens a queue or a pair of them, or goes on destroying one.
    func changeQueues() throws(Violation) {
        if queues.count < profile.queueTarget {
            openQueues()
        } else if let queue = queues.first(where: { $0.stage == .destroying }) {
            finishDestroying(queue)
        } else if let queue = random.pick(queues) {
            beginDestroying(queue)
        }
    }

    private func openQueues() {
        let first = openQueue()
        if random.chance(50) { first?.receives = openQueue() }
    }

    private func openQueue() -> ModelQueue? {
        // Some begin where the position in a `wr_id` is about to wrap.
        let position = random.chance(50) ? UInt64(1 + random.below(8)) << 32 - UInt64(random.below(64)) : 0
        let depth = 1 + random.below(16)
        guard let id = driver.queues.open(depth: depth, elements: 4, from: position) else { return nil }
        queuesOpened += 1
        let queue = ModelQueue(
            number: queuesOpened,
            poster: RequestPoster(queue: id, depth: depth, mappings: driver.mappings),
            markers: RequestPoster(queue: id, depth: depth, mappings: driver.mappings))
        queues.append(queue)
        events.add(.queueOpened)
        return queue
    }

    /// Shuts a queue for good; the device goes on with what it has until it returns from destroying it.
    private func beginDestroying(_ queue: ModelQueue) {
        guard queue.stage == .open, !queue.isInside, driver.holdAlone(queue, evenIfBarred: true) else { return }
        driver.queues.shut(queue.id)
        queue.stage = .destroying
        driver.destroying(queue)
    }

    private func finishDestroying(_ queue: ModelQueue) {
        let completionCount = device.completions.count
        device.destroy(queue, keepingCompletions: random.chance(50))
        events.add(.sharedLost, completionCount - device.completions.count)
        driver.closeQueue(queue, beside: sharedQueues)
        queue.stage = .closed
        queues.removeAll { $0 === queue }
        for request in queue.timeline.all {
            staleWires.add(request.wire)
            for mapping in request.uses { mapping.knownUses -= 1 }
        }
        for window in windows where window.queue === queue { end(window) }
        events.add(.queueDestroyed)
    }

    // MARK: Rounds

    /// Brings everything to its end, and demands that nothing is left.
    func finishRound() throws(Violation) {
        for queue in queues {
            try finishVisit(of: queue)
            try finishRequests(of: queue)
        }
        while !isPolledEmpty { try poll() }
        for queue in queues where queue.completed < queue.lastPosition {
            beginDestroying(queue)
            finishDestroying(queue)
        }
        for window in windows { end(window) }
        for queue in sharedQueues { finishDestroying(queue) }
        try releaseAll()
        events.add(.round)
    }

    private var isPolledEmpty: Bool { device.completions.isEmpty }

    private func finishVisit(of queue: ModelQueue) throws(Violation) {
        guard queue.isInside else { return }
        while try continueLateUse(on: queue, patience: 100) {}
        if random.chance(50) { abandon(queue) }
        try commit(on: queue)
        try giveToDevice(queue)
    }

    /// Lets the device finish, behind a request that completes; some queues are destroyed instead.
    private func finishRequests(of queue: ModelQueue) throws(Violation) {
        if queue.stage == .destroying { return finishDestroying(queue) }
        guard !random.chance(20) else { return }
        try drain(queue)
        if queue.isBarred { toggleBar(of: queue) }
        if queue.completed < queue.lastPosition, driver.holdAlone(queue) {
            try postMarker(on: queue)
            driver.queues.release(queue.id)
            try drain(queue)
        }
    }

    private func drain(_ queue: ModelQueue) throws(Violation) {
        while try device.execute(queue, failing: false) {}
        while !isPolledEmpty { try poll() }
    }

    private func releaseAll() throws(Violation) {
        for mapping in mappings where mapping.stage == .live { try close(mapping) }
        for mapping in mappings where mapping.stage == .closing {
            let isIdle = try isIdle(mapping)
            try require(isIdle, "\(mapping.id) is never released: \(driver.mappings.holders(of: mapping.id))")
            try retire(mapping)
        }
        for mapping in mappings { finishUnmapping(mapping) }
    }
}
