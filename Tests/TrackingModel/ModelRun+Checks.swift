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
        if let mapping = random.pick(mappings) { try checkHolders(of: mapping) }
    }

    func checkHolders(of mapping: ModelMapping) throws(Violation) {
        var holders = driver.mappings.holders(of: mapping.id)
        try require(holders.windows == mapping.knownWindows, "\(holders) instead of \(mapping.knownWindows) windows")
        var certainlyCounted = mapping.sharedUses
        var possiblyCounted = mapping.sharedUses
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
        events.add(.countedUse, certainlyCounted - mapping.sharedUses)
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
