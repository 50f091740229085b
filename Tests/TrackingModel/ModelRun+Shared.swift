import Tracking

extension ModelRun {
    /// Opens, uses, changes or ends a shared receive queue.
    func shareReceives() throws(Violation) {
        guard let queue = random.pick(sharedQueues) else { return openShared() }
        switch random.below(100) {
        case 0..<2 where sharedQueues.count < 3: openShared()
        case 2..<4: endShared(queue)
        case 4..<8 where queue.stage == .open: try change(queue)
        case 8..<50: try consume(queue)
        default: try post(to: queue)
        }
    }

    private func openShared() {
        let depth = 1 + random.below(16)
        guard let requests = driver.mappings.sharedQueues.open(depth: depth, elements: 3) else { return }
        queuesOpened += 1
        sharedQueues.append(
            ModelSharedQueue(number: queuesOpened, depth: depth, requests: requests, mappings: driver.mappings))
        events.add(.sharedOpened)
    }

    // MARK: Posting

    private func post(to queue: ModelSharedQueue) throws(Violation) {
        guard queue.stage == .open else { return }
        let hasBegun = queue.poster.begin()
        try require(hasBegun != queue.isFull, "a full shared queue took a request, or one with room did not")
        guard hasBegun else { return events.add(.sharedFull) }
        guard let uses = try nameElements(on: queue), !random.chance(5) else {
            queue.poster.abandon()
            return events.add(.sharedAbandoned)
        }
        lastContext += 1
        let wire = queue.poster.commit(context: lastContext, tag: queue.tag)
        guard !random.chance(5) else {
            queue.poster.withdraw()
            staleWires.add(wire)
            return events.add(.sharedRefused)
        }
        try require(
            !queue.outstanding.contains { $0.wire == wire }, "two shared receives have wr_id \(hex(wire.raw))")
        let request = SharedRequest(queue: queue, context: lastContext, uses: uses, wire: wire)
        queue.outstanding.append(request)
        queue.onDevice.append(request)
        for mapping in uses {
            mapping.deviceUses += 1
            mapping.sharedUses += 1
        }
        events.add(.sharedPosted)
    }

    /// - Returns: what the elements name; nil if one was refused, and rightly.
    private func nameElements(on queue: ModelSharedQueue) throws(Violation) -> [ModelMapping]? {
        var uses: [ModelMapping] = []
        for _ in 0..<random.below(4) {
            guard let mapping = random.pick(mappings) else { break }
            let refusal = driver.check(mapping.base, length: 1, by: queue)
            let result = driver.use(mapping.base, length: 1, by: queue)
            try require(refusal == result.error, "\(mapping.id) was checked: \(refusal as Any), and used: \(result)")
            guard mapping.stage == .live else {
                try require(result == .failure(.unmapped), "a receive names closed \(mapping.id)")
                return nil
            }
            try require(
                result == .success(mapping.target(of: mapping.base)), "live \(mapping.id) takes no receive: \(result)")
            uses.append(mapping)
        }
        return uses
    }

    // MARK: Consuming

    /// Has a queue pair consume any of the receives. It may fail by that, and be destroyed any time later.
    private func consume(_ queue: ModelSharedQueue) throws(Violation) {
        guard let consumer = random.pick(queues), !queue.onDevice.isEmpty else { return }
        let index = random.below(queue.onDevice.count)
        let fails = random.chance(profile.failurePercent)
        try device.execute(queue, at: index, for: consumer, failing: fails)
        consumer.hasFailed = consumer.hasFailed || fails
    }

    func retire(_ request: SharedRequest) throws(Violation) {
        try complete(request)
        guard random.chance(10) else { return }
        // Once more, perhaps when another request has its place.
        if random.chance(50) { try post(to: request.queue) }
        staleWires.add(request.wire)
        try require(driver.complete(request) == nil, "shared receive \(request.context) was retired twice")
        events.add(.sharedDuplicate)
    }

    private func complete(_ request: SharedRequest) throws(Violation) {
        let queue = request.queue
        let retired = driver.complete(request)
        try require(
            retired?.request.context == request.context && retired?.request.tag == queue.tag
                && retired?.queue == queue.requests.id && retired?.count == 1,
            "shared receive \(request.context) completed as \(retired as Any)")
        queue.outstanding.removeAll { $0 === request }
        for mapping in request.uses { mapping.sharedUses -= 1 }
        events.add(.sharedRetired)
        try expectLow(queue, retired?.leavesFew ?? false)
    }

    /// Demands that a queue says that it has few requests left just when that is so and somebody asked.
    private func expectLow(_ queue: ModelSharedQueue, _ isLow: Bool) throws(Violation) {
        try require(
            isLow == (queue.outstanding.count < queue.threshold),
            "with \(queue.outstanding.count) shared receives left of \(queue.threshold) asked for: \(isLow)")
        guard isLow else { return }
        queue.threshold = 0
        events.add(.sharedLow)
    }

    // MARK: Changing and ending

    private func change(_ queue: ModelSharedQueue) throws(Violation) {
        if random.chance(50) {
            queue.depth = 1 + random.below(16)
            return queue.requests.setDepth(queue.depth)
        }
        queue.threshold = random.below(queue.depth + 1)
        queue.requests.arm(below: queue.threshold)
        if random.chance(50) { try expectLow(queue, queue.requests.isLow()) }
    }

    /// Begins to destroy a shared receive queue, or goes on: the device consumes from it until that has returned.
    private func endShared(_ queue: ModelSharedQueue) {
        guard queue.stage == .open else { return finishDestroying(queue) }
        queue.stage = .destroying
        driver.destroying(queue)
    }

    func finishDestroying(_ queue: ModelSharedQueue) {
        // The verb refuses as long as a queue pair uses it, and those are polled to the end before they are destroyed.
        guard !device.completions.all.contains(where: { $0.isOf(queue) }) else { return }
        device.destroy(queue)
        driver.closeShared(queue)
        sharedQueues.removeAll { $0 === queue }
        for request in queue.outstanding {
            staleWires.add(request.wire)
            for mapping in request.uses { mapping.sharedUses -= 1 }
        }
        events.add(.sharedClosed)
    }
}

extension Completion {
    fileprivate func isOf(_ queue: ModelSharedQueue) -> Bool {
        if case .shared(let request, _) = source { request.queue === queue } else { false }
    }
}
