import Synchronization

/// Room for one request of a shared receive queue, and for what it names.
///
/// A request keeps its place until its completion is polled, however many later ones complete before it. The poster
/// fills the place before the device has the request; whoever polls the completion empties it.
@safe
struct SharedPlace: ~Copyable {
    /// How often the place was filled and emptied: odd while it has a request.
    private let turn = Atomic<UInt32>(0)

    // Atomic, because others look at the place at any time; `turn` orders everything else.
    private let context = Atomic<UInt64>(0)
    private let tag = Atomic<UInt32>(0)
    private let nextPlace = Atomic<UInt32>(0)
    private let useCount = Atomic<UInt32>(0)
    private let slots: UnsafeMutablePointer<Atomic<UInt32>>
    private let elements: UInt32

    /// An empty place for requests of up to `elements` elements.
    init(elements: Int) {
        unsafe slots = .allocate(capacity: elements)
        for index in 0..<elements { unsafe (slots + index).initialize(to: Atomic(0)) }
        self.elements = UInt32(elements)
    }

    deinit {
        unsafe slots.deallocate()
    }

    /// The place behind this one in the list where it is, plus one; zero at the end.
    var next: UInt32 {
        get { nextPlace.load(ordering: .relaxed) }
        nonmutating set { nextPlace.store(newValue, ordering: .relaxed) }
    }

    // MARK: The poster

    /// Notes that the request names a mapping.
    func append(_ slot: UInt32) {
        let count = useCount.load(ordering: .relaxed)
        guard count < elements else {
            fatalError(
                "SharedRequestPoster: the queue was opened for \(elements) elements of a request, this is one more")
        }
        unsafe slots[Int(count)].store(slot, ordering: .relaxed)
        useCount.store(count + 1, ordering: .relaxed)
    }

    /// Fills the place.
    ///
    /// - Returns: the turn that the completion must name.
    func fill(_ request: Request) -> UInt32 {
        context.store(request.context, ordering: .relaxed)
        tag.store(request.tag, ordering: .relaxed)
        let filled = turn.load(ordering: .relaxed) &+ 1
        turn.store(filled, ordering: .releasing)
        return filled
    }

    /// Empties the place of a request that the device does not have.
    func withdraw() {
        turn.store(turn.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
    }

    // MARK: The poller

    /// Empties the place, if it has the request that a completion names; of two that name it, one gets it.
    func empty(_ wire: WireID) -> Request? {
        let found = turn.load(ordering: .relaxed)
        guard found & 1 == 1, wire.names(turn: found),
            turn.compareExchange(expected: found, desired: found &+ 1, ordering: .acquiringAndReleasing).exchanged
        else { return nil }
        return Request(context: context.load(ordering: .relaxed), tag: tag.load(ordering: .relaxed))
    }

    /// Forgets what the request named, after showing each to `body`.
    func removeUses(_ body: (UInt32) -> Void) {
        for index in 0..<Int(useCount.load(ordering: .relaxed)) {
            body(unsafe slots[index].load(ordering: .relaxed))
        }
        useCount.store(0, ordering: .relaxed)
    }

    // MARK: Anybody

    /// How many elements of the request name a mapping, as far as can be told while others go on.
    func uses(of slot: UInt32) -> Int {
        let before = turn.load(ordering: .acquiring)
        guard before & 1 == 1 else { return 0 }
        let count = (0..<Int(useCount.load(ordering: .relaxed))).count {
            unsafe slots[$0].load(ordering: .acquiring) == slot
        }
        return turn.load(ordering: .relaxed) == before ? count : 0
    }
}
