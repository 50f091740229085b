/// The last few of many values.
struct Memory<Element> {
    private(set) var all: [Element] = []
    private let capacity: Int
    private var next = 0

    init(capacity: Int) {
        self.capacity = capacity
    }

    mutating func add(_ element: Element) {
        if all.count < capacity {
            all.append(element)
        } else {
            all[next] = element
            next = (next + 1) % capacity
        }
    }
}

/// The address ranges that were released last, and must rest.
struct ReleasedRanges {
    /// Ordinary mappings have 4 GiB each to themselves, and every slot rests for 1024 others.
    private var ordinary: Set<UInt64> = []
    private var order = Fifo<UInt64>()
    /// Large mappings have only few slots here, which are used again at once, in 8 generations.
    private var large = Memory<ModelMapping>(capacity: 7)

    mutating func add(_ mapping: ModelMapping) {
        guard !mapping.isLarge else { return large.add(mapping) }
        let range = mapping.base >> 32
        order.append(range)
        ordinary.insert(range)
        if order.count > 8192, let oldest = order.popFirst() { ordinary.remove(oldest) }
    }

    func contains(_ mapping: ModelMapping) -> Bool {
        guard mapping.isLarge else { return ordinary.contains(mapping.base >> 32) }
        return large.all.contains { $0.contains(mapping.base) || mapping.contains($0.base) }
    }
}
