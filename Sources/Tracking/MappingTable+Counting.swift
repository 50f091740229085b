import Synchronization

/// A use that no queue's timeline can express, and that is counted instead.
enum CountedUse {
    /// A window bound over the mapping: a peer's access through it is invisible here.
    case window
    /// An element of a request of a shared receive queue, or of a queue that found no fence free.
    case request
}

extension MappingSlot {
    /// Counts a use, before looking whether the mapping is live: a release that does not see the use is seen here.
    func hold(_ use: CountedUse) {
        switch use {
        case .window: windows.wrappingAdd(1, ordering: .sequentiallyConsistent)
        case .request: counted.wrappingAdd(1, ordering: .sequentiallyConsistent)
        }
    }

    /// Ends a use; whoever sees the count also sees that the device is done with the memory.
    func drop(_ use: CountedUse) {
        let before =
            switch use {
            case .window: windows.wrappingSubtract(1, ordering: .releasing).oldValue
            case .request: counted.wrappingSubtract(1, ordering: .releasing).oldValue
            }
        guard before > 0 else { fatalError("MappingTable: a \(use) was dropped that is not held") }
    }
}

extension MappingTable {
    /// Notes that a window is about to be bound over the mapping at `address`.
    ///
    /// - Parameters:
    ///   - address: of the first byte.
    ///   - length: how many bytes.
    ///   - isWritten: whether the peer may write.
    /// - Returns: the mapping, to be given to `dropWindow` when the window is certainly dead, and where the device
    ///   finds the memory.
    /// - Throws: why there can be no window; nothing is held then.
    package func holdWindow(
        address: UInt64, length: UInt64, isWritten: Bool = true
    ) throws(UseError) -> (id: MappingID, memory: KeyedAddress) {
        try hold(.window, address: address, length: length, isWritten: isWritten)
    }

    /// Notes that a window over the mapping can no longer be used by a peer.
    package func dropWindow(_ id: MappingID) {
        // The window itself keeps the slot from being freed, so a stale identifier was dropped before.
        guard let slot = unsafe slots.element(at: id.slot),
            unsafe slot.pointee.lifecycle.load(ordering: .relaxed) >> 2 == UInt64(id.generation)
        else { fatalError("MappingTable: no window holds \(id)") }
        unsafe slot.pointee.drop(.window)
    }

    /// Notes that one element of a request names the mapping at `address`, where requests complete in no order: in a
    /// shared receive queue.
    ///
    /// - Returns: the mapping, which `SharedPlace` keeps until the request is retired, and where the device finds the
    ///   memory.
    package func holdRequest(
        address: UInt64, length: UInt64
    ) throws(UseError) -> (id: MappingID, memory: KeyedAddress) {
        try hold(.request, address: address, length: length, isWritten: true)
    }

    private func hold(
        _ use: CountedUse, address: UInt64, length: UInt64, isWritten: Bool
    ) throws(UseError) -> (id: MappingID, memory: KeyedAddress) {
        guard let slot = unsafe slots.element(at: AddressLayout.slot(of: address)) else { throw .unmapped }
        unsafe slot.pointee.hold(use)
        do throws(UseError) {
            return try unsafe liveMapping(at: slot, address: address, length: length, isWritten: isWritten)
        } catch {
            unsafe slot.pointee.drop(use)
            throw error
        }
    }

    private func liveMapping(
        at slot: UnsafeMutablePointer<MappingSlot>, address: UInt64, length: UInt64, isWritten: Bool
    ) throws(UseError) -> (id: MappingID, memory: KeyedAddress) {
        let offset = unsafe address &- slot.pointee.base.load(ordering: .sequentiallyConsistent)
        let mapped = unsafe slot.pointee.length.load(ordering: .relaxed)
        guard offset < mapped else { throw .unmapped }
        guard length <= mapped - offset else { throw .beyondEnd }
        if isWritten { guard unsafe slot.pointee.writable.load(ordering: .relaxed) != 0 else { throw .notWritable } }
        let id = unsafe MappingID(
            slot: AddressLayout.slot(of: address),
            generation: UInt32(truncatingIfNeeded: slot.pointee.lifecycle.load(ordering: .relaxed) >> 2))
        return unsafe (
            id,
            KeyedAddress(
                address: slot.pointee.device.load(ordering: .relaxed) &+ offset,
                key: slot.pointee.key.load(ordering: .relaxed))
        )
    }

    /// Whether a request may name `length` bytes at a logical address; counts nothing.
    func check(address: UInt64, length: UInt64) throws(UseError) {
        guard let slot = unsafe slots.element(at: AddressLayout.slot(of: address)) else { throw .unmapped }
        // Receives are all that asks.
        _ = try unsafe liveMapping(at: slot, address: address, length: length, isWritten: true)
    }
}
