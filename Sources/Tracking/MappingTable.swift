import Synchronization

/// All mappings of one adapter, and for each the question: may it go?
///
/// The table knows nothing about devices. It hands out logical addresses, remembers which queue used which mapping
/// last, and answers. A mapping passes through
///
/// ```
/// reserve -> publish -> close -> (barrier) -> isIdle, again and again -> retire
/// ```
///
/// Between `close` and the first `isIdle` the caller issues a barrier that every posting thread takes part in
/// (`membarrier(2)`). A post stores its fence and then looks at the mapping; a release closes the mapping and then
/// looks at the fences. With the barrier in between, one of the two sees the other, and a post costs no fence
/// instruction of its own.
package final class MappingTable: Sendable {
    let slots: ChunkedTable<MappingSlot>
    let queues: QueueTable
    private let free: Mutex<FreeSlots>

    /// Creates an empty table whose mappings are used by the queues of `queues`.
    package init(queues: QueueTable) {
        slots = ChunkedTable(capacity: Int(AddressLayout.allSlots))
        self.queues = queues
        free = Mutex(FreeSlots())
    }

    /// Gives `memory` a range of logical addresses that nothing else has.
    ///
    /// The range is not usable yet: memory is registered at exactly this address, then the mapping is published.
    /// - Returns: nil when every slot of the size is taken, or the range is longer than 128 TiB.
    package func reserve(memory: UInt64, length: UInt64) -> (id: MappingID, base: UInt64)? {
        guard let size = AddressLayout.size(memory: memory, length: length),
            let index = free.withLock({ $0.take(size, from: slots) })
        else { return nil }
        let slot = unsafe slots.element(at: Int(index))!
        let generation = unsafe UInt32(slot.pointee.lifecycle.load(ordering: .relaxed) >> 2) &+ 1
        let id = MappingID(slot: index, generation: generation)
        let base = AddressLayout.base(slot: index, generation: generation, memory: memory)
        unsafe slot.pointee.base.store(base, ordering: .relaxed)
        unsafe slot.pointee.lifecycle.store(id.lifecycle(.reserved), ordering: .relaxed)
        return (id, base)
    }

    /// Lets requests name the mapping.
    package func publish(_ id: MappingID, length: UInt64, key: UInt32) {
        let slot = unsafe slot(of: id, in: .reserved)
        unsafe slot.pointee.key.store(key, ordering: .relaxed)
        unsafe slot.pointee.lifecycle.store(id.lifecycle(.live), ordering: .relaxed)
        unsafe slot.pointee.length.store(length, ordering: .releasing)
    }

    /// Gives a reserved range back without ever having published it.
    package func cancel(_ id: MappingID) {
        recycle(id, from: .reserved)
    }

    /// Refuses the mapping to every later request.
    ///
    /// - Returns: false if the identifier is stale: closed before, or of a mapping that is long gone.
    package func close(_ id: MappingID) -> Bool {
        guard let slot = unsafe slots.element(at: Int(id.slot)) else { return false }
        let closed = unsafe slot.pointee.lifecycle.compareExchange(
            expected: id.lifecycle(.live), desired: id.lifecycle(.closing), ordering: .acquiringAndReleasing)
        guard closed.exchanged else { return false }
        unsafe slot.pointee.length.store(0, ordering: .releasing)
        return true
    }

    /// Undoes `close` for a mapping whose owner keeps it after all; its addresses work as before.
    package func reopen(_ id: MappingID, length: UInt64) {
        let slot = unsafe slot(of: id, in: .closing)
        unsafe slot.pointee.lifecycle.store(id.lifecycle(.live), ordering: .relaxed)
        unsafe slot.pointee.length.store(length, ordering: .releasing)
    }

    /// Frees the slot of a closed mapping whose memory is unmapped.
    package func retire(_ id: MappingID) {
        recycle(id, from: .closing)
    }

    private func recycle(_ id: MappingID, from stage: Stage) {
        let slot = unsafe slot(of: id, in: stage)
        for index in 0..<MappingSlot.fenceCount {
            unsafe slot.pointee.fences[index].queue.store(0, ordering: .relaxed)
        }
        unsafe slot.pointee.lifecycle.store(id.lifecycle(.free), ordering: .releasing)
        free.withLock { $0.give(id.slot, to: slots) }
    }

    /// The slot of a mapping in the stage where the caller must have it.
    func slot(of id: MappingID, in stage: Stage) -> UnsafeMutablePointer<MappingSlot> {
        guard let slot = unsafe slots.element(at: Int(id.slot)),
            unsafe slot.pointee.lifecycle.load(ordering: .acquiring) == id.lifecycle(stage)
        else { fatalError("MappingTable: \(id) is not \(stage)") }
        return unsafe slot
    }
}
