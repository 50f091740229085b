import LAM
import Tracking

/// How a program names a mapping: the `AdapterContext` of its `NDK_LOGICAL_ADDRESS_MAPPING`.
///
/// It tells mappings apart for good, also those of different adapters, so that a release of what was released before is
/// found out.
struct MappingHandle {
    private let value: UInt64

    init(_ id: MappingID, of adapter: AdapterObject) {
        value = UInt64(adapter.number & 0xFFF) << 52 | UInt64(id.slot) << 32 | UInt64(id.generation)
    }

    var pointer: UnsafeMutableRawPointer? { unsafe UnsafeMutableRawPointer(bitPattern: UInt(value)) }

    /// The mapping that a program names; nil if it is not one of the adapter's.
    static func mapping(_ context: ProgramPointer, of adapter: AdapterObject) -> MappingID? {
        let value = unsafe UInt64(UInt(bitPattern: context.value))
        guard value >> 52 == UInt64(adapter.number & 0xFFF) else { return nil }
        return MappingID(slot: UInt32(value >> 32 & 0xF_FFFF), generation: UInt32(truncatingIfNeeded: value))
    }
}
