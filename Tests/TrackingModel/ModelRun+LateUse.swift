import Synchronization
import Tracking

/// A use of a mapping whose poster lost its processor in the middle of `RequestPoster.use`.
///
/// It found the mapping live. Whatever happens to the mapping and its slot until it goes on, it claims its fence,
/// writes its position, and looks again, each in a step of its own.
struct LateUse {
    let mapping: ModelMapping
    var fence: Int?
}

extension ModelRun {
    /// Stops a poster after its first look at a mapping.
    func beginLateUse(on queue: ModelQueue) -> Bool {
        // Slots for large mappings are used again at once, so that the next mapping is there when the poster is back.
        let live = mappings.filter { $0.stage == .live }
        guard let mapping = random.pick(live.filter(\.isLarge)) ?? random.pick(live) else { return false }
        queue.lateUse = LateUse(mapping: mapping)
        return true
    }

    /// Lets a late poster do its next step, if it has its processor back.
    ///
    /// - Returns: false once its request is over or goes on as others do.
    func continueLateUse(on queue: ModelQueue, patience: Int) throws(Violation) -> Bool {
        guard let use = queue.lateUse else { return false }
        guard let fence = use.fence else { return claimLateFence(of: use, on: queue) }
        guard random.chance(patience) else { return true }
        queue.lateUse = nil
        let base = driver.moveFence(fence, in: use.mapping.id.slot, of: queue)
        let occupant = mappings.first { $0.id.slot == use.mapping.id.slot }
        // Large slots have only 8 generations: a ninth mapping has the address that the poster saw.
        if let occupant, occupant.stage == .live, occupant.base == use.mapping.base {
            try require(base == occupant.base, "a late poster found live \(occupant.id) closed")
            note(occupant, in: queue.preparing)
        } else {
            try require(base != use.mapping.base, "a late poster found \(use.mapping.id) live")
            events.add(.lateUseRefused)
            abandon(queue)
        }
        if let occupant { try checkHolders(of: occupant) }
        return false
    }

    private func claimLateFence(of use: LateUse, on queue: ModelQueue) -> Bool {
        events.add(.lateUse)
        queue.lateUse?.fence = driver.claimFence(in: use.mapping.id.slot, for: queue.id)
        mappings.first { $0.id.slot == use.mapping.id.slot }?.hasLooseFences = true
        guard queue.lateUse?.fence == nil else { return true }
        queue.lateUse = nil
        abandon(queue)
        return false
    }
}

extension Driver {
    /// The first half of `RequestPoster.use`: the queue's fence, an old one or a new one.
    func claimFence(in slot: UInt32, for queue: QueueID) -> Int? {
        guard let slot = unsafe mappings.slots.element(at: slot) else { return nil }
        let own = (0..<4).first { unsafe slot.pointee.fences[$0].queue.load(ordering: .relaxed) == queue.raw }
        return unsafe own ?? slot.pointee.claimFence(for: queue, in: queues)
    }

    /// The second half: the position is written, and the slot's address read again.
    func moveFence(_ fence: Int, in slot: UInt32, of queue: ModelQueue) -> UInt64 {
        guard let slot = unsafe mappings.slots.element(at: slot) else { return 0 }
        unsafe slot.pointee.fences[fence].position.store(queue.poster.posted, ordering: .releasing)
        return unsafe slot.pointee.base.load(ordering: .acquiring)
    }
}
