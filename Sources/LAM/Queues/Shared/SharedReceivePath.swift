import Synchronization
import Tracking
import Verbs

/// The way of a receive into a shared receive queue.
struct SharedReceivePath: ~Copyable, Sendable {
    private let core: SharedReceiveQueueCore
    private let target: SharedPostTarget
    private var poster: SharedRequestPoster
    private var chain: ReceiveChain
    private let tokens: ElementTokens
    private let limits: ElementLimits

    init(_ core: SharedReceiveQueueCore) {
        self.core = core
        target = core.sharedQueue.postTarget
        poster = SharedRequestPoster(queue: core.requests, mappings: core.adapter.core.mappings)
        chain = ReceiveChain(capacity: 1, elementsPerRequest: max(1, core.elements))
        tokens = ElementTokens(of: core.adapter.core)
        limits = ElementLimits(count: core.elements, bytes: UInt64(Int64.max))
    }

    /// Posts one receive into bytes of one mapping.
    mutating func post(
        _ mapping: borrowing LogicalAddressMapping, _ bytes: Range<Int>, context: UInt64
    ) throws(PostError) {
        // Another adapter's address and token may by chance be right here, too.
        guard mapping.adapter === core.adapter else { throw refuse(.unknownAddress(element: 0)) }
        let element: InlineArray<1, ScatterGatherElement> = [mapping.element(bytes)]
        try post(element.span, context: context)
    }

    /// Posts one receive.
    mutating func post(_ elements: Span<ScatterGatherElement>, context: UInt64) throws(PostError) {
        guard !core.hasFailed.load(ordering: .relaxed) else { throw .ended }
        guard poster.begin() else { throw .queueFull(depth: core.depth) }
        let count: Int
        do throws(PostError) {
            count = try poster.place(elements, areSinks: true, tokens: tokens, limits: limits, in: &chain)
        } catch {
            poster.abandon()
            throw refuse(error)
        }
        let wire = poster.commit(context: context, tag: RequestTag(.receive, isSilent: false).rawValue)
        chain.append(identifier: wire.raw, elementCount: count)
        let outcome = chain.post(to: target)
        chain.reset()
        // A receive whose fate the device leaves open counts as posted until the queue ends (T11).
        guard case .refused(_, let code) = outcome else { return }
        poster.withdraw()
        throw .verbFailed(verb: "ibv_post_srq_recv", errno: code)
    }

    /// A receive was refused before it came to the device.
    private func refuse(_ error: PostError) -> PostError {
        core.adapter.core.noteRefusedRequest(error)
        return error
    }
}
