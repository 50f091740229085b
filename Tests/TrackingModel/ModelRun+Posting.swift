import Tracking

extension ModelRun {
    /// Begins or goes on with a visit to a queue. A visit may pause anywhere, as a thread that loses its processor.
    func post() throws(Violation) {
        guard let queue = random.pick(queues) else { return }
        if !queue.isInside, random.chance(30) {
            if try random.chance(50) ? postAtOnce(on: queue) : postAddressAtOnce(on: queue) { return }
        }
        if !queue.isInside {
            guard try enter(queue) else { return }
        }
        if try continueLateUse(on: queue, patience: profile.patiencePercent) { return }
        if queue.preparing == nil { try prepare(on: queue) }
        guard queue.lateUse == nil, !random.chance(20) else { return }
        try commit(on: queue)
        guard !random.chance(queue.visit.count < 4 ? 30 : 0) else { return }
        try giveToDevice(queue)
    }

    private func enter(_ queue: ModelQueue) throws(Violation) -> Bool {
        let entry = queue.poster.enter()
        let expected: Turnstile.Entry = queue.stage != .open ? .shut : queue.isBarred ? .barred : .inside
        try require(entry == expected, "queue \(queue.number), \(queue.stage): \(entry), not \(expected)")
        queue.isInside = entry == .inside
        return queue.isInside
    }

    /// Posts in the short way that only a lent mapping allows.
    private func postAtOnce(on queue: ModelQueue) throws(Violation) -> Bool {
        guard let mapping = random.pick(mappings), mapping.stage == .live else { return false }
        guard queue.poster.beginAtOnce(using: mapping.place) else {
            try require(!driver.queues.isPosting(queue.id), "a poster that did not begin stayed inside")
            return false
        }
        try finishPostAtOnce(of: mapping, on: queue, .postedAtOnce)
        return true
    }

    /// The same of an address, whose mapping has to be found.
    private func postAddressAtOnce(on queue: ModelQueue) throws(Violation) -> Bool {
        let (address, length) = randomElement()
        let mapping = liveMapping(at: address)
        guard let memory = queue.poster.beginAtOnce(at: address, length: length, isSink: false) else {
            try require(!driver.queues.isPosting(queue.id), "a poster that did not begin stayed inside")
            return false
        }
        guard let mapping, UInt64(length) <= mapping.length - (address - mapping.base) else {
            throw Violation("\(length) bytes at \(hex(address)) are not mapped, and were posted at once")
        }
        try require(memory == mapping.target(of: address), "live address \(hex(address)) of \(mapping.id): \(memory)")
        try finishPostAtOnce(of: mapping, on: queue, .addressPostedAtOnce)
        return true
    }

    private func finishPostAtOnce(
        of mapping: ModelMapping, on queue: ModelQueue, _ event: Event
    ) throws(Violation) {
        try require(
            queue.stage == .open && !queue.isBarred && !queue.isFull, "queue \(queue.number) took a request at once")
        queue.isInside = true
        note(mapping, in: begin(on: queue, isSignaled: random.chance(profile.signaledPercent)))
        events.add(event)
        guard !random.chance(10) else { return }
        try commit(on: queue)
        try giveToDevice(queue)
    }

    private func prepare(on queue: ModelQueue) throws(Violation) {
        let hasBegun = queue.poster.begin()
        try require(hasBegun != queue.isFull, "a full queue took a request, or one with room did not")
        guard hasBegun else { return events.add(.queueFull) }
        let request = begin(on: queue, isSignaled: random.chance(profile.signaledPercent))
        events.add(.prepared)
        for element in 0..<random.below(5) {
            guard try name(element, in: request, on: queue) else { return abandon(queue) }
        }
        if random.chance(4) { return abandon(queue) }
        if random.chance(6), beginLateUse(on: queue) { return }
    }

    /// Counts a request that the tracking let begin.
    func begin(on queue: ModelQueue, isSignaled: Bool) -> ModelRequest {
        queue.lastPosition += 1
        lastContext += 1
        let request = ModelRequest(position: queue.lastPosition, context: lastContext, isSignaled: isSignaled)
        queue.preparing = request
        return request
    }

    /// Names an element of a request; usually it is mapped.
    ///
    /// - Returns: false if it was refused, and rightly.
    private func name(_ element: Int, in request: ModelRequest, on queue: ModelQueue) throws(Violation) -> Bool {
        let (address, length) = randomElement()
        let mapping = liveMapping(at: address)
        let refusal = driver.check(address, length: length, by: queue)
        let result = driver.use(address, length: length, element: element, of: mapping, by: queue)
        try require(refusal == result.error, "\(hex(address)) was checked: \(refusal as Any), and used: \(result)")
        guard let mapping else {
            try require(result == .failure(.unmapped), "unmapped address \(hex(address)): \(result)")
            events.add(.refusedElement)
            return false
        }
        guard UInt64(length) <= mapping.length - (address - mapping.base) else {
            try require(result == .failure(.beyondEnd), "an element beyond the end of \(mapping.id): \(result)")
            events.add(.refusedElement)
            return false
        }
        try require(
            result == .success(mapping.target(of: address)), "live address \(hex(address)) of \(mapping.id): \(result)")
        note(mapping, in: request)
        return true
    }

    func note(_ mapping: ModelMapping, in request: ModelRequest?) {
        request?.uses.append(mapping)
        mapping.deviceUses += 1
        mapping.knownUses += 1
    }

    private func randomElement() -> (address: UInt64, length: UInt32) {
        if random.chance(3), let stale = random.pick(staleAddresses.all) { return (stale, 1) }
        if random.chance(1) { return (random.next(), 1) }
        let live = mappings.filter { $0.stage == .live }
        guard let mapping = random.pick(random.chance(97) ? live : mappings) else { return (0, 1) }
        if random.chance(1) { return (mapping.base + mapping.length, 1) }
        let offset = UInt64(random.below(Int(mapping.length)))
        let room = UInt32(clamping: mapping.length - offset)
        return (mapping.base + offset, random.chance(2) ? room &+ 1 : 1 + UInt32(random.below(Int(room))))
    }

    private func liveMapping(at address: UInt64) -> ModelMapping? {
        mappings.first { $0.stage == .live && $0.contains(address) }
    }

    func abandon(_ queue: ModelQueue) {
        guard let request = queue.preparing else { return }
        driver.abandon(queue)
        takeBack(request, of: queue)
        queue.preparing = nil
        events.add(.abandoned)
    }

    func commit(on queue: ModelQueue) throws(Violation) {
        guard let request = queue.preparing else { return }
        let wire = queue.poster.commit(context: request.context, tag: queue.tag)
        try commit(request, as: wire, on: queue)
        queue.visit.append(request)
    }

    /// Appends a committed request to its queue's timeline.
    func commit(_ request: ModelRequest, as wire: WireID, on queue: ModelQueue) throws(Violation) {
        try require(
            wire.raw & 0xFFFF_FFFF == request.position & 0xFFFF_FFFF,
            "request \(request.position) of queue \(queue.number) has wr_id \(hex(wire.raw))")
        request.wire = wire
        queue.preparing = nil
        queue.timeline.append(request)
        events.add(.committed)
    }

    /// Ends a visit: the device takes the list, or part of it, or says nothing that helps (trap T11).
    func giveToDevice(_ queue: ModelQueue) throws(Violation) {
        let list = queue.visit
        queue.visit = []
        switch random.below(100) {
        case 0..<4: try post(list, on: queue, taken: random.below(list.count + 1))
        case 4 where random.chance(50): try postUndetermined(list, on: queue)
        default: try post(list, on: queue, taken: list.count)
        }
        queue.poster.leave()
        queue.isInside = false
    }

    private func post(_ list: [ModelRequest], on queue: ModelQueue, taken: Int) throws(Violation) {
        for request in list[..<taken] { device.take(request, on: queue) }
        if taken < list.count { try withdraw(list[taken...], of: queue) }
        events.add(.posted, taken)
        events.add(.refusedPost, list.count - taken)
    }

    private func withdraw(_ requests: ArraySlice<ModelRequest>, of queue: ModelQueue) throws(Violation) {
        let contexts = driver.withdraw(requests, of: queue)
        try require(contexts == requests.map(\.context), "withdrawn requests are not those that were refused")
        let areDisowned = random.chance(50)
        for request in requests.reversed() {
            _ = queue.timeline.popLast()
            takeBack(request, of: queue)
            undo(request.operation)
            for mapping in request.uses where areDisowned { driver.disown(mapping, by: queue) }
        }
    }

    /// The device took part of the list, and nobody can tell which; what it did not take ends with the queue's next
    /// completion, or with the queue.
    private func postUndetermined(_ list: [ModelRequest], on queue: ModelQueue) throws(Violation) {
        let taken = random.below(list.count + 1)
        for request in list[..<taken] { device.take(request, on: queue) }
        for mapping in list[taken...].flatMap(\.uses) { mapping.deviceUses -= 1 }
        if driver.takesBackUndetermined { _ = driver.withdraw(list[...], of: queue) }
        events.add(.undeterminedPost, list.count)
    }

    func takeBack(_ request: ModelRequest, of queue: ModelQueue) {
        queue.lastPosition -= 1
        for mapping in request.uses {
            mapping.deviceUses -= 1
            mapping.knownUses -= 1
            mapping.hasLooseFences = true
        }
    }
}
