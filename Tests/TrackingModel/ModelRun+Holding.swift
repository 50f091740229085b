import Tracking

/// What others than its poster do with a queue.
extension ModelRun {
    /// Posts in the poster's stead, or keeps it out for a while.
    func holdQueue() throws(Violation) {
        guard let queue = random.pick(queues), queue.stage == .open else { return }
        if queue.isBarred || random.chance(10) { return toggleBar(of: queue) }
        guard driver.holdAlone(queue) else {
            return try require(queue.isInside, "queue \(queue.number) could not be held")
        }
        if random.chance(20) { try require(queue.poster.enter() == .held, "the poster entered a held queue") }
        try postMarker(on: queue)
        driver.queues.release(queue.id)
    }

    /// A barred queue takes no post, as one whose device failed. A visit in progress goes on.
    func toggleBar(of queue: ModelQueue) {
        if queue.isBarred {
            driver.queues.unbar(queue.id)
        } else {
            driver.queues.bar(queue.id)
            events.add(.barred)
        }
        queue.isBarred.toggle()
    }

    /// Posts a signaled request without elements, to learn what the unsignaled ones before it did. The device may
    /// refuse that, too.
    func postMarker(on queue: ModelQueue) throws(Violation) {
        driver.catchUp(queue)
        let hasBegun = queue.markers.begin()
        try require(hasBegun != queue.isFull, "a full queue took a marker, or one with room did not")
        guard hasBegun else { return }
        let request = begin(on: queue, isSignaled: true)
        let wire = queue.markers.commit(context: request.context, tag: queue.tag)
        try commit(request, as: wire, on: queue)
        guard !random.chance(10) else {
            queue.markers.withdraw(1) { _ in }
            _ = queue.timeline.popLast()
            return takeBack(request, of: queue)
        }
        device.take(request, on: queue)
        events.add(.marker)
    }
}
