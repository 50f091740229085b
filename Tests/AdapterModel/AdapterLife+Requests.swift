import LAM
import TestSupport
import TrackingModel

/// Requests, and what the device makes of them.
extension AdapterLife {
    /// Posts a send, a write or a read: of a mapping, of elements that may be stale, or inline.
    func send() {
        guard let queuePair = pickQueuePair(), let source = pickSource() else { return }
        var flags: RequestFlags = random.chance(50) ? .silentSuccess : []
        if random.chance(25) { flags.insert(.defer) }
        if random.chance(10) { flags.insert(.readFence) }
        let sources = [source] + (0..<random.below(3)).compactMap { _ in pickSource() }
        let elements = sources.map(\.element) + [pickRegionElement()].compactMap(\.self)
        let mapping = pickMapping()
        let form = random.below(6)
        let usesElements = form != 3 && !(form == 0 && mapping != nil)
        let remote = RemoteMemory(address: 0, key: 1)
        let isPosted = post(
            on: queuePair.number, isSilent: flags.contains(.silentSuccess),
            isStale: usesElements && !sources.allSatisfy(\.isLive)
        ) { context throws(PostError) in
            switch form {
            case 0 where mapping != nil:
                try queuePair.queuePair?.send(mapping!.mapping!, 8..<16, context: context, flags: flags)
            case 1: try queuePair.queuePair?.write(elements.span, to: remote, context: context, flags: flags)
            case 2: try queuePair.queuePair?.read(into: elements.span, from: remote, context: context, flags: flags)
            case 3:
                let bytes: [UInt8] = [1, 2, 3]
                try unsafe queuePair.queuePair?.send(inline: bytes.span.bytes, context: context, flags: flags)
            case 4:
                try queuePair.queuePair?.sendAndInvalidate(elements.span, remoteKey: 1, context: context, flags: flags)
            default: try queuePair.queuePair?.send(elements.span, context: context, flags: flags)
            }
        }
        if isPosted { counts.add(.sendPosted) }
    }

    func receive() {
        guard let queuePair = pickQueuePair(), let sources = pickSinks() else { return }
        let elements = sources.map(\.element)
        let isPosted = post(on: queuePair.number, isStale: !sources.allSatisfy(\.isLive)) {
            context throws(PostError) in
            try queuePair.queuePair?.receive(into: elements.span, context: context)
        }
        if isPosted { counts.add(.receivePosted) }
    }

    func receiveShared() {
        guard let shared = random.pick(sharedQueues), let sources = pickSinks() else { return }
        let elements = sources.map(\.element)
        let isPosted = post(on: 0, isShared: true, isStale: !sources.allSatisfy(\.isLive)) {
            context throws(PostError) in
            try shared.queue.receive(into: elements.span, context: context)
        }
        if isPosted { counts.add(.sharedReceivePosted) }
    }

    /// Where a message is to go.
    private func pickSinks() -> [SimulatedMapping]? {
        guard let first = pickSource() else { return nil }
        return [first] + (0..<random.below(2)).compactMap { _ in pickSource() }
    }

    /// Posts, and remembers that a completion must come.
    ///
    /// - Parameters:
    ///   - queuePair: its number.
    ///   - isSilent: whether its success is.
    ///   - isShared: whether it goes to a shared receive queue.
    ///   - isStale: whether it names a mapping that was released, so that it must be refused.
    ///   - body: posts.
    /// - Returns: whether it was posted.
    func post(
        on queuePair: UInt32, isSilent: Bool = false, isShared: Bool = false, isStale: Bool = false,
        _ body: (UInt64) throws(PostError) -> Void
    ) -> Bool {
        lastContext += 1
        do throws(PostError) {
            try body(lastContext)
            if isStale { objections.append("\(lastContext) names a mapping that is released, and was posted") }
            outstanding[lastContext] = PostedRequest(queuePair: queuePair, isSilent: isSilent, isShared: isShared)
            note("  posted \(lastContext) on \(queuePair)\(isSilent ? ", silent" : "")")
            return true
        } catch {
            note("  refused \(lastContext) on \(queuePair): \(error)")
            count(error)
            switch error {
            case .notConnected, .ended, .queueFull, .receivesAreShared, .unknownAddress, .notWritable, .window, .region,
                .verbFailed:
                break
            default: objections.append("unexpected: \(error)")
            }
            return false
        }
    }

    private func count(_ error: PostError) {
        switch error {
        case .unknownAddress: counts.add(.stalePostRefused)
        case .verbFailed: counts.add(.postRefusedByDevice)
        default: counts.add(.postRefused)
        }
    }

    /// Cancels what is posted.
    func flush() {
        guard let queuePair = random.pick(queuePairs) else { return }
        if random.chance(50) { queuePair.queuePair?.flush() } else { queuePair.handle.flush() }
        failedQueuePairs.insert(queuePair.number)
        counts.add(.queuePairFlushed)
    }

    // MARK: The device

    func carryOut() {
        guard let queuePair = pickQueuePair() else { return }
        if canary == .completesEarly, random.chance(80) { return device.completeEarly(queuePair.number) }
        counts.add(.carriedOut, device.complete(queuePair.number, sends: 1 + random.below(6)))
    }

    func arrive() {
        guard let queuePair = pickQueuePair() else { return }
        let isTaken = device.completeReceive(
            queuePair.number, byteCount: UInt32(random.below(65)), at: pickPlace(on: queuePair.number))
        if isTaken {
            counts.add(.arrived)
            noteTaken(by: queuePair.number)
        }
    }

    /// Which receive a message takes: of a shared queue any of the first.
    func pickPlace(on queuePair: UInt32) -> Int {
        sharingQueuePairs.contains(queuePair) ? random.below(4) : 0
    }

    /// A message for a queue pair took a receive.
    func noteTaken(by queuePair: UInt32) {
        if sharingQueuePairs.contains(queuePair) { sharedDebt += 1 }
    }
}
