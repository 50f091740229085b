public import Synchronization

/// A slot that its owner maps again and again, over a part of memory that stays registered.
///
/// To whoever posts, a cut is a mapping like any other: it has addresses and fences of its own, and an address of the
/// last time misses it. What differs is that the device knows its memory by other addresses, those of the
/// registration that it was cut from, and that nobody but its owner opens and closes it, without the table:
///
/// ```
/// reserveCut -> open -> close -> (barrier) -> settle, again and again -> open ... -> retire
/// ```
///
/// The calls of one cut are serialized by its owner; posting, binding and asking run beside them.
/// - Complexity: opening and closing are a few stores to one cut's memory, which takes no lock and no shared atomic.
// Sendable: an element stays where it is as long as the table; its owner serializes what does not guard itself.
@usableFromInline @safe
package struct Cut: @unchecked Sendable {
    @usableFromInline let slot: UnsafeMutablePointer<MappingSlot>
    @usableFromInline let index: UInt32

    init(_ slot: UnsafeMutablePointer<MappingSlot>, at index: UInt32) {
        unsafe self.slot = unsafe slot
        self.index = index
    }

    /// The mapping that the cut is, or was when it was open last.
    @inlinable @inline(__always)
    package var id: MappingID { MappingID(slot: index, generation: generation) }

    @inlinable @inline(__always)
    var generation: UInt32 { UInt32(truncatingIfNeeded: lifecycle >> 2) }

    @inlinable @inline(__always)
    var lifecycle: UInt64 { unsafe slot.pointee.lifecycle.load(ordering: .relaxed) }

    /// Where the cut is, while it is open.
    @inlinable @inline(__always)
    package var place: MappingPlace { unsafe MappingPlace(slot, length: length) }

    /// Lets requests name the first `length` bytes, at addresses that the cut never had before.
    @discardableResult @inlinable @inline(__always)
    package func open(length: UInt64) -> MappingPlace {
        let former = lifecycle
        guard former & 3 != Stage.live.rawValue else { complain("open already") }
        open(MappingID(slot: index, generation: UInt32(truncatingIfNeeded: former >> 2) &+ 1), length: length)
        return unsafe MappingPlace(slot, length: length)
    }

    @inlinable @inline(__always)
    func open(_ id: MappingID, length: UInt64) {
        let address = unsafe AddressLayout.cutBase(slot: id.slot, generation: id.generation, slot.pointee.cutLayout)
        unsafe slot.pointee.open(id, length: length, at: address)
    }

    /// Refuses the cut to every later request.
    @inlinable @inline(__always)
    package func close() {
        let former = lifecycle
        guard former & 3 == Stage.live.rawValue else { complain("closed already") }
        unsafe slot.pointee.refuse()
        unsafe slot.pointee.lifecycle.store(former ^ Stage.live.rawValue | Stage.closing.rawValue, ordering: .releasing)
    }

    @usableFromInline @inline(never)
    func complain(_ problem: StaticString) -> Never {
        fatalError("Cut: \(id) is \(problem)")
    }

    /// Undoes `close` for an owner who keeps the cut after all; its addresses work as before.
    package func reopen(length: UInt64) {
        open(id, length: length)
    }

    /// Where the cut is in its life.
    var stage: Stage {
        Stage(rawValue: lifecycle & 3)!
    }

    /// Whether requests may name it.
    @inlinable @inline(__always)
    package var isOpen: Bool {
        lifecycle & 3 == Stage.live.rawValue
    }

    /// Whether a closed cut may be opened at once for the same memory, in use or not.
    ///
    /// What used it last keeps it in use then, together with what uses it next: each queue's fence only moves on, and
    /// requests are counted by the slot. Windows name the mapping they are bound over, which must stay until they go.
    @inlinable @inline(__always)
    package var mayReopen: Bool { unsafe slot.pointee.windows.load(ordering: .acquiring) == 0 }

    /// Whether no queue has a fence here and nothing else uses the cut: what `isIdle` says of one that was not posted.
    @inlinable @inline(__always)
    package var isUntouched: Bool {
        var users = unsafe UInt64(
            slot.pointee.windows.load(ordering: .acquiring) | slot.pointee.counted.load(ordering: .acquiring))
        for fence in 0..<MappingSlot.fenceCount {
            users |= unsafe slot.pointee.fences[fence].queue.load(ordering: .acquiring)
        }
        return users == 0
    }

    /// How many bytes requests may name; zero while it is closed.
    @inlinable @inline(__always)
    package var length: UInt64 { unsafe slot.pointee.length.load(ordering: .relaxed) }
}

/// Who divides the memory of a mapping into cuts.
package protocol MemoryDivider: AnyObject, Sendable {
    /// The cuts that the device knows by an address.
    func cuts(at address: UInt64) -> [Cut]
}

extension MappingTable {
    /// The most bytes that a cut can have.
    package static var longestCut: UInt64 { AddressLayout.longestCut }

    /// Takes a slot for a part of registered memory.
    ///
    /// - Parameters:
    ///   - memory: the address of the first byte in this process.
    ///   - room: how many bytes the part has.
    ///   - device: where the device finds it.
    ///   - isWritable: whether the device may write to it.
    /// - Returns: a cut that was never open; nil when every slot is taken, or the part is longer than 1 GiB.
    package func reserveCut(
        memory: UInt64, room: UInt64, device: KeyedAddress, isWritable: Bool = true
    ) -> Cut? {
        guard room <= Self.longestCut, let index = takeSlot(.ordinary, memory: memory) else { return nil }
        let slot = unsafe slots.element(at: index)!
        let generation = unsafe UInt32(truncatingIfNeeded: slot.pointee.lifecycle.load(ordering: .relaxed) >> 2)
        unsafe slot.pointee.cutLayout = CutLayout(memory: memory, room: room)
        unsafe slot.pointee.device.store(device.address, ordering: .relaxed)
        unsafe slot.pointee.key.store(device.key, ordering: .relaxed)
        unsafe slot.pointee.writable.store(isWritable ? 1 : 0, ordering: .relaxed)
        let id = MappingID(slot: index, generation: generation)
        unsafe slot.pointee.lifecycle.store(id.lifecycle(.reserved), ordering: .relaxed)
        return unsafe Cut(slot, at: index)
    }

    /// Whether nothing uses a closed cut any more, so that it may be opened for another use.
    ///
    /// As with `isIdle`, the caller has issued its barrier since the cut was closed. Fences stay with their queues, which
    /// are likely to use the cut again; only when there is none left for another queue they are taken away.
    package func settle(_ cut: Cut) -> Bool {
        guard isIdle(cut) else { return false }
        if unsafe cut.slot.pointee.fences[MappingSlot.fenceCount - 1].queue.load(ordering: .relaxed) != 0 {
            unsafe cut.slot.pointee.clearFences(in: queues)
        }
        return true
    }

    /// Whether nothing uses a closed cut any more; the caller has issued its barrier since it was closed.
    package func isIdle(_ cut: Cut) -> Bool {
        unsafe isIdle(at: cut.slot)
    }

    /// Frees the slot of a cut that is settled or was never open.
    package func retire(_ cut: Cut) {
        recycle(cut.id, from: cut.stage == .reserved ? .reserved : .closing)
    }

    // MARK: The device's addresses

    /// Says who divides the memory of a mapping into cuts; it is kept until `undivide`.
    package func divide(_ id: MappingID, by divider: any MemoryDivider) {
        divisions.withLock { _ in unsafe backgrounds.element(at: id.slot)!.pointee.divider = divider }
    }

    /// Forgets what `divide` was told.
    package func undivide(_ id: MappingID) {
        divisions.withLock { _ in unsafe backgrounds.element(at: id.slot)!.pointee.divider = nil }
    }

    /// Shows the slot of each mapping that has an address, which may be the device's.
    func forEachSlot(behind address: UInt64, _ body: (UnsafeMutablePointer<MappingSlot>) -> Void) {
        let index = AddressLayout.slot(of: address)
        if let cuts = divisions.withLock({ _ in
            unsafe backgrounds.element(at: index)?.pointee.divider?.cuts(at: address)
        }) {
            for cut in cuts { unsafe body(cut.slot) }
        } else if let slot = unsafe slots.element(at: index) {
            unsafe body(slot)
        }
    }
}
