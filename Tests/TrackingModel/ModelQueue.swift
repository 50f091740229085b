import Tracking

/// One request from its preparation to its end.
final class ModelRequest {
    enum Operation {
        /// Sends, receives, reads, writes: whatever names memory.
        case transfer
        case bind(ModelWindow)
        case invalidate(ModelWindow)
    }

    let position: UInt64
    let context: UInt64
    let isSignaled: Bool
    var operation = Operation.transfer
    var uses: [ModelMapping] = []
    var wire = WireID(raw: 0)

    init(position: UInt64, context: UInt64, isSignaled: Bool) {
        self.position = position
        self.context = context
        self.isSignaled = isSignaled
    }
}

/// One queue: the poster under test, what a naive observer knows of it, and what the device holds.
final class ModelQueue {
    enum Stage {
        case open
        /// Shut; the device is destroying it.
        case destroying
        case closed
    }

    let number: Int
    let id: QueueID
    let depth: Int
    var poster: RequestPoster
    var stage = Stage.open
    /// The receive queue of the same queue pair.
    weak var receives: ModelQueue?

    // MARK: The visit in progress

    var isInside = false
    /// Committed in this visit, not yet given to the device.
    var visit: [ModelRequest] = []
    /// Begun in this visit, not yet committed.
    var preparing: ModelRequest?
    /// An element of `preparing` whose poster lost its processor.
    var lateUse: LateUse?

    // MARK: The timeline, request by request

    var timeline = Fifo<ModelRequest>()
    var lastPosition: UInt64
    var completed: UInt64

    // MARK: The device's side

    var onDevice = Fifo<ModelRequest>()
    var hasFailed = false

    init(number: Int, poster: consuming RequestPoster) {
        self.number = number
        id = poster.queue
        depth = Int(poster.depth)
        lastPosition = poster.posted
        completed = poster.posted
        self.poster = poster
    }

    var isFull: Bool { lastPosition - completed >= depth }
}

/// A queue of values that is cheap at both ends.
struct Fifo<Element> {
    private var elements: [Element] = []
    private var head = 0

    var count: Int { elements.count - head }
    var isEmpty: Bool { count == 0 }
    var first: Element? { isEmpty ? nil : elements[head] }
    var last: Element? { isEmpty ? nil : elements[elements.count - 1] }
    var all: ArraySlice<Element> { elements[head...] }

    mutating func append(_ element: Element) {
        elements.append(element)
    }

    mutating func popFirst() -> Element? {
        guard let first else { return nil }
        head += 1
        if head == elements.count || head == 64 {
            elements.removeFirst(head)
            head = 0
        }
        return first
    }

    mutating func popLast() -> Element? {
        isEmpty ? nil : elements.removeLast()
    }

    mutating func removeAll() {
        elements.removeAll(keepingCapacity: true)
        head = 0
    }

    mutating func removeAll(where isUnwanted: (Element) -> Bool) {
        elements.removeFirst(head)
        head = 0
        elements.removeAll(where: isUnwanted)
    }
}
