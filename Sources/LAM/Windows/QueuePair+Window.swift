import Tracking
import Verbs

extension QueuePair {
    /// Gives the peer access to a range of a mapping: `NdkBind`.
    ///
    /// Ordered with what is posted before and after it on this queue pair. The mapping is in use from now on until the
    /// window is invalidated, dropped, or its queue pair ended.
    /// - Parameters:
    ///   - window: a window that is not bound.
    ///   - mapping: the mapping; it never gives a peer rights by itself.
    ///   - bytes: the range, counted from the mapping's first byte.
    ///   - access: what the peer may do.
    ///   - context: given back with the completion.
    ///   - flags: how it is carried out. A bind is always signaled, and never deferred.
    /// - Returns: what the peer must name. It may be sent in a message posted next.
    /// - Throws: ``PostError``; everything the device would answer with the end of the connection is found out before.
    /// - Important: rxe confines a peer to the mapping, not to the range (T37). Where that matters, map the range alone,
    ///   or use a ``Grant``. Over a mapping that is cut from an arena, which shares its registration with others, rxe binds
    ///   no window at all.
    public mutating func bind(
        _ window: borrowing MemoryWindow, over mapping: borrowing LogicalAddressMapping, _ bytes: Range<Int>,
        access: RemoteAccess, context: UInt64 = 0, flags: RequestFlags = []
    ) throws(PostError) -> RemoteMemory {
        if mapping.access == .readOnly { throw sends.refuse(.window(.notWritable)) }
        // Its address may by chance be one of this adapter, too.
        guard mapping.adapter === core.adapter else { throw sends.refuse(.unknownAddress(element: 0)) }
        if case .cut = mapping.origin, !core.adapter.info.confinesWindows {
            throw sends.refuse(.window(.notConfined))
        }
        return try bind(
            window, access, bytes, of: mapping.length, at: mapping.baseAddress.rawValue, in: mapping.registration,
            context: context, flags: flags)
    }

    /// Ends the peer's access: `NdkInvalidate`.
    ///
    /// Takes effect with its completion; from then on the peer's access fails and the window can be bound again.
    /// - Throws: ``PostError/window(_:)`` unless the window is bound on this queue pair. Nothing reaches the device then:
    ///   rxe would panic (T1).
    public mutating func invalidate(
        _ window: borrowing MemoryWindow, context: UInt64 = 0, flags: RequestFlags = []
    ) throws(PostError) {
        try invalidate(window.core, context: context, flags: flags)
    }

    /// Binds a window over bytes of `length` at a logical address.
    mutating func bind(
        _ window: borrowing MemoryWindow, _ access: RemoteAccess, _ bytes: Range<Int>, of length: Int,
        at address: UInt64, in registration: Registration, context: UInt64, flags: RequestFlags
    ) throws(PostError) -> RemoteMemory {
        if access.isEmpty { throw sends.refuse(.window(.noRights)) }
        if bytes.isEmpty { throw sends.refuse(.window(.emptyRange)) }
        guard bytes.lowerBound >= 0, bytes.upperBound <= length else {
            throw sends.refuse(.beyondMapping(element: 0))
        }
        guard window.core.adapter === core.adapter else { throw sends.refuse(.window(.otherAdapter)) }
        let target = BindTarget(
            address: address + UInt64(bytes.lowerBound), length: bytes.count, access: access, reach: .window,
            registration: registration)
        let remote = try bind(window.core, to: target, as: .bind, context: context, flags: flags)
        guard let remote else { fatalError("QueuePair: a window gives the peer something to name") }
        return remote
    }

    // MARK: Bindings of all kinds

    /// Posts what binds.
    ///
    /// - Returns: what the peer must name; nil where it may do nothing.
    mutating func bind(
        _ binding: BindingCore, to target: BindTarget, as operation: Operation, context: UInt64, flags: RequestFlags
    ) throws(PostError) -> RemoteMemory? {
        let remote: RemoteMemory?
        do throws(PostError) {
            // Before anything is registered in vain.
            guard core.isConnected else { throw core.hasEnded ? .ended : .notConnected }
            remote = try binding.beginBind(target, on: core)
        } catch {
            throw sends.refuse(error)
        }
        // Before the post: whoever ends the queue pair must meet the binding, however early.
        core.bindings.withLock { $0[ObjectIdentifier(binding)] = binding }
        do {
            try sends.post(
                BindingOperation(operation: operation, binding: binding), context: context, flags: flags
            ) { chain, identifier, flags in binding.appendBind(to: &chain, identifier: identifier, flags: flags) }
        } catch {
            binding.cancelBind()
            throw error
        }
        return remote
    }

    /// Posts what ends a binding.
    mutating func invalidate(_ binding: BindingCore, context: UInt64, flags: RequestFlags) throws(PostError) {
        let bound: Binding
        do throws(PostError) { bound = try binding.beginInvalidate(on: core) } catch { throw sends.refuse(error) }
        do {
            try sends.post(
                BindingOperation(operation: .invalidate, binding: binding), context: context, flags: flags
            ) { chain, identifier, flags in bound.appendInvalidate(to: &chain, identifier: identifier, flags: flags) }
        } catch {
            binding.cancelInvalidate()
            throw error
        }
    }
}
