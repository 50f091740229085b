import Tracking
import Verbs

/// What a queue pair is made of; each step undoes itself where it fails.
extension QueuePairCore {
    /// One more than the user has, for the marker behind an unsignaled tail.
    static func deviceSendDepth(_ capacity: QueuePairCapacity) -> Int { capacity.sendDepth + 1 }

    /// Makes sure that everything that may complete finds room.
    static func reserveRoom(
        _ capacity: QueuePairCapacity, _ sendCompletions: CompletionQueueCore,
        _ receiveCompletions: CompletionQueueCore, _ sharedReceives: SharedReceiveQueueCore?
    ) throws(AdapterError) {
        try sendCompletions.reserve(deviceSendDepth(capacity))
        do throws(AdapterError) {
            try receiveCompletions.reserve(capacity.receiveDepth)
            do throws(AdapterError) { try sharedReceives?.reserveRoom(on: receiveCompletions) } catch {
                receiveCompletions.unreserve(capacity.receiveDepth)
                throw error
            }
        } catch {
            sendCompletions.unreserve(deviceSendDepth(capacity))
            throw error
        }
    }

    /// Gives back what `reserveRoom` took.
    static func unreserveRoom(
        _ capacity: QueuePairCapacity, _ sendCompletions: CompletionQueueCore,
        _ receiveCompletions: CompletionQueueCore, _ sharedReceives: SharedReceiveQueueCore?
    ) {
        sendCompletions.unreserve(deviceSendDepth(capacity))
        receiveCompletions.unreserve(capacity.receiveDepth)
        sharedReceives?.unreserveRoom(on: receiveCompletions)
    }

    static func openTimelines(
        _ capacity: QueuePairCapacity, in core: AdapterCore
    ) throws(AdapterError) -> (send: QueueID, receive: QueueID) {
        guard let send = core.queues.open(depth: deviceSendDepth(capacity), elements: capacity.sendElements) else {
            throw .limitExceeded(what: "queues", asked: QueueTable.capacity + 1, limit: QueueTable.capacity)
        }
        guard let receive = core.queues.open(depth: capacity.receiveDepth, elements: capacity.receiveElements) else {
            core.mappings.closeQueue(send)
            throw .limitExceeded(what: "queues", asked: QueueTable.capacity + 1, limit: QueueTable.capacity)
        }
        return (send, receive)
    }

    static func create(
        _ capacity: QueuePairCapacity, on adapter: Adapter, sendQueue: Verbs.CompletionQueue,
        receiveQueue: Verbs.CompletionQueue, sharedQueue: Verbs.SharedReceiveQueue?, identifier: QueueID
    ) throws(VerbError) -> Verbs.QueuePair {
        let queuePair = try Verbs.QueuePair(
            in: adapter.core.domain, sendQueue: sendQueue, receiveQueue: receiveQueue, sharedQueue: sharedQueue,
            capacity: Verbs.QueuePairCapacity(
                sendDepth: deviceSendDepth(capacity), receiveDepth: capacity.receiveDepth,
                sendElements: capacity.sendElements, receiveElements: capacity.receiveElements,
                inlineBytes: capacity.inlineBytes),
            identifier: UInt(identifier.raw))
        try queuePair.modify(
            .initialized(port: adapter.info.port, peerRights: [.remoteRead, .remoteWrite]))
        return queuePair
    }
}
