import Verbs

extension LogicalAddressMapping {
    /// Gives the peer of a queue pair access to bytes of the mapping.
    ///
    /// Returns when the access is good, which is when what was posted to the queue pair before has completed, and the
    /// grant with it; the adapter polls for that, and keeps the results that it finds for their user.
    /// - Parameters:
    ///   - access: what the peer may do.
    ///   - bytes: the range, counted from the mapping's first byte.
    ///   - queuePair: whose peer it is for. The grant ends with it.
    ///   - time: after which the access ends by itself; nil for none.
    /// - Returns: the grant. Dropping it ends the access.
    /// - Throws: ``PostError``: what is wrong with the range or the rights, ``PostError/region(_:)`` where no more memory
    ///   can be registered, ``PostError/ended`` where the queue pair failed meanwhile. The peer has no access then.
    /// - Complexity: one request and, where the device does not confine windows, one `ibv_reg_mr`, which pins the bytes a
    ///   second time.
    public borrowing func grant(
        _ access: RemoteAccess, bytes: Range<Int>, to queuePair: inout QueuePair, lasting time: Duration? = nil
    ) async throws(PostError) -> Grant {
        let binding = BindingCore(of: adapter, CountedChild(.grant, of: adapter.core))
        let deadlines = try time == nil ? nil : adapter.deadlineThread()
        let remote: RemoteMemory
        do throws(PostError) {
            remote = try queuePair.bind(binding, over: self, bytes, access: access)
        } catch {
            // A window may be there already.
            binding.abandon()
            throw error
        }
        while binding.isUsable == nil {
            queuePair.core.sendCompletions.pollForUser()
            guard binding.isUsable == nil else { break }
            // A task that is cancelled does not sleep. What it waits for comes all the same.
            try? await Task.sleep(for: .microseconds(50))
            await Task.yield()
        }
        guard binding.isUsable == true else {
            binding.abandon()
            throw .ended
        }
        let alarm = time.map { time in
            Alarm(at: .now.advanced(by: time)) { [weak binding] in binding?.abandon() }
        }
        if let alarm { deadlines?.add(alarm) }
        return Grant(remote, binding, until: alarm)
    }
}

extension QueuePair {
    /// Binds what a grant opens.
    fileprivate mutating func bind(
        _ binding: BindingCore, over mapping: borrowing LogicalAddressMapping, _ bytes: Range<Int>, access: RemoteAccess
    ) throws(PostError) -> RemoteMemory {
        if access.isEmpty { throw sends.refuse(.window(.noRights)) }
        if bytes.isEmpty { throw sends.refuse(.window(.emptyRange)) }
        if mapping.access == .readOnly { throw sends.refuse(.window(.notWritable)) }
        guard bytes.lowerBound >= 0, bytes.upperBound <= mapping.length else {
            throw sends.refuse(.beyondMapping(element: 0))
        }
        guard mapping.adapter === core.adapter else { throw sends.refuse(.unknownAddress(element: 0)) }
        let target = BindTarget(
            address: mapping.baseAddress.rawValue + UInt64(bytes.lowerBound), length: bytes.count, access: access,
            reach: .exactly(base: nil))
        let remote = try bind(binding, to: target, as: .bind, context: 0, flags: .silentSuccess)
        guard let remote else { fatalError("QueuePair: a grant gives the peer something to name") }
        return remote
    }
}

extension Adapter {
    /// The thread that revokes grants in time.
    fileprivate func deadlineThread() throws(PostError) -> ErrandThread {
        try deadlines.withLock { (thread) throws(PostError) in
            if let thread { return thread }
            do throws(VerbError) {
                let started = try ErrandThread()
                thread = started
                return started
            } catch {
                throw .verbFailed(verb: error.verb.description, errno: error.code)
            }
        }
    }
}
