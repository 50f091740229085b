import Synchronization

/// What still uses a mapping.
package struct MappingHolders: Hashable, Sendable {
    /// Each queue that has not completed past its last use, and how many requests it has to complete until then.
    package var queues: [QueueID: UInt64] = [:]
    /// Bound windows.
    package var windows = 0
    /// Uses by requests that complete in no order, or whose queue found no fence free.
    package var countedUses = 0

    /// Whether nothing does.
    package var isEmpty: Bool { queues.isEmpty && windows == 0 && countedUses == 0 }
}

extension MappingTable {
    /// Whether nothing has used a closed mapping since its slot was last cleared; no barrier is needed to ask.
    ///
    /// The first use of a mapping by a queue is a compare and exchange with a fence behind it, unlike the later ones.
    /// With the fence here, either this sees the use, or the user sees that the mapping is closed.
    package func isUntouched(_ id: MappingID) -> Bool {
        let slot = unsafe slot(of: id, in: .closing)
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        guard unsafe slot.pointee.windows.load(ordering: .acquiring) == 0,
            unsafe slot.pointee.counted.load(ordering: .acquiring) == 0
        else { return false }
        for index in 0..<MappingSlot.fenceCount
        where unsafe slot.pointee.fences[index].queue.load(ordering: .acquiring) != 0 {
            return false
        }
        return true
    }

    /// Whether no request and no window uses a closed mapping any more.
    ///
    /// The caller has issued its barrier since the mapping was closed. From then on every request that names the
    /// mapping has left its fence here, and no other can: "no" may be a moment old, "yes" is final.
    package func isIdle(_ id: MappingID) -> Bool {
        unsafe isIdle(at: slot(of: id, in: .closing))
    }

    /// The same for the slot of a mapping that is closed.
    @inline(__always)
    func isIdle(at slot: UnsafeMutablePointer<MappingSlot>) -> Bool {
        guard unsafe slot.pointee.windows.load(ordering: .acquiring) == 0,
            unsafe slot.pointee.counted.load(ordering: .acquiring) == 0
        else { return false }
        for index in 0..<MappingSlot.fenceCount {
            guard unsafe remaining(slot.pointee.fences[index]).count == 0 else { return false }
        }
        return true
    }

    /// The queue which took a fence, and how many requests it must complete until it is past it.
    private func remaining(_ fence: borrowing Fence) -> (owner: QueueID, count: UInt64) {
        let owner = QueueID(raw: fence.queue.load(ordering: .acquiring))
        guard let state = unsafe queues.state(of: owner) else { return (owner, 0) }
        let position = fence.position.load(ordering: .acquiring)
        // A fence beyond `posted` is of a request that was abandoned or withdrawn; an earlier one may have been there.
        let last = unsafe min(position, state.pointee.posted.load(ordering: .acquiring))
        let completed = unsafe state.pointee.completed.load(ordering: .acquiring)
        return (owner, last > completed ? last - completed : 0)
    }

    /// Whether something seems to use a mapping at this moment: without a barrier, for a first look.
    package func isInUse(_ id: MappingID) -> Bool {
        guard let slot = unsafe slots.element(at: id.slot) else { return false }
        if unsafe slot.pointee.windows.load(ordering: .relaxed) + slot.pointee.counted.load(ordering: .relaxed) > 0 {
            return true
        }
        for index in 0..<MappingSlot.fenceCount {
            if unsafe remaining(slot.pointee.fences[index]).count > 0 { return true }
        }
        return false
    }

    /// What uses a mapping at this moment; nothing for a stale identifier.
    package func holders(of id: MappingID) -> MappingHolders {
        var holders = MappingHolders()
        guard let slot = unsafe slots.element(at: id.slot),
            unsafe slot.pointee.lifecycle.load(ordering: .acquiring) >> 2 == UInt64(id.generation)
        else { return holders }
        unsafe holders.windows = Int(slot.pointee.windows.load(ordering: .acquiring))
        unsafe holders.countedUses = Int(slot.pointee.counted.load(ordering: .acquiring))
        for index in 0..<MappingSlot.fenceCount {
            let (owner, count) = unsafe remaining(slot.pointee.fences[index])
            if count > 0 { holders.queues[owner] = count }
        }
        return holders
    }
}
