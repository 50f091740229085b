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

/// The addresses of the last mappings, none of which may come back.
struct RecentBases {
    /// False where slots are scarce, and their generations the only difference.
    var isChecked = true
    private var set: Set<UInt64> = []
    private var order = Fifo<UInt64>()

    /// - Returns: false if a recent mapping had the same address.
    mutating func add(_ base: UInt64) -> Bool {
        guard isChecked else { return true }
        order.append(base)
        if order.count > 8192, let oldest = order.popFirst() { set.remove(oldest) }
        return set.insert(base).inserted
    }
}
