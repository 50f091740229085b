import Tracking

/// A table with its queues, and the shortest way to post one request.
struct Fixture {
    let queues: QueueTable
    let mappings: MappingTable

    init(ownerFences: Bool = false) {
        queues = QueueTable(ownerFences: ownerFences)
        mappings = MappingTable(queues: queues)
    }

    /// Opens a queue for requests of up to four elements.
    func openQueue(depth: Int = 8) -> RequestPoster {
        guard let queue = queues.open(depth: depth, elements: 4) else { fatalError("no queue left") }
        return RequestPoster(queue: queue, depth: depth, mappings: mappings)
    }

    /// A live mapping of `length` bytes at a page boundary.
    func map(length: UInt64 = 4096, key: UInt32 = 7) -> (id: MappingID, base: UInt64) {
        guard let mapping = mappings.reserve(memory: 0x7000_0000_1000, length: length) else {
            fatalError("no address range left")
        }
        mappings.publish(mapping.id, length: length, key: key)
        return mapping
    }

    /// A live mapping of 4 GiB, which needs one of the 4096 slots of large mappings.
    func mapLarge() -> (id: MappingID, base: UInt64) { map(length: 4 << 30) }

    /// Leaves exactly one slot for large mappings, so that each next one gets the slot of the last.
    func exhaustLargeSlots() {
        for _ in 0..<4095 { _ = mapLarge() }
    }

    /// Closes a mapping that is idle, and frees its slot.
    func release(_ id: MappingID) {
        guard mappings.close(id), mappings.isIdle(id) else { fatalError("\(id) is not idle") }
        mappings.retire(id)
    }
}

extension RequestPoster {
    /// Prepares and commits one request that names a byte at each address.
    mutating func post(_ addresses: UInt64...) throws(UseError) -> WireID {
        guard case .inside = enter() else { fatalError("the turnstile is not open") }
        defer { leave() }
        guard begin() else { fatalError("the queue is full") }
        do throws(UseError) {
            for address in addresses { _ = try use(address: address, length: 1) }
        } catch {
            abandon()
            throw error
        }
        return commit(context: 0, tag: 0)
    }
}
