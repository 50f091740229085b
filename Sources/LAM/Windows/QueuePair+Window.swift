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
    /// - Important: rxe confines a peer to the mapping, not to the range (T37). Where that matters, map the range alone.
    ///   Over a mapping that is cut from an arena, which shares its registration with others, rxe binds no window at all.
    public mutating func bind(
        _ window: borrowing MemoryWindow, over mapping: borrowing LogicalAddressMapping, _ bytes: Range<Int>,
        access: RemoteAccess, context: UInt64 = 0, flags: RequestFlags = []
    ) throws(PostError) -> RemoteMemory {
        if let error = Self.objection(to: access, on: bytes, of: mapping, window, core) { throw sends.refuse(error) }
        let address = mapping.baseAddress.rawValue + UInt64(bytes.lowerBound)
        let remote: RemoteMemory
        do throws(PostError) {
            remote = try window.core.beginBind(address: address, length: UInt64(bytes.count), on: core)
        } catch {
            throw sends.refuse(error)
        }
        let registration = mapping.registration
        // Before the post: whoever ends the queue pair must meet the window, however early.
        core.windows.withLock { $0[ObjectIdentifier(window.core)] = window.core }
        do {
            try sends.post(
                WindowOperation(operation: .bind, window: window.core), context: context, flags: flags
            ) { chain, identifier, flags in
                window.core.appendBind { window, key in
                    registration.withRegion { region in
                        chain.appendBind(
                            identifier: identifier, flags: flags, window: window, key: key, region: region,
                            address: remote.address, length: UInt64(bytes.count), rights: AccessRights(access))
                    }
                }
            }
        } catch {
            core.forget(window.core)
            window.core.cancelBind()
            throw error
        }
        return remote
    }

    /// What of a bind can be found wrong without asking the window.
    private static func objection(
        to access: RemoteAccess, on bytes: Range<Int>, of mapping: borrowing LogicalAddressMapping,
        _ window: borrowing MemoryWindow, _ core: QueuePairCore
    ) -> PostError? {
        if access.isEmpty { return .window(.noRights) }
        if bytes.isEmpty { return .window(.emptyRange) }
        guard bytes.lowerBound >= 0, bytes.upperBound <= mapping.length else { return .beyondMapping(element: 0) }
        if mapping.access == .readOnly { return .window(.notWritable) }
        // Its address may by chance be one of this adapter, too.
        guard mapping.adapter === core.adapter else { return .unknownAddress(element: 0) }
        if case .cut = mapping.origin, !core.adapter.info.confinesWindows { return .window(.notConfined) }
        return window.core.adapter === core.adapter ? nil : .window(.otherAdapter)
    }

    /// Ends the peer's access: `NdkInvalidate`.
    ///
    /// Takes effect with its completion; from then on the peer's access fails and the window can be bound again.
    /// - Throws: ``PostError/window(_:)`` unless the window is bound on this queue pair. Nothing reaches the device then:
    ///   rxe would panic (T1).
    public mutating func invalidate(
        _ window: borrowing MemoryWindow, context: UInt64 = 0, flags: RequestFlags = []
    ) throws(PostError) {
        let key: UInt32
        do throws(PostError) { key = try window.core.beginInvalidate(on: core) } catch { throw sends.refuse(error) }
        do {
            try sends.post(
                WindowOperation(operation: .invalidate, window: window.core), context: context, flags: flags
            ) { chain, identifier, flags in
                chain.appendLocalInvalidate(identifier: identifier, flags: flags, key: key)
            }
        } catch {
            window.core.cancelInvalidate()
            throw error
        }
    }
}

extension AccessRights {
    fileprivate init(_ access: RemoteAccess) {
        self = []
        if access.contains(.read) { insert(.remoteRead) }
        if access.contains(.write) { insert(.remoteWrite) }
    }
}
