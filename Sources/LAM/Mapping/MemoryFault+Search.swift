/// Looks for the first fault of a range in a list of memory areas that arrives in pieces.
package struct MemoryFaultSearch {
    /// What is known so far.
    private enum State {
        /// Everything below `next` is as it must be; more areas are needed.
        case searching
        /// The answer is known: the fault, or that there is none.
        case decided(MappingError?)
    }

    private var state = State.searching
    private var next: UInt
    private let end: UInt
    private let writable: Bool
    private var parser = MemoryAreaParser()

    /// Looks in `chain` for what is not mapped, not readable or, if the mapping is to be `writable`, not writable.
    package init(_ chain: MemoryChain, writable: Bool) {
        // A chain's end is within the address space.
        self.next = chain.address
        self.end = chain.address + UInt(chain.length)
        self.writable = writable
    }

    /// Takes the next piece of the list, cut anywhere; returns whether another piece is needed.
    package mutating func feed(_ bytes: Span<UInt8>) -> Bool {
        for index in bytes.indices {
            switch parser.take(bytes[index]) {
            case .incomplete: continue
            case .malformed: state = .decided(nil)
            case .area(let area): visit(area)
            }
            guard case .searching = state else { return false }
        }
        return true
    }

    /// The fault, now that the list is at its end or enough of it was seen; nil if there is none.
    package consuming func finish() -> MappingError? {
        switch state {
        case .searching: .unmapped(address: next)
        case .decided(let fault): fault
        }
    }

    /// Goes on to the end of an area; areas come in ascending order and do not overlap.
    private mutating func visit(_ area: MemoryArea) {
        guard area.end > next else { return }
        if let fault = fault(in: area) {
            state = .decided(fault)
        } else if area.end >= end {
            state = .decided(nil)
        } else {
            next = area.end
        }
    }

    private func fault(in area: MemoryArea) -> MappingError? {
        if area.start > next { return .unmapped(address: next) }
        if writable { return area.isWritable ? nil : .notWritable(address: next) }
        return area.isReadable ? nil : .notReadable(address: next)
    }
}
