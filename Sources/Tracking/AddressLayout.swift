/// How a logical address is made of a mapping's slot, the slot's generation and an offset.
///
/// An address names its slot, so that finding the mapping behind a scatter/gather element is a shift and a table
/// load. It also carries the low bits of the slot's generation, so that an address of a released mapping misses the
/// mapping which took over its slot.
///
/// ```
/// bit 63   62   61                52 51                  32 31             0
///      0 |  0 |    generation 10    |        slot 20       |    offset 32    |   ordinary mapping
///      0 |  1 | generation 3 (61-59) | slot 12 (58-47) |    offset 47        |   mapping of more than 3 GiB
///      0 |  0 |    generation 10    |        slot 20       | generation, offset |   cut, see `cutBase`
/// ```
///
/// The top bit stays clear because `NDK_LOGICAL_ADDRESS` is signed. The offset begins at the memory's own address
/// modulo 1 GiB: verbs require equal page offsets, and an adapter can then use huge translation entries wherever the
/// memory has huge pages. The end of an offset range is never handed out, which leaves the gap that keeps two
/// mappings from being adjacent (rule L9).
@usableFromInline
package enum AddressLayout {
    /// The slots of large mappings; every other slot holds an ordinary one.
    static let largeSlots: Range<UInt32> = 0..<1 << 12
    static let ordinarySlots: Range<UInt32> = 1 << 12..<1 << 20

    /// No host page is larger, so one guard serves on every machine.
    static let guardBytes: UInt64 = 64 << 10

    /// What an offset range holds behind any start, less the guard: 1 GiB and 64 KiB less than 128 TiB.
    static var longestMapping: UInt64 { (1 << 47) - guardBytes - (1 << 30) }

    private static let largeBit: UInt64 = 1 << 62
    private static let startMask: UInt64 = (1 << 30) - 1

    /// The slot that an address names; it need not be in use.
    @inlinable @inline(__always)
    package static func slot(of address: UInt64) -> UInt32 {
        address & 1 << 62 == 0
            ? UInt32(truncatingIfNeeded: address >> 32) & 0xF_FFFF
            : UInt32(truncatingIfNeeded: address >> 47) & 0xFFF
    }

    /// Which kind of slot a mapping needs; nil if no slot can hold it.
    static func size(memory: UInt64, length: UInt64) -> SlotSize? {
        let (end, overflow) = (memory & startMask).addingReportingOverflow(length)
        guard !overflow else { return nil }
        if end <= (1 << 32) - guardBytes { return .ordinary }
        return end <= (1 << 47) - guardBytes ? .large : nil
    }

    /// The logical address of the first byte of `memory` in a slot.
    static func base(slot: UInt32, generation: UInt32, memory: UInt64) -> UInt64 {
        let start = memory & startMask
        return largeSlots.contains(slot)
            ? largeBit | UInt64(generation & 0x7) << 59 | UInt64(slot) << 47 | start
            : UInt64(generation & 0x3FF) << 52 | UInt64(slot) << 32 | start
    }

    // MARK: Cuts

    /// The most bytes that a cut can have: its offsets, which begin within the first 64 KiB, need 31 bits at most.
    static let longestCut: UInt64 = 1 << 30

    /// The logical address of the first byte of a cut.
    ///
    /// A device never sees it, so nothing but the offset within a page has to be the memory's. The bits between the
    /// cut's bytes and the offset's top bit, which stays clear for the gap behind the mapping, are the generation's: a
    /// cut is mapped again within microseconds, and 10 bits would soon be used up.
    @inlinable @inline(__always)
    static func cutBase(slot: UInt32, generation: UInt32, _ layout: CutLayout) -> UInt64 {
        let upper = UInt64(generation >> 10) &<< UInt64(layout.generationShift) & 0x7FFF_FFFF
        return UInt64(generation & 0x3FF) << 52 | UInt64(slot) << 32 | upper | UInt64(layout.start)
    }
}

/// What the addresses of a cut are made of besides slot and generation.
@usableFromInline
struct CutLayout {
    /// Where the memory begins within 64 KiB.
    @usableFromInline let start: UInt16
    /// Where the upper bits of the generation begin: above the last byte.
    @usableFromInline let generationShift: UInt16

    /// A slot that has no cut.
    init() {
        (start, generationShift) = (0, 0)
    }

    /// A cut of up to `room` bytes.
    init(memory: UInt64, room: UInt64) {
        start = UInt16(truncatingIfNeeded: memory)
        generationShift = UInt16(64 - (AddressLayout.guardBytes + room - 1).leadingZeroBitCount)
    }
}

/// The two kinds of slots.
enum SlotSize {
    case ordinary
    case large
}
