import Tracking

extension ModelRun {
    /// Lets the device execute some of what a queue holds.
    func execute() throws(Violation) {
        guard let queue = random.pick(queues) else { return }
        for _ in 0..<(1 + random.below(8)) {
            let hadFailed = queue.hasFailed
            guard try device.execute(queue, failing: random.chance(profile.failurePercent)) else { return }
            events.add(hadFailed ? .flushed : queue.hasFailed ? .failed : .executed)
        }
        if queue.hasFailed, random.chance(30), device.repeatLastFailure() { events.add(.duplicate) }
    }

    /// Polls some completions.
    func poll() throws(Violation) {
        for _ in 0..<(1 + random.below(8)) {
            guard let completion = device.poll() else { return }
            switch completion.source {
            case .shared(let request, _): try retire(request)
            case .request(let request, let queue): try complete(completion, of: request, on: queue)
            }
            events.add(.polled)
        }
    }

    private func complete(
        _ completion: Completion, of request: ModelRequest, on queue: ModelQueue
    ) throws(Violation) {
        staleWires.add(request.wire)
        let retired = driver.complete(completion, of: request, on: queue, isInShort: random.chance(50))
        guard queue.stage != .closed, request.position > queue.completed else {
            return try require(retired == nil, "request \(request.position) of queue \(queue.number) retired twice")
        }
        guard let retired else { throw Violation("the completion of request \(request.position) was ignored") }
        try require(
            retired.context == request.context && retired.tag == queue.tag,
            "request \(request.context) completed as \(retired.context)")
        retire(through: request, of: queue, failed: completion.isFailure)
    }

    private func retire(through last: ModelRequest, of queue: ModelQueue, failed: Bool) {
        events.add(.silentlyRetired, Int(last.position - queue.completed) - 1)
        queue.completed = last.position
        while let request = queue.timeline.first, request.position <= last.position {
            _ = queue.timeline.popFirst()
            for mapping in request.uses { mapping.knownUses -= 1 }
            finish(request.operation, failed: failed && request === last)
        }
    }

    /// Uses the names of what is gone: they must find nothing, whatever took its place.
    func useStaleNames() throws(Violation) {
        let closing = mappings.filter { $0.stage == .closing }.map(\.id)
        if let id = random.pick(staleMappings.all + closing) {
            try require(!driver.close(id), "stale \(id) was closed again")
            events.add(.staleRelease)
        }
        guard let wire = random.pick(staleWires.all),
            !queues.contains(where: { $0.timeline.all.contains { $0.wire == wire } })
        else { return }
        try require(driver.mappings.complete(wire) == nil, "stale wr_id \(hex(wire.raw)) retired something")
        events.add(.lateCompletion)
    }
}

func hex(_ value: UInt64) -> String {
    "0x" + String(value, radix: 16)
}
