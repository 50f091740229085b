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
/// instruction of its own. Where there is no such barrier, `QueueTable` is created with fences and none is needed.
@usableFromInline
package final class MappingTable: Sendable {
    /// Where each mapping is, by the slot that its address and its identifier name.
    package let slots: ChunkedTable<MappingSlot>
    /// The queues whose requests name the mappings.
    @usableFromInline let queues: QueueTable
    /// The shared receive queues whose requests name them.
    package let sharedQueues = SharedQueueTable()
    /// What no request asks for, by slot.
    let backgrounds = ChunkedTable<Background>()
    private let free = Locked(FreeSlots())
    /// Held by whoever reads or changes what the backgrounds say of cuts.
    let divisions = Locked(())

    /// What is known of the memory of a mapping besides where the device finds it.
    struct Background: ~Copyable {
        /// Where it is in this process.
        let memory = Atomic<UInt64>(0)
        /// Who finds the cuts that it is divided into.
        var divider: (any MemoryDivider)?
    }

    private struct FreeSlots {
        var ordinary = FreeList<MappingSlot>(AddressLayout.ordinarySlots)
        var large = FreeList<MappingSlot>(AddressLayout.largeSlots)
    }

    /// How many mappings there can be at a time.
    package static var capacity: Int { AddressLayout.largeSlots.count + AddressLayout.ordinarySlots.count }

    /// The most bytes that one mapping can have, wherever in a page its memory begins.
    package static var longestMapping: UInt64 { AddressLayout.longestMapping }

    /// Creates an empty table whose mappings are used by the queues of `queues`.
    package init(queues: QueueTable) {
        slots = ChunkedTable()
        self.queues = queues
    }

    /// Gives `memory` a range of logical addresses that nothing else has.
    ///
    /// The range is not usable yet: memory is registered at exactly this address, then the mapping is published.
    /// - Returns: nil when every slot of the size is taken, or the range is longer than 128 TiB.
    package func reserve(memory: UInt64, length: UInt64) -> (id: MappingID, base: UInt64)? {
        guard let size = AddressLayout.size(memory: memory, length: length), let index = takeSlot(size, memory: memory)
        else {
            return nil
        }
        let slot = unsafe slots.element(at: index)!
        let generation = unsafe UInt32(slot.pointee.lifecycle.load(ordering: .relaxed) >> 2) &+ 1
        let id = MappingID(slot: index, generation: generation)
        let address = AddressLayout.base(slot: index, generation: generation, memory: memory)
        unsafe slot.pointee.address = address
        unsafe slot.pointee.lifecycle.store(id.lifecycle(.reserved), ordering: .relaxed)
        return (id, address)
    }

    /// Takes a slot for memory that begins at an address of this process.
    func takeSlot(_ size: SlotSize, memory: UInt64) -> UInt32? {
        free.withLock { free in
            let index =
                switch size {
                case .ordinary: free.ordinary.take(from: slots) { MappingSlot() }
                case .large: free.large.take(from: slots) { MappingSlot() }
                }
            guard let index else { return nil }
            if unsafe backgrounds.element(at: index) == nil { backgrounds.grow(toHold: index) { Background() } }
            unsafe backgrounds.element(at: index)!.pointee.memory.store(memory, ordering: .relaxed)
            return index
        }
    }

    /// Lets requests name the mapping.
    ///
    /// - Parameters:
    ///   - id: the mapping, whose range is reserved.
    ///   - length: how many bytes of the range are mapped.
    ///   - device: how the device knows the first of them.
    ///   - isWritable: whether the device may write to them.
    /// - Returns: where it is, until it is closed.
    @discardableResult
    package func publish(
        _ id: MappingID, length: UInt64, device: KeyedAddress, isWritable: Bool = true
    ) -> MappingPlace {
        let slot = unsafe slot(of: id, in: .reserved)
        unsafe slot.pointee.writable.store(isWritable ? 1 : 0, ordering: .relaxed)
        unsafe slot.pointee.key.store(device.key, ordering: .relaxed)
        unsafe slot.pointee.device.store(device.address, ordering: .relaxed)
        unsafe slot.pointee.open(id, length: length, at: slot.pointee.address)
        return unsafe MappingPlace(slot, length: length)
    }

    /// The same for memory that the device knows by its logical address.
    @discardableResult
    package func publish(_ id: MappingID, length: UInt64, key: UInt32, isWritable: Bool = true) -> MappingPlace {
        let address = unsafe slot(of: id, in: .reserved).pointee.address
        return publish(
            id, length: length, device: KeyedAddress(address: address, key: key), isWritable: isWritable)
    }

    /// Lets no request name a byte of a published mapping, which nobody was told of, for good.
    ///
    /// It is released like any other.
    package func hide(_ id: MappingID) {
        unsafe slot(of: id, in: .live).pointee.length.store(0, ordering: .relaxed)
    }

    /// Gives a reserved range back without ever having published it.
    package func cancel(_ id: MappingID) {
        recycle(id, from: .reserved)
    }

    /// Refuses the mapping to every later request.
    ///
    /// - Returns: false if the identifier is stale: closed before, or of a mapping that is long gone.
    package func close(_ id: MappingID) -> Bool {
        guard let slot = unsafe slots.element(at: id.slot) else { return false }
        return unsafe slot.pointee.close(id, fence: queues.ownerFences)
    }

    /// Undoes `close` for a mapping whose owner keeps it after all; its addresses work as before.
    package func reopen(_ id: MappingID, length: UInt64) {
        let slot = unsafe slot(of: id, in: .closing)
        unsafe slot.pointee.open(id, length: length, at: slot.pointee.address)
    }

    /// Frees the slot of a closed mapping whose memory is unmapped.
    package func retire(_ id: MappingID) {
        recycle(id, from: .closing)
    }

    func recycle(_ id: MappingID, from stage: Stage) {
        let slot = unsafe slot(of: id, in: stage)
        unsafe slot.pointee.clearFences(in: queues)
        unsafe slot.pointee.lifecycle.store(id.lifecycle(.free), ordering: .releasing)
        free.withLock { free in
            if AddressLayout.largeSlots.contains(id.slot) {
                free.large.give(id.slot, to: slots)
            } else {
                free.ordinary.give(id.slot, to: slots)
            }
        }
    }

    /// The slot of a mapping in the stage where the caller must have it.
    func slot(of id: MappingID, in stage: Stage) -> UnsafeMutablePointer<MappingSlot> {
        guard let slot = unsafe slots.element(at: id.slot),
            unsafe slot.pointee.lifecycle.load(ordering: .acquiring) == id.lifecycle(stage)
        else { Self.trap(id, notIn: stage) }
        return unsafe slot
    }

    // Apart, because putting the message together takes registers also where it is not needed.
    @inline(never)
    private static func trap(_ id: MappingID, notIn stage: Stage) -> Never {
        fatalError("MappingTable: \(id) is not \(stage)")
    }
}
