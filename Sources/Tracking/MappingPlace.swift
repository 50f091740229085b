public import Synchronization

/// Where a live mapping is in the table, for an owner that keeps it from being released meanwhile.
///
/// A request that names memory by its address has to find the mapping, and to look twice whether it is still there.
/// One whose caller lends the mapping itself needs neither: what is lent cannot be released.
// Sendable: an element stays where it is as long as the table, and guards itself.
@usableFromInline @safe
package struct MappingPlace: @unchecked Sendable {
    @usableFromInline let slot: UnsafeMutablePointer<MappingSlot>

    init(_ slot: UnsafeMutablePointer<MappingSlot>) {
        unsafe self.slot = unsafe slot
    }

    /// The logical address of the first byte.
    // Relaxed, as the others: whoever has the place got it after the mapping was published.
    @inlinable @inline(__always)
    package var base: UInt64 { unsafe slot.pointee.base.load(ordering: .relaxed) }

    /// How many bytes are mapped.
    @inlinable @inline(__always)
    package var length: UInt64 { unsafe slot.pointee.length.load(ordering: .relaxed) }

    /// Whether the device may write to the memory.
    @inlinable @inline(__always)
    package var isWritable: Bool { unsafe slot.pointee.writable.load(ordering: .relaxed) != 0 }

    /// The key by which the device knows the memory.
    @inlinable @inline(__always)
    package var key: UInt32 { unsafe slot.pointee.key.load(ordering: .relaxed) }
}
