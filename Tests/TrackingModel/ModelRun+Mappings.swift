import Tracking

extension ModelRun {
    func map() throws(Violation) {
        for _ in 0..<(1 + random.below(4)) where mappings.count < profile.mappingTarget { try mapOne() }
    }

    private func mapOne() throws(Violation) {
        if random.chance(25) { return try mapCut() }
        // What a poster that came late looked at was large: only there can the next mapping be in its slot.
        let isAwaited = queues.contains { $0.lateUse?.mapping.stage == .retired }
        let length = isAwaited ? 4 << 30 : randomLength()
        // Few different beginnings, so that a slot used again would repeat addresses but for its generation.
        let memory = UInt64(random.below(4)) << 30 | UInt64(random.below(16)) << 12 | 64
        // Not where slots are scarce: each reservation uses up one of their few generations.
        if length < 4 << 30, random.chance(5), let reserved = driver.mappings.reserve(memory: memory, length: length) {
            driver.mappings.cancel(reserved.id)
            events.add(.cancelled)
        }
        lastKey &+= 1
        guard let mapping = driver.map(memory: memory, length: length, key: lastKey) else { return }
        mapping.hasLooseFences = driver.hasFences(in: mapping.id.slot)
        try add(mapping)
        events.add(.mapped)
    }

    private func add(_ mapping: ModelMapping) throws(Violation) {
        let (id, base, length) = (mapping.id, mapping.base, mapping.length)
        try require(base > 0 && base < 1 << 63, "\(id) has address \(hex(base))")
        try require(!releasedRanges.contains(mapping), "\(id) has addresses of a mapping released just before")
        let neighbor = mappings.first { $0.base < base + length + 65536 && base < $0.base + $0.length + 65536 }
        try require(neighbor == nil, "\(id) and \(String(describing: neighbor?.id)) touch")
        mappings.append(mapping)
    }

    /// Maps a cut, mostly one that was mapped before.
    private func mapCut() throws(Violation) {
        if freeCuts.isEmpty || random.chance(5) {
            lastKey &+= 1
            let memory = UInt64(random.below(16)) << 12
            let device = random.next() >> 1
            guard let cut = driver.reserveCut(memory: memory, device: device, key: lastKey) else { return }
            freeCuts.append(cut)
        }
        let cut = freeCuts.remove(at: random.below(freeCuts.count))
        let mapping = driver.map(cut, length: 1 + UInt64(random.below(Int(ModelCut.length))))
        mapping.hasLooseFences = cut.hasLooseFences
        try add(mapping)
        events.add(.mappedCut)
    }

    private func randomLength() -> UInt64 {
        switch random.below(20) {
        case 0: 1 + UInt64(random.below(4096))
        case 1: 2 << 30
        case 2...6: (4 << 30) + UInt64(random.below(1 << 40))
        default: 4096 * (1 + UInt64(random.below(1024)))
        }
    }

    /// Releases a mapping, whatever still uses it; or tries to, and keeps it if something does.
    func release() throws(Violation) {
        let late = random.pick(queues)?.lateUse?.mapping
        guard let mapping = late ?? random.pick(mappings), mapping.stage == .live else { return }
        try close(mapping)
        guard random.chance(30) else { return }
        if try isIdle(mapping) {
            try retire(mapping)
        } else {
            driver.reopen(mapping)
            mapping.stage = .live
            events.add(.reopened)
        }
    }

    func close(_ mapping: ModelMapping) throws(Violation) {
        try require(driver.close(mapping), "live \(mapping.id) counts as stale")
        mapping.stage = .closing
        events.add(.released)
    }

    /// Unmaps whatever may go; between the question and the end of the unmapping others may go on.
    func reap() throws(Violation) {
        for mapping in mappings where mapping.stage == .unmapping { finishUnmapping(mapping) }
        for mapping in mappings where mapping.stage == .closing {
            guard try isIdle(mapping) else { continue }
            try retire(mapping)
        }
    }

    /// Asks the question that everything is about.
    func isIdle(_ mapping: ModelMapping) throws(Violation) -> Bool {
        let isUntouched = driver.mappings.isUntouched(mapping.id)
        let isIdle = driver.isIdle(mapping)
        try require(isIdle || !isUntouched, "\(mapping.id) is called untouched, and not idle")
        if isIdle {
            try require(
                !mapping.isKnownBusy && !mapping.isTouchable,
                "\(mapping.id) is called idle with \(mapping.knownUses) uses, \(mapping.knownWindows) windows")
        } else {
            events.add(.busyWhenAsked)
            try require(
                mapping.hasLooseFences || mapping.isKnownBusy, "\(mapping.id) is called busy, and nothing uses it")
        }
        return isIdle
    }

    func retire(_ mapping: ModelMapping) throws(Violation) {
        try device.deregister(mapping)
        mapping.stage = .unmapping
        if random.chance(50) { finishUnmapping(mapping) }
    }

    private func giveBack(_ mapping: ModelMapping) {
        guard let cut = mapping.cut else { return driver.retire(mapping.id) }
        // Whoever is late has found the cut while it was mapped.
        cut.hasLooseFences =
            mapping.hasLooseFences || queues.contains { $0.lateUse?.mapping.id.slot == mapping.id.slot }
        guard random.chance(5) else { return freeCuts.append(cut) }
        driver.retire(cut)
        events.add(.cutRetired)
    }

    func finishUnmapping(_ mapping: ModelMapping) {
        giveBack(mapping)
        mapping.stage = .retired
        mappings.removeAll { $0 === mapping }
        releasedRanges.add(mapping)
        staleAddresses.add(mapping.base)
        staleMappings.add(mapping.id)
        events.add(.reaped)
    }
}
