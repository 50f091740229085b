/// An element of a table whose place is used again.
protocol Reusable: ~Copyable {
    /// The next free element; only the holder of the table's lock looks at it.
    var nextFreeIndex: UInt32 { get }

    /// Changes it, while others may look at the rest of the element.
    func setNextFreeIndex(_ index: UInt32)
}

/// The free elements of a range of a table, first in first out, so that each rests as long as possible.
///
/// What a table's element was used for may still be named by others for a while: by a stale address, by a completion
/// that nobody polled. Generations tell such names apart, but only so many of them; rest makes the generations last.
struct FreeList<Element: Reusable & ~Copyable> {
    /// An element is used again only when more than this many are free, as long as the table can grow instead.
    static var quarantine: Int { 1024 }

    private var unused: Range<UInt32>
    private var head: UInt32 = 0
    private var tail: UInt32 = 0
    private var count = 0

    /// All of them unused.
    init(_ elements: Range<UInt32>) {
        unused = elements
    }

    /// Takes the element that rested longest; `make` creates those of a new chunk.
    ///
    /// - Returns: nil when every element of the range is in use.
    mutating func take(from table: ChunkedTable<Element>, _ make: () -> Element) -> UInt32? {
        if count <= Self.quarantine, let index = unused.first {
            if unsafe table.element(at: index) == nil { table.grow(toHold: index, make) }
            unused.removeFirst()
            return index
        }
        guard count > 0 else { return nil }
        let index = head
        head = unsafe table.element(at: index)!.pointee.nextFreeIndex
        count -= 1
        return index
    }

    /// Gives an element back.
    mutating func give(_ index: UInt32, to table: ChunkedTable<Element>) {
        if count == 0 {
            head = index
        } else {
            unsafe table.element(at: tail)!.pointee.setNextFreeIndex(index)
        }
        tail = index
        count += 1
    }
}
