import Tracking
import Verbs

/// The reaper's own way of posting to a send queue.
struct MarkerPath: ~Copyable {
    private var poster: RequestPoster
    private var chain = SendChain(capacity: 1, elementsPerRequest: 1)

    init(queue: QueueID, depth: Int, mappings: MappingTable) {
        poster = RequestPoster(queue: queue, depth: depth, mappings: mappings)
    }

    /// Takes the user's last requests back, which the device does not have.
    mutating func withdraw(_ count: Int) -> [Tracking.Request] {
        var requests: [Tracking.Request] = []
        poster.catchUp()
        poster.withdraw(UInt64(count)) { requests.append($0) }
        return requests
    }

    /// - Returns: the marker's position; nil if the queue is full, or the device refused.
    mutating func post(to queuePair: Verbs.QueuePair) -> UInt64? {
        poster.catchUp()
        guard poster.begin() else { return nil }
        let wire = poster.commit(context: 0, tag: RequestTag.marker.rawValue)
        chain.appendWrite(
            identifier: wire.raw, elementCount: 0, flags: .signaled, remoteAddress: 0, remoteKey: 0)
        defer { chain.reset() }
        switch chain.post(to: queuePair.postTarget) {
        case .posted, .undetermined: return poster.posted
        case .refused:
            poster.withdraw(1) { _ in }
            return nil
        }
    }
}
