import Tracking

extension ModelRun {
    func map() throws(Violation) {
        guard mappings.count < profile.mappingTarget else { return }
        let length = randomLength()
        if random.chance(5), let reserved = driver.mappings.reserve(memory: random.next(), length: length) {
            driver.mappings.cancel(reserved.id)
            events.add(.cancelled)
        }
        lastKey &+= 1
        guard let (id, base) = driver.map(memory: random.next() >> 16, length: length, key: lastKey) else { return }
        let mapping = ModelMapping(id: id, base: base, length: length, key: lastKey)
        try require(base > 0 && base < 1 << 63, "\(id) has address \(hex(base))")
        try require(recentBases.add(base), "address \(hex(base)) came back")
        let neighbor = mappings.first { $0.base < base + length + 65536 && base < $0.base + $0.length + 65536 }
        try require(neighbor == nil, "\(id) and \(String(describing: neighbor?.id)) touch")
        mappings.append(mapping)
        events.add(.mapped)
    }

    private func randomLength() -> UInt64 {
        switch random.below(10) {
        case 0: 1 + UInt64(random.below(4096))
        case 1: 2 << 30
        case 2...3: (4 << 30) + UInt64(random.below(1 << 40))
        default: 4096 * (1 + UInt64(random.below(1024)))
        }
    }

    /// Releases a mapping, whatever still uses it; or tries to, and keeps it if something does.
    func release() throws(Violation) {
        guard let mapping = random.pick(mappings), mapping.stage == .live else { return }
        try close(mapping)
        guard random.chance(30) else { return }
        if try isIdle(mapping) {
            try retire(mapping)
        } else {
            driver.mappings.reopen(mapping.id, length: mapping.length)
            mapping.stage = .live
            events.add(.reopened)
        }
    }

    func close(_ mapping: ModelMapping) throws(Violation) {
        try require(driver.close(mapping.id), "live \(mapping.id) counts as stale")
        mapping.stage = .closing
        events.add(.released)
    }

    /// Unmaps whatever may go.
    func reap() throws(Violation) {
        for mapping in mappings where mapping.stage == .closing {
            if try isIdle(mapping) { try retire(mapping) }
        }
    }

    /// Asks the question that everything is about.
    func isIdle(_ mapping: ModelMapping) throws(Violation) -> Bool {
        let isIdle = driver.isIdle(mapping.id)
        if isIdle {
            try require(
                !mapping.isKnownBusy && !mapping.isTouchable,
                "\(mapping.id) is called idle with \(mapping.knownUses) uses, \(mapping.knownWindows) windows")
        } else {
            events.add(.busyWhenAsked)
            let mayBeWrong = !mapping.loosened.isEmpty || queues.contains { $0.isInside }
            try require(mayBeWrong || mapping.isKnownBusy, "\(mapping.id) is called busy, and nothing uses it")
        }
        return isIdle
    }

    func retire(_ mapping: ModelMapping) throws(Violation) {
        try device.deregister(mapping)
        driver.mappings.retire(mapping.id)
        mapping.stage = .retired
        mappings.removeAll { $0 === mapping }
        staleAddresses.add(mapping.base)
        staleMappings.add(mapping.id)
        events.add(.reaped)
    }
}
