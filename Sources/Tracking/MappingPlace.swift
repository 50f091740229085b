public import Synchronization

/// Where a live mapping is in the table, for an owner that keeps it from being released meanwhile.
///
/// A request that names memory by its address has to find the mapping, and to look twice whether it is still there.
/// One whose caller lends the mapping itself needs neither: what is lent cannot be released.
/// What is said here of the mapping stays true as long as it is live.
// Sendable: an element stays where it is as long as the table, and guards itself.
@usableFromInline @safe
package struct MappingPlace: @unchecked Sendable {
    @usableFromInline let slot: UnsafeMutablePointer<MappingSlot>

    /// The device's address of the first byte.
    @usableFromInline package let base: UInt64
    /// How many bytes are mapped.
    @usableFromInline package let length: UInt64
    /// The key by which the device knows the memory.
    @usableFromInline package let key: UInt32

    /// Reads the slot of a mapping that was published with a length before, and is still there.
    @inlinable @inline(__always)
    init(_ slot: UnsafeMutablePointer<MappingSlot>, length: UInt64) {
        unsafe self.slot = unsafe slot
        self.length = length
        base = unsafe slot.pointee.device.load(ordering: .relaxed)
        key = unsafe slot.pointee.key.load(ordering: .relaxed)
    }

    /// The logical address of the first byte.
    package var address: UInt64 { unsafe slot.pointee.base.load(ordering: .relaxed) }

    /// Whether the device may write to the memory.
    // Relaxed, as the others: whoever has the place got it after the mapping was published.
    @inlinable @inline(__always)
    package var isWritable: Bool { unsafe slot.pointee.writable.load(ordering: .relaxed) != 0 }
}
