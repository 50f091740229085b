import Synchronization

/// What a queue remembers of one posted request until it is retired.
package struct Request {
    /// The caller's own word, given back with the completion.
    package var context: UInt64
    /// What the layer above needs to know of the request: its operation, whether success is silent.
    package var tag: UInt32
    /// How many of its uses were counted because the mapping had no fence left.
    var countedUses: UInt32
}

/// One queue's timeline: how far it was posted, how far it completed, and the requests in between.
///
/// A send queue and a receive queue each complete in order, so two numbers say everything. `completed` belongs to
/// whoever polls, `posted` to whoever posts; they live on cache lines of their own.
struct QueueState: ~Copyable {
    /// Index and generation of the queue, zero while the slot has none.
    let id = Atomic<UInt64>(0)
    /// Every request up to this position is retired.
    let completed = Atomic<UInt64>(0)

    var ring = RequestRing(depth: 0, elements: 0)
    var generation: UInt64 = 0
    private let line1: InlineArray<1, UInt64> = [0]

    /// Every request up to this position is posted, or about to be.
    let posted = Atomic<UInt64>(0)
    /// The latest position with a counted use: once it is retired, nobody needs to look for counted uses.
    let lastCounted = Atomic<UInt64>(0)
    /// Posts pass here, and so does whoever must keep them out.
    let turnstile: Turnstile
    private let line2: InlineArray<3, UInt64> = [0, 0, 0]

    init(ownerFences: Bool) {
        turnstile = Turnstile(ownerFences: ownerFences)
    }
}

/// The requests of one queue that are not retired yet, by position.
///
/// An entry is written by the poster before `posted` passes it, and read by the poller after it saw that.
@safe
struct RequestRing: ~Copyable {
    private let requests: UnsafeMutablePointer<Request>
    /// The mapping slots of counted uses, `elements` for each request.
    private let countedSlots: UnsafeMutablePointer<UInt32>
    private let elements: Int
    private let mask: UInt64

    init(depth: Int, elements: Int) {
        var entries = 1
        while entries < depth { entries *= 2 }
        unsafe requests = .allocate(capacity: entries)
        unsafe requests.initialize(repeating: Request(context: 0, tag: 0, countedUses: 0), count: entries)
        unsafe countedSlots = .allocate(capacity: entries * elements)
        unsafe countedSlots.initialize(repeating: 0, count: entries * elements)
        self.elements = elements
        mask = UInt64(entries - 1)
    }

    deinit {
        unsafe requests.deallocate()
        unsafe countedSlots.deallocate()
    }

    @inline(__always)
    subscript(position: UInt64) -> Request {
        get { unsafe requests[Int(position & mask)] }
        nonmutating set { unsafe requests[Int(position & mask)] = newValue }
    }

    /// The mapping slot of the counted use number `use` of a request.
    subscript(countedSlot use: UInt32, at position: UInt64) -> UInt32 {
        get { unsafe countedSlots[Int(position & mask) * elements + Int(use)] }
        nonmutating set { unsafe countedSlots[Int(position & mask) * elements + Int(use)] = newValue }
    }
}
