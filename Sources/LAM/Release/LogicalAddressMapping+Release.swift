import Tracking

/// What became of a mapping that was to be released at once or not at all.
public enum ReleaseOutcome: ~Copyable, Sendable {
    /// The memory is unpinned.
    case released
    /// The mapping is as it was; requests or windows still use it.
    case busy(LogicalAddressMapping, MappingUse)
    /// The mapping is as it was; nothing uses it, but the device refused to deregister the memory.
    case refused(LogicalAddressMapping, MappingError)
}

extension LogicalAddressMapping {
    /// Gives the mapping up; its memory is unpinned as soon as no request and no window uses it.
    ///
    /// Returns at once, from any thread, also inside a completion callback. This is `NdkReleaseLam`, except that a
    /// busy mapping is not the caller's error: it is kept until it is idle. Dropping a mapping does the same.
    /// - Complexity: O(1), one lock that no request takes; a system call only when the reaper sleeps.
    @inlinable @inline(__always)
    public consuming func release() {
        let origin = origin
        surrender()
        origin.release()
    }

    /// Gives the mapping up and suspends until its memory is unpinned, so that it may be freed.
    ///
    /// It does not depend on anybody polling: what nobody polls is polled by the adapter, and results wait in their
    /// completion queue. It does wait for a request that cannot end, for example a receive that nobody sends to; close
    /// its queue pair, or its shared receive queue.
    public consuming func released() async {
        let origin = origin
        surrender()
        await withCheckedContinuation { continuation in
            switch origin {
            case .registration(let registration):
                let registration = unsafe registration.takeUnretainedValue()
                registration.onUnpinned = { continuation.resume() }
                registration.release()
            case .cut(let block):
                block.release { continuation.resume() }
            case .cached(let cut):
                cut.release { continuation.resume() }
            }
        }
    }

    /// Unpins the memory now, or gives the mapping back and says what uses it.
    ///
    /// Never waits for a request; the memory of an idle mapping is deregistered by the calling thread. A mapping that
    /// is still used is helped on by the adapter, as a released one is, so that asking again makes sense.
    /// - Complexity: one `membarrier(2)` and, if idle, one `ibv_dereg_mr`.
    public consuming func tryRelease() -> ReleaseOutcome {
        let outcome =
            switch origin {
            case .registration(let registration): unsafe registration.takeUnretainedValue().releaseIfIdle()
            case .cut(let block): block.releaseIfIdle()
            case .cached(let cut): cut.releaseIfIdle()
            }
        switch outcome {
        case .released:
            surrender()
            return .released
        case .inUse(let use):
            return .busy(self, use)
        case .refused(let error):
            return .refused(self, MappingError(deregistration: error))
        }
    }

    /// What uses the mapping at this moment.
    public var use: MappingUse { adapter.use(of: id) }
}

/// What uses a mapping: the answer to "why is this memory still pinned?".
public struct MappingUse: Hashable, Sendable, CustomStringConvertible {
    /// One side of one queue pair, and how many of its requests must complete until it no longer uses the mapping.
    public struct Queue: Hashable, Sendable {
        /// The number of the queue pair, as `ibv_qp.qp_num` and the kernel have it.
        public let queuePairNumber: UInt32
        /// Whether it is the send queue or the receive queue.
        public let side: QueueSide
        /// Requests up to and with the last one that names the mapping.
        public let requests: UInt64
    }

    /// One shared receive queue whose receives use the mapping.
    public struct SharedQueue: Hashable, Sendable {
        /// The number of the queue (``SharedReceiveQueue/number``).
        public let number: Int
        /// Elements that name the mapping, of receives that are posted and not polled.
        public let uses: Int
    }

    /// The queues, in no particular order.
    public let queues: [Queue]
    /// The shared receive queues, in no particular order.
    public let sharedReceiveQueues: [SharedQueue]
    /// Windows that are bound over the mapping, or about to be, and likewise fast registrations and grants.
    public let windows: Int
    /// Uses by requests of further queues: the first four that use a mapping are listed one by one.
    public let furtherRequests: Int

    /// Whether nothing uses the mapping.
    public var isEmpty: Bool { queues.isEmpty && sharedReceiveQueues.isEmpty && windows == 0 && furtherRequests == 0 }

    /// For a person: `2 requests on the send queue of queue pair 17, 1 window`.
    public var description: String {
        var parts = queues.map {
            "\($0.requests) request\($0.requests == 1 ? "" : "s") on the \($0.side) queue of queue pair \($0.queuePairNumber)"
        }
        parts += sharedReceiveQueues.map {
            "\($0.uses) use\($0.uses == 1 ? "" : "s") by receives of shared receive queue \($0.number)"
        }
        if furtherRequests > 0 { parts.append("\(furtherRequests) uses by requests of further queues") }
        if windows > 0 { parts.append("\(windows) window\(windows == 1 ? "" : "s")") }
        return parts.isEmpty ? "nothing" : parts.joined(separator: ", ")
    }
}

/// One of the two queues of a queue pair.
public enum QueueSide: String, Hashable, Sendable, CustomStringConvertible {
    /// The initiator queue: sends, writes, reads, binds and invalidates.
    case send
    /// The receive queue.
    case receive

    /// `send` or `receive`.
    public var description: String { rawValue }
}
