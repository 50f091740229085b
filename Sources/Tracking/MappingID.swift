/// Names one mapping for the whole life of its table: a slot is used again, an identifier is not.
package struct MappingID: Hashable, Sendable {
    /// Its place in the table.
    package let slot: UInt32
    /// How many mappings had the slot, this one included.
    package let generation: UInt32

    /// What a slot's `lifecycle` holds while it has this mapping, and the mapping is in `stage`.
    func lifecycle(_ stage: Stage) -> UInt64 {
        UInt64(generation) << 2 | stage.rawValue
    }
}
