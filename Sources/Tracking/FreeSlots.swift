/// The slots that no mapping has, first in first out, so that a released range rests as long as possible.
struct FreeSlots {
    /// A slot is used again only when this many others were freed after it, as long as the table can grow instead.
    static let quarantine = 1024

    private var ordinary = Queue(next: AddressLayout.largeSlots, end: AddressLayout.allSlots)
    private var large = Queue(next: 0, end: AddressLayout.largeSlots)

    mutating func take(_ size: SlotSize, from slots: ChunkedTable<MappingSlot>) -> UInt32? {
        switch size {
        case .ordinary: ordinary.take(from: slots)
        case .large: large.take(from: slots)
        }
    }

    mutating func give(_ index: UInt32, to slots: ChunkedTable<MappingSlot>) {
        if index < AddressLayout.largeSlots {
            large.give(index, to: slots)
        } else {
            ordinary.give(index, to: slots)
        }
    }

    /// One list of free slots, linked through the slots, and the end of the table where unused ones begin.
    private struct Queue {
        var next: UInt32
        let end: UInt32
        var head: UInt32 = 0
        var tail: UInt32 = 0
        var count = 0

        init(next: UInt32, end: UInt32) {
            self.next = next
            self.end = end
        }

        mutating func take(from slots: ChunkedTable<MappingSlot>) -> UInt32? {
            if count <= FreeSlots.quarantine, next < end {
                return takeUnused(from: slots)
            }
            guard count > 0 else { return nil }
            let index = head
            head = unsafe slots.element(at: Int(index))!.pointee.nextFree
            count -= 1
            return index
        }

        private mutating func takeUnused(from slots: ChunkedTable<MappingSlot>) -> UInt32 {
            if unsafe slots.element(at: Int(next)) == nil {
                slots.grow(toHold: Int(next)) { MappingSlot() }
            }
            defer { next += 1 }
            return next
        }

        mutating func give(_ index: UInt32, to slots: ChunkedTable<MappingSlot>) {
            if count == 0 {
                head = index
            } else {
                unsafe slots.element(at: Int(tail))!.pointee.nextFree = index
            }
            tail = index
            count += 1
        }
    }
}
