import Tracking

extension AdapterCore {
    /// Brings closed mappings nearer to being idle, where nobody else does.
    func help(_ closed: [MappingID]) {
        var queues: Set<QueueID> = []
        var isHeldByWindows = false
        var isCounted = false
        for id in closed {
            let holders = mappings.holders(of: id)
            queues.formUnion(holders.queues.keys)
            isHeldByWindows = isHeldByWindows || holders.windows > 0
            isCounted = isCounted || holders.countedUses > 0
        }
        if isHeldByWindows { queues.formUnion(queuesWithBindingOperations) }
        if isCounted {
            queues.formUnion(countingQueues)
            pollSharedReceiveQueues()
        }
        for queue in queues {
            queuePair(owning: queue)?.help(queue)
        }
    }

    /// The send queues on which a bind or an invalidation is under way: its completion may free a mapping.
    private var queuesWithBindingOperations: [QueueID] {
        queuePairs.filter(\.hasBindingOperations).map(\.sendQueue)
    }

    /// The queues with requests that are counted, because their mappings had no fence left.
    private var countingQueues: [QueueID] {
        children.withLock { Array($0.queuePairs.keys) }.filter { queues.hasCountedUses($0) }
    }

    private func pollSharedReceiveQueues() {
        let sharedQueues = children.withLock { Array($0.sharedReceiveQueues.values) }
        for sharedQueue in sharedQueues where sharedQueue.requests.outstanding > 0 { sharedQueue.pollForUsers() }
    }
}
