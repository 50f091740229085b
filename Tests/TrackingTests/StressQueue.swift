import Synchronization
import Tracking

/// A queue that threads post to, and the ring by which the device gets its requests.
// Sendable: whoever is inside the turnstile has the poster and the ring's tail; the device has the ring's head.
@safe
final class StressQueue: @unchecked Sendable {
    struct Entry {
        var wire: WireID
        /// Which mappings the request names.
        var keys: (UInt32, UInt32)
        var isSignaled: Bool
    }

    static let depth = 32
    let id: QueueID
    var poster: RequestPoster
    private let ring: UnsafeMutablePointer<Entry>
    private let tail = Atomic<Int>(0)
    private let head = Atomic<Int>(0)

    init(_ fixture: Fixture) {
        poster = fixture.openQueue(depth: Self.depth)
        id = poster.queue
        unsafe ring = .allocate(capacity: Self.depth)
        unsafe ring.initialize(
            repeating: Entry(wire: WireID(raw: 0), keys: (0, 0), isSignaled: false), count: Self.depth)
    }

    deinit {
        unsafe ring.deallocate()
    }

    /// Gives a request to the device; the poster's depth keeps the ring from overflowing.
    func post(_ entry: Entry) {
        let position = tail.load(ordering: .relaxed)
        unsafe ring[position % Self.depth] = entry
        tail.store(position + 1, ordering: .releasing)
    }

    /// The next request for the device to execute.
    func take() -> Entry? {
        let position = head.load(ordering: .relaxed)
        guard position < tail.load(ordering: .acquiring) else { return nil }
        head.store(position + 1, ordering: .relaxed)
        return unsafe ring[position % Self.depth]
    }
}
