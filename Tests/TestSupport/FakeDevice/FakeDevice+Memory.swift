import CRDMA
package import Verbs

/// A live memory region of the fake device.
package struct FakeRegion: Hashable, Sendable {
    /// The domain's handle.
    package let domain: UInt32
    /// The first byte in this process.
    package let base: UInt
    /// In bytes.
    package let length: Int
    /// The address of the first byte for the device.
    package let deviceAddress: UInt64
    /// What may be done with it.
    package let rights: AccessRights
    /// The local key; the remote key too, where there are remote rights.
    package let key: UInt32

    /// How many pages it pins.
    package var pageCount: Int {
        (Int(base % UInt(fakePageSize)) + length + fakePageSize - 1) / fakePageSize
    }

    /// Whether a range of device addresses lies within it.
    func contains(_ address: UInt64, _ length: UInt64) -> Bool {
        guard address >= deviceAddress else { return false }
        let offset = address - deviceAddress
        return offset <= UInt64(self.length) && length <= UInt64(self.length) - offset
    }
}

/// A window of the fake device.
package struct FakeWindow: Hashable, Sendable {
    /// What a window is bound to.
    package struct Binding: Hashable, Sendable {
        /// The local key of the region.
        package let region: UInt32
        /// The number of the queue pair.
        package let queuePair: UInt32
        /// The first byte for the device.
        package let address: UInt64
        /// In bytes.
        package let length: UInt64
        /// What the peer may do.
        package let rights: AccessRights

        /// Describes a binding.
        package init(
            region: UInt32, queuePair: UInt32, address: UInt64, length: UInt64,
            rights: AccessRights
        ) {
            self.region = region
            self.queuePair = queuePair
            self.address = address
            self.length = length
            self.rights = rights
        }
    }

    /// The domain's handle.
    package let domain: UInt32
    /// The current key, as the device knows it.
    package internal(set) var key: UInt32
    /// `nil` when unbound.
    package internal(set) var binding: Binding?
}

/// The page size of the fake device.
package let fakePageSize = 4096

extension FakeDevice {
    /// The live regions, oldest first.
    package var regions: [FakeRegion] {
        withState { state in
            state.regions.values.sorted { left, right in left.key < right.key }
        }
    }

    /// The live windows, oldest first.
    package var windows: [FakeWindow] {
        withState { state in
            state.windows.values.sorted { left, right in left.key < right.key }
        }
    }

    /// What the device may still do with bytes of this process, through whatever region: a request that it has not carried
    /// out, or a window; nil where nothing.
    package func use(of bytes: Range<UInt>) -> String? {
        withState { state in state.use(of: bytes) }
    }

    /// How many pages are pinned; one that is registered twice counts twice.
    package var pinnedPageCount: Int { withState { state in state.pinnedPageCount } }

    /// The entries for memory.
    var memoryVerbs: MemoryVerbs {
        var verbs = MemoryVerbs.system
        unsafe verbs.allocateDomain = { [self] context, domain in
            call(.allocateDomain) { state in
                let handle = state.nextHandle()
                state.domains.insert(handle)
                unsafe domain.pointee = state.allocate(ibv_pd(context: context, handle: handle))
                return 0
            }
        }
        unsafe verbs.deallocateDomain = { [self] domain in
            call(.deallocateDomain) { state in
                unsafe state.deallocateDomain(domain.pointee.handle)
            }
        }
        unsafe verbs.registerRegion = {
            [self] domain, base, length, deviceAddress, access, region in
            call(.registerRegion) { state in
                let wanted = unsafe FakeRegion(
                    domain: domain.pointee.handle, base: UInt(bitPattern: base), length: length,
                    deviceAddress: deviceAddress, rights: AccessRights(rawValue: access),
                    key: state.nextKey())
                let code = state.register(wanted)
                guard code == 0 else { return code }
                let hasRemoteRights = !wanted.rights.isDisjoint(with: [.remoteRead, .remoteWrite])
                unsafe region.pointee = unsafe state.allocate(
                    ibv_mr(
                        context: domain.pointee.context, pd: domain, addr: base, length: length,
                        handle: 0, lkey: wanted.key, rkey: hasRemoteRights ? wanted.key : 0))
                return 0
            }
        }
        unsafe verbs.deregisterRegion = { [self] region in
            call(.deregisterRegion) { state in unsafe state.deregister(region.pointee.lkey) }
        }
        unsafe verbs.allocateWindow = { [self] domain, type, window in
            call(.allocateWindow) { state in
                guard type == IBV_MW_TYPE_2, state.hasWindows else { return EOPNOTSUPP }
                let key = state.nextKey()
                state.windows[key >> 8] = unsafe FakeWindow(
                    domain: domain.pointee.handle, key: key, binding: nil)
                unsafe window.pointee = unsafe state.allocate(
                    ibv_mw(
                        context: domain.pointee.context, pd: domain, rkey: key, handle: 0,
                        type: type))
                return 0
            }
        }
        unsafe verbs.deallocateWindow = { [self] window in
            call(.deallocateWindow) { state in
                // The low bits are the owner's; the rest names the window.
                let found = unsafe state.windows.removeValue(forKey: window.pointee.rkey >> 8)
                return found == nil ? state.refuseUse(.deallocateWindow) : 0
            }
        }
        return verbs
    }
}

extension FakeDevice.State {
    fileprivate var pinnedPageCount: Int {
        regions.values.reduce(0) { sum, region in sum + region.pageCount }
    }

    fileprivate mutating func deallocateDomain(_ handle: UInt32) -> CInt {
        guard domains.contains(handle) else { return refuseUse(.deallocateDomain) }
        let isUsed =
            regions.values.contains { region in region.domain == handle }
            || windows.values.contains { window in window.domain == handle }
            || queuePairs.values.contains { queuePair in queuePair.domain == handle }
            || sharedQueues.values.contains { queue in queue.domain == handle }
        guard !isUsed else { return EBUSY }
        domains.remove(handle)
        return 0
    }

    /// Registers what rxe would register.
    fileprivate mutating func register(_ region: FakeRegion) -> CInt {
        guard domains.contains(region.domain) else { return refuseUse(.registerRegion) }
        let pageSize = UInt64(fakePageSize)
        guard
            region.length > 0 || region.base % UInt(fakePageSize) != 0,
            region.length >= 0,
            !region.base.addingReportingOverflow(UInt(region.length)).overflow,
            UInt64(region.base) % pageSize == region.deviceAddress % pageSize,
            !region.rights.contains(.remoteWrite) || region.rights.contains(.localWrite)
        else { return EINVAL }
        guard region.base != 0 else { return EFAULT }
        guard pinnedPageCount <= pinnedPageLimit - region.pageCount else { return ENOMEM }
        regions[region.key] = region
        return 0
    }

    /// Deregisters as the kernel does: whatever the queues hold. Only a bound window is in the way.
    fileprivate mutating func deregister(_ key: UInt32) -> CInt {
        guard regions[key] != nil else { return refuseUse(.deregisterRegion) }
        guard !windows.values.contains(where: { window in window.binding?.region == key })
        else { return EINVAL }
        for (number, queuePair) in queuePairs {
            let requests = queuePair.sends + queuePair.receives + [queuePair.begun].compactMap(\.self)
            for request in requests where request.keys.contains(key) {
                violations.append(
                    .deregisteredInUse(
                        key: key, queuePair: number, identifier: request.identifier))
            }
        }
        for request in sharedQueues.values.flatMap(\.receives) where request.keys.contains(key) {
            violations.append(.deregisteredInUse(key: key, queuePair: 0, identifier: request.identifier))
        }
        regions[key] = nil
        return 0
    }
}
