/// Names one queue for the whole life of its table: a slot is used again, an identifier is not.
@usableFromInline
package struct QueueID: Hashable, Sendable {
    /// The slot's index below, its generation above; zero names no queue.
    @usableFromInline package let raw: UInt64

    /// Reads the owner of a fence.
    @inlinable @inline(__always)
    init(raw: UInt64) { self.raw = raw }

    /// Names the queue that a slot has in a generation.
    init(index: UInt32, generation: UInt32) {
        raw = UInt64(generation) << 32 | UInt64(index)
    }

    /// The slot in the table.
    @inlinable @inline(__always)
    var index: UInt32 { UInt32(truncatingIfNeeded: raw) }
}
