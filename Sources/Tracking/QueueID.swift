/// Names one queue for the whole life of its table: a slot is used again, an identifier is not.
@usableFromInline
package struct QueueID: Hashable, Sendable {
    /// The slot's index below, its generation above; zero names no queue.
    @usableFromInline package let raw: UInt64

    /// Reads the owner of a fence, or what an event names.
    @inlinable @inline(__always)
    package init(raw: UInt64) { self.raw = raw }

    /// Names the queue that a slot has in a generation.
    init(index: UInt32, generation: UInt32) {
        raw = UInt64(generation) << 32 | UInt64(index)
    }

    /// Names the shared receive queue that a slot has in a generation.
    init(sharedIndex: UInt32, generation: UInt32) {
        self.init(index: Self.sharedBit | sharedIndex, generation: generation)
    }

    /// Set in the index of every shared receive queue.
    static var sharedBit: UInt32 { 1 << 19 }

    /// Whether it is a shared receive queue.
    package var isShared: Bool { index & Self.sharedBit != 0 }

    /// The slot in the table of shared receive queues.
    var sharedIndex: UInt32 { index & ~Self.sharedBit }

    /// The slot in the table.
    @inlinable @inline(__always)
    var index: UInt32 { UInt32(truncatingIfNeeded: raw) }
}
