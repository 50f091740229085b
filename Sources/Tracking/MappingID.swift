/// Names one mapping for the whole life of its table: a slot is used again, an identifier is not.
@usableFromInline
package struct MappingID: Hashable, Sendable {
    /// Its place in the table.
    @usableFromInline package let slot: UInt32
    /// How many mappings had the slot, this one included.
    @usableFromInline package let generation: UInt32

    @inlinable @inline(__always)
    package init(slot: UInt32, generation: UInt32) {
        self.slot = slot
        self.generation = generation
    }

    /// What a slot's `lifecycle` holds while it has this mapping, and the mapping is in `stage`.
    @inlinable @inline(__always)
    func lifecycle(_ stage: Stage) -> UInt64 {
        UInt64(generation) << 2 | stage.rawValue
    }
}
