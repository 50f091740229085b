import Tracking

extension ModelRun {
    /// Compares the counts of a mapping and of a queue with naive ones.
    func check() throws(Violation) {
        if let queue = random.pick(queues), queue.stage == .open {
            let outstanding = driver.queues.outstanding(queue.id)
            try require(
                outstanding == queue.lastPosition - queue.completed,
                "\(outstanding) requests outstanding instead of \(queue.lastPosition - queue.completed)")
        }
        if let queue = random.pick(sharedQueues), queue.stage == .open {
            let outstanding = queue.requests.outstanding
            try require(
                outstanding == queue.outstanding.count,
                "\(outstanding) shared receives outstanding instead of \(queue.outstanding.count)")
        }
        if let mapping = random.pick(mappings) { try checkHolders(of: mapping) }
    }

    func checkHolders(of mapping: ModelMapping) throws(Violation) {
        var holders = driver.mappings.holders(of: mapping.id)
        try require(holders.windows == mapping.knownWindows, "\(holders) instead of \(mapping.knownWindows) windows")
        let sharedUses = try checkSharedUses(of: mapping)
        var certainlyCounted = sharedUses
        var possiblyCounted = sharedUses
        for queue in queues {
            let uses = naiveUses(of: mapping, by: queue)
            possiblyCounted += uses.count
            guard let remaining = holders.queues.removeValue(forKey: queue.id) else {
                // A queue without a fence counts every use.
                certainlyCounted += uses.count
                continue
            }
            // A fence that is claimed, and not written yet, stands where its former owner left it.
            guard queue.lateUse == nil else { continue }
            let expected = uses.count == 0 ? 0 : uses.last - queue.completed
            let isRight = mapping.hasLooseFences ? remaining >= expected : remaining == expected
            try require(isRight, "queue \(queue.number) holds \(mapping.id) for \(remaining), not \(expected)")
        }
        try require(holders.queues.isEmpty, "unknown queues hold \(mapping.id): \(holders.queues)")
        try require(
            (certainlyCounted...possiblyCounted).contains(holders.countedUses),
            "\(holders.countedUses) counted uses of \(mapping.id), not \(certainlyCounted) to \(possiblyCounted)")
        events.add(.countedUse, certainlyCounted - sharedUses)
    }

    /// Compares which shared receive queues are said to use a mapping with those that do.
    ///
    /// - Returns: how many elements of their requests name the mapping.
    private func checkSharedUses(of mapping: ModelMapping) throws(Violation) -> Int {
        var sum = 0
        for queue in sharedQueues where queue.stage == .open {
            let expected = queue.outstanding.reduce(0) { $0 + $1.uses.count { $0 === mapping } }
            let found = queue.requests.uses(of: mapping.id)
            try require(found == expected, "\(found) shared receives use \(mapping.id), not \(expected)")
            sum += expected
        }
        let rest = queuesBeingDestroyed(using: mapping)
        try require(sum + rest == mapping.sharedUses, "the model lost count of \(mapping.id)")
        return mapping.sharedUses
    }

    private func queuesBeingDestroyed(using mapping: ModelMapping) -> Int {
        sharedQueues.filter { $0.stage == .destroying }.flatMap(\.outstanding)
            .reduce(0) { $0 + $1.uses.count { $0 === mapping } }
    }

    /// How often the unretired requests of a queue name a mapping, and the last position which does.
    private func naiveUses(of mapping: ModelMapping, by queue: ModelQueue) -> (count: Int, last: UInt64) {
        var count = 0
        var last: UInt64 = 0
        for request in queue.timeline.all {
            for used in request.uses where used === mapping {
                count += 1
                last = request.position
            }
        }
        guard let preparing = queue.preparing else { return (count, last) }
        for used in preparing.uses where used === mapping {
            count += 1
            last = preparing.position
        }
        return (count, last)
    }
}
