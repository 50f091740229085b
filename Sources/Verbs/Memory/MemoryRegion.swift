internal import CRDMA

/// Registered memory: pinned, and mapped for the device (`ibv_mr`).
///
/// The kernel does not watch over it: a region can be deregistered under requests that use it. That
/// this never happens is the business of the layer above. A region must end in `deregister()`;
/// dropping one traps, because deregistration can be refused and memory that stays pinned must not
/// be forgotten.
@safe
package struct MemoryRegion: ~Copyable, @unchecked Sendable {
    /// The domain within which the keys work.
    package let domain: ProtectionDomain
    // Only this value uses the C object, and libibverbs lets any thread do so: hence `@unchecked
    // Sendable`.
    let raw: UnsafeMutablePointer<ibv_mr>
    private var isSpent = false

    /// Registers memory (`ibv_reg_mr_iova2`).
    ///
    /// Faults in and pins every page that the range touches: a system call, from microseconds up to
    /// seconds for untouched gigabytes.
    /// - Parameters:
    ///   - bytes: The memory. It must stay mapped until the region is deregistered; the pages stay
    ///     pinned if it does not.
    ///   - deviceAddress: The address of the first byte in elements and for the peer; it must have
    ///     the same offset within a page as the first byte.
    ///   - rights: What the device, windows and peers may do with it.
    ///   - domain: Within which its keys work.
    /// - Throws: `ENOMEM` over the limit of locked memory, `EPERM` when that is 0, `EFAULT` when a
    ///   page is not mapped or, asking for `localWrite` or `bindWindows`, not writable, `EINVAL`
    ///   for other offsets and rights that contradict.
    @unsafe
    package init(
        registering bytes: UnsafeMutableRawBufferPointer, at deviceAddress: UInt64,
        rights: AccessRights, in domain: ProtectionDomain
    ) throws(VerbError) {
        var raw: UnsafeMutablePointer<ibv_mr>?
        let code = unsafe domain.context.verbs.memory.registerRegion(
            domain.raw, bytes.baseAddress, bytes.count, deviceAddress, rights.rawValue, &raw)
        try check(.registerRegion, code)
        unsafe self.raw = unsafe created(raw, by: .registerRegion)
        self.domain = domain
    }

    /// The key of elements of local requests.
    package var localKey: UInt32 { unsafe raw.pointee.lkey }

    /// The key for a peer; without remote rights its value has no meaning.
    package var remoteKey: UInt32 { unsafe raw.pointee.rkey }

    /// Unmaps and unpins the memory (`ibv_dereg_mr`: a system call).
    ///
    /// - Returns: `refused` with the region while a window is bound over it (`EINVAL` or `EBUSY`),
    ///   and for any other error.
    package consuming func deregister() -> Deregistration {
        let code = unsafe domain.context.verbs.memory.deregisterRegion(raw)
        guard code == 0 else { return .refused(self, VerbError(.deregisterRegion, code)) }
        isSpent = true
        return .done
    }

    deinit {
        guard isSpent else {
            fatalError("MemoryRegion: dropped while registered; end it with deregister()")
        }
    }
}

/// The outcome of `MemoryRegion.deregister()`.
package enum Deregistration: ~Copyable {
    /// The memory is unmapped and unpinned.
    case done
    /// The region is as it was, and why.
    case refused(MemoryRegion, VerbError)
}
