import Synchronization

/// One shared receive queue. Whoever has it may ask it anything at any time, also when it is closed.
// Sendable: `state` never changes, is there as long as this, and guards itself.
@safe
package final class SharedQueue: @unchecked Sendable {
    let state: UnsafeMutablePointer<SharedQueueState>
    private let places = ChunkedTable<SharedPlace>()
    private let elements: Int

    init(_ id: QueueID, depth: Int, elements: Int) {
        unsafe state = .allocate(capacity: 1)
        unsafe state.initialize(to: SharedQueueState(id, places: places))
        self.elements = elements
        setDepth(depth)
    }

    deinit {
        unsafe state.deinitialize(count: 1)
        unsafe state.deallocate()
    }

    /// The queue's name, for the whole life of its table.
    package var id: QueueID { unsafe state.pointee.id }

    /// How many requests are posted and not retired.
    package var outstanding: Int { unsafe Int(state.pointee.outstanding) }

    /// Changes how many requests may be posted and not retired; those which are, stay.
    ///
    /// One thread at a time; posting and retiring go on beside it.
    package func setDepth(_ depth: Int) {
        for first in stride(from: 0, to: UInt32(depth), by: ChunkedTable<SharedPlace>.chunkSize)
        where unsafe places.element(at: first) == nil {
            places.grow(toHold: first) { SharedPlace(elements: elements) }
        }
        unsafe state.pointee.depth.store(UInt32(depth), ordering: .releasing)
    }

    /// How many elements of outstanding requests name a mapping, at about this moment.
    ///
    /// - Complexity: O(depth); for reports.
    package func uses(of mapping: MappingID) -> Int {
        var count = 0
        unsafe forEachPlace { place in count += unsafe place.pointee.uses(of: mapping.slot) }
        return count
    }

    /// Shows every place, with a request or without.
    func forEachPlace(_ body: (UnsafeMutablePointer<SharedPlace>) -> Void) {
        var index: UInt32 = 0
        while let place = unsafe places.element(at: index) {
            unsafe body(place)
            index += 1
        }
    }

    // MARK: The threshold

    /// Has the next retirement told that leaves fewer than `threshold` requests outstanding; once.
    package func arm(below threshold: Int) { unsafe state.pointee.arm(UInt32(threshold)) }

    /// Has nobody told any more.
    ///
    /// - Returns: whether somebody was still to be told.
    package func disarm() -> Bool { unsafe state.pointee.disarm() }

    /// Whether fewer requests are outstanding than `arm` asked for. It says so once, here or at a retirement.
    package func isLow() -> Bool { unsafe state.pointee.isLow() }
}
