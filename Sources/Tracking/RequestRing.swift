/// What a queue remembers of one posted request until it is retired.
@usableFromInline
package struct Request {
    /// The caller's own word, given back with the completion.
    @usableFromInline package let context: UInt64
    /// What the layer above needs to know of the request: its operation, whether success is silent.
    @usableFromInline package let tag: UInt32

    @inlinable @inline(__always)
    init(context: UInt64, tag: UInt32) {
        self.context = context
        self.tag = tag
    }
}

/// The requests of one queue that are not retired yet, by position.
///
/// An entry is written by the poster before the device has the request, and read by the poller after the device
/// completed it. This is the view that both have of the queue's memory; `QueueState` owns it.
@safe @usableFromInline
struct RequestRing {
    /// As many entries as the depth, rounded up to a power of two.
    @usableFromInline let requests: UnsafeMutablePointer<Request>
    /// Makes an index of a position.
    @usableFromInline let mask: UInt64
    /// For each request a row: how many of its uses were counted, then the slots of the mappings concerned.
    private let counted: UnsafeMutablePointer<UInt32>
    private let elements: Int

    /// Allocates room for `depth` requests of up to `elements` elements.
    init(depth: Int, elements: Int) {
        var entries = 1
        while entries < depth { entries *= 2 }
        unsafe requests = .allocate(capacity: entries)
        unsafe requests.initialize(repeating: Request(context: 0, tag: 0), count: entries)
        unsafe counted = .allocate(capacity: entries * (1 + elements))
        unsafe counted.initialize(repeating: 0, count: entries * (1 + elements))
        self.elements = elements
        mask = UInt64(entries - 1)
    }

    /// Frees the memory, for all who have a view of it.
    func deallocate() {
        unsafe requests.deallocate()
        unsafe counted.deallocate()
    }

    /// How many requests fit.
    var capacity: Int { Int(mask) + 1 }

    /// The request at a position.
    @inlinable @inline(__always)
    subscript(position: UInt64) -> Request {
        get { unsafe requests[Int(truncatingIfNeeded: position & mask)] }
        nonmutating set { unsafe requests[Int(truncatingIfNeeded: position & mask)] = newValue }
    }

    /// Notes a counted use of the request at `position`.
    func appendCounted(_ slot: UInt32, at position: UInt64) {
        let row = unsafe row(at: position)
        guard unsafe row[0] < elements else {
            fatalError("RequestPoster: the queue was opened for \(elements) elements of a request, this is one more")
        }
        unsafe row[0] += 1
        unsafe row[Int(row[0])] = slot
    }

    /// Forgets the counted uses of the request at `position`, after showing each to `body`.
    func removeCounted(at position: UInt64, _ body: (UInt32) -> Void) {
        let row = unsafe row(at: position)
        for use in 0..<(unsafe Int(row[0])) { unsafe body(row[1 + use]) }
        unsafe row[0] = 0
    }

    private func row(at position: UInt64) -> UnsafeMutablePointer<UInt32> {
        unsafe counted + Int(position & mask) * (1 + elements)
    }
}
