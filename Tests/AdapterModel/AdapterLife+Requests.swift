import LAM
import TestSupport
import TrackingModel

/// Requests, and what the device makes of them.
extension AdapterLife {
    /// Posts a send, a write or a read: of a mapping, of elements that may be stale, or inline.
    func send() {
        guard let queuePair = pickQueuePair(), let element = pickElement() else { return }
        var flags: RequestFlags = random.chance(50) ? .silentSuccess : []
        if random.chance(25) { flags.insert(.defer) }
        let elements = [element] + (0..<random.below(4)).compactMap { _ in pickElement() }
        let mapping = pickMapping()
        let form = random.below(5)
        let remote = RemoteMemory(address: 0, key: 1)
        let isPosted = post(on: queuePair.number, isSilent: flags.contains(.silentSuccess)) {
            context throws(PostError) in
            switch form {
            case 0 where mapping != nil:
                try queuePair.queuePair?.send(mapping!.mapping!, 8..<16, context: context, flags: flags)
            case 1: try queuePair.queuePair?.write(elements.span, to: remote, context: context, flags: flags)
            case 2: try queuePair.queuePair?.read(into: elements.span, from: remote, context: context, flags: flags)
            case 3:
                let bytes: [UInt8] = [1, 2, 3]
                try unsafe queuePair.queuePair?.send(inline: bytes.span.bytes, context: context, flags: flags)
            default: try queuePair.queuePair?.send(elements.span, context: context, flags: flags)
            }
        }
        if isPosted { counts.add(.sendPosted) }
    }

    func receive() {
        guard let queuePair = pickQueuePair(), let mapping = random.pick(mappings),
            let element = pickElement()
        else { return }
        let elements = [mapping.element, element]
        let isPosted = post(on: queuePair.number) { context throws(PostError) in
            try queuePair.queuePair?.receive(into: elements.span, context: context)
        }
        if isPosted { counts.add(.receivePosted) }
    }

    func receiveShared() {
        guard let shared = random.pick(sharedQueues), let element = pickElement() else { return }
        let elements = [element] + (0..<random.below(2)).compactMap { _ in pickElement() }
        let isPosted = post(on: 0, isShared: true) { context throws(PostError) in
            try shared.queue.receive(into: elements.span, context: context)
        }
        if isPosted { counts.add(.sharedReceivePosted) }
    }

    /// Posts, and remembers that a completion must come.
    ///
    /// - Returns: whether it was posted.
    func post(
        on queuePair: UInt32, isSilent: Bool = false, isShared: Bool = false,
        _ body: (UInt64) throws(PostError) -> Void
    ) -> Bool {
        lastContext += 1
        do throws(PostError) {
            try body(lastContext)
            outstanding[lastContext] = PostedRequest(queuePair: queuePair, isSilent: isSilent, isShared: isShared)
            note("  posted \(lastContext) on \(queuePair)\(isSilent ? ", silent" : "")")
            return true
        } catch {
            note("  refused \(lastContext) on \(queuePair): \(error)")
            counts.add(.postRefused)
            switch error {
            case .notConnected, .ended, .queueFull, .receivesAreShared, .unknownAddress, .window, .region, .verbFailed:
                break
            default: objections.append("unexpected: \(error)")
            }
            return false
        }
    }

    // MARK: The device

    func carryOut() {
        guard let queuePair = pickQueuePair() else { return }
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
