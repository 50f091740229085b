/// What a work request carries through the device in its `wr_id`: which queue, and which position.
///
/// A completion says nothing else that can be trusted: on failure the opcode is garbage (T8) and a queue pair's number
/// may meanwhile belong to another (T16). The position is shortened to 32 bits; a queue has far fewer requests
/// outstanding, so the missing bits follow from what is completed.
@usableFromInline
package struct WireID: Hashable, Sendable {
    /// The value for `wr_id`.
    @usableFromInline package let raw: UInt64

    /// Reads the `wr_id` of a completion.
    @inlinable @inline(__always)
    package init(raw: UInt64) {
        self.raw = raw
    }

    /// The identifiers of a queue, at position zero.
    init(queue: QueueID) {
        raw = UInt64(queue.index) << 44 | (queue.raw >> 32 & 0xFFF) << 32
    }

    /// The identifier of the same queue at a position.
    @inlinable @inline(__always)
    func at(_ position: UInt64) -> WireID {
        WireID(raw: raw | UInt64(UInt32(truncatingIfNeeded: position)))
    }

    /// The slot of the queue.
    @inlinable @inline(__always)
    var queueIndex: UInt32 { UInt32(truncatingIfNeeded: raw >> 44) }

    /// Whether the identifier is of that queue and not of an earlier one in the same slot.
    @inlinable @inline(__always)
    func names(_ queue: UInt64) -> Bool {
        queue != 0 && (queue >> 32) & 0xFFF == (raw >> 32) & 0xFFF
    }

    /// How many requests a shared receive queue can have outstanding.
    static var placeCount: Int { 1 << 20 }

    /// The identifier of the same shared receive queue for the request in a place, which has its turn.
    ///
    /// Turns are odd, and shortened to 12 bits: a completion that is reported twice misses the requests that the place
    /// has after that.
    func at(place: UInt32, turn: UInt32) -> WireID {
        WireID(raw: raw | UInt64(turn >> 1 & 0xFFF) << 20 | UInt64(place))
    }

    /// The place of a request of a shared receive queue.
    var place: UInt32 { UInt32(truncatingIfNeeded: raw) & 0xF_FFFF }

    /// Whether the identifier is of the request that has its turn in the place.
    func names(turn: UInt32) -> Bool {
        (turn >> 1 ^ UInt32(truncatingIfNeeded: raw) >> 20) & 0xFFF == 0
    }

    /// The first position after `completed` that shortens to this one.
    @inlinable @inline(__always)
    func position(after completed: UInt64) -> UInt64 {
        completed &+ 1 &+ UInt64(UInt32(truncatingIfNeeded: raw) &- UInt32(truncatingIfNeeded: completed &+ 1))
    }
}
