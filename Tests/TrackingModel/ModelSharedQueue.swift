import Tracking

/// A request of a shared receive queue.
final class SharedRequest {
    unowned let queue: ModelSharedQueue
    let context: UInt64
    let uses: [ModelMapping]
    let wire: WireID

    init(queue: ModelSharedQueue, context: UInt64, uses: [ModelMapping], wire: WireID) {
        self.queue = queue
        self.context = context
        self.uses = uses
        self.wire = wire
    }
}

/// One shared receive queue: the poster under test, what a naive observer knows of it, and what the device holds.
final class ModelSharedQueue {
    enum Stage {
        case open
        /// Nothing is posted any more; the device is destroying it.
        case destroying
    }

    let number: Int
    let requests: SharedQueue
    var depth: Int
    var poster: SharedRequestPoster
    var stage = Stage.open

    /// Posted and not retired, in the order of posting.
    var outstanding: [SharedRequest] = []
    /// Below so many outstanding requests a retirement says so; zero if nobody asked.
    var threshold = 0
    /// Posted and not consumed.
    var onDevice: [SharedRequest] = []

    init(number: Int, depth: Int, requests: SharedQueue, mappings: MappingTable) {
        self.number = number
        self.depth = depth
        self.requests = requests
        poster = SharedRequestPoster(queue: requests, mappings: mappings)
    }

    var tag: UInt32 { UInt32(truncatingIfNeeded: number) }
    var isFull: Bool { outstanding.count >= depth }
}
