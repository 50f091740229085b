import Tracking
import Verbs

/// The hot path of receives.
struct ReceivePath: ~Copyable, Sendable {
    private let core: QueuePairCore
    private let target: PostTarget
    private var poster: RequestPoster
    private var chain: ReceiveChain
    private let token: UInt32
    private let elementLimit: Int

    init(_ core: QueuePairCore) {
        self.core = core
        target = core.queuePair.postTarget
        poster = RequestPoster(
            queue: core.receiveQueue, depth: core.capacity.receiveDepth, mappings: core.adapter.core.mappings)
        chain = ReceiveChain(capacity: 1, elementsPerRequest: max(1, core.capacity.receiveElements))
        token = core.adapter.privilegedToken
        elementLimit = core.capacity.receiveElements
    }

    /// Posts one receive.
    @inline(__always)
    mutating func post(_ elements: Span<ScatterGatherElement>, context: UInt64) throws(PostError) {
        try enter()
        defer { poster.leave() }
        guard poster.begin() else { throw .queueFull(depth: core.capacity.receiveDepth) }
        let count: Int
        do throws(PostError) {
            count = try poster.place(elements, token: token, limit: elementLimit, in: &chain).count
        } catch {
            poster.abandon()
            throw error
        }
        let wire = poster.commit(context: context, tag: RequestTag(.receive, isSilent: false).rawValue)
        chain.append(identifier: wire.raw, elementCount: count)
        let outcome = chain.post(to: target)
        chain.reset()
        guard case .refused(_, let code) = outcome else { return }
        poster.withdraw(1) { _ in }
        throw .verbFailed(verb: "ibv_post_recv", errno: code)
    }

    @inline(__always)
    private mutating func enter() throws(PostError) {
        guard !core.hasEnded else { throw .ended }
        try poster.pass()
    }
}
