import LAM
import TestSupport
import TrackingModel

/// Windows, and how they are bound and invalidated.
extension AdapterLife {
    func changeWindows() {
        if windows.count < 6, random.chance(60) {
            do throws(AdapterError) {
                windows.append(SimulatedWindow(try adapter.createMemoryWindow()))
                counts.add(.windowCreated)
            } catch {
                note("  refused: \(error)")
            }
        } else if !windows.isEmpty {
            windows.remove(at: random.below(windows.count))
            counts.add(.windowDropped)
        }
    }

    func bind() {
        guard let queuePair = pickQueuePair(), let window = random.pick(windows), let mapping = pickMapping()
        else { return }
        let flags: RequestFlags = random.chance(50) ? .silentSuccess : []
        let isPosted = post(on: queuePair.number, isSilent: !flags.isEmpty) { context throws(PostError) in
            _ = try queuePair.queuePair?.bind(
                window.window, over: mapping.mapping!, 0..<64, access: [.read, .write], context: context, flags: flags)
        }
        if isPosted { counts.add(.bindPosted) }
    }

    func invalidate() {
        let bound = windows.filter { $0.window.remoteMemory != nil }
        guard let queuePair = pickQueuePair(), let window = random.pick(random.chance(10) ? windows : bound)
        else { return }
        let isPosted = post(on: queuePair.number) { context throws(PostError) in
            try queuePair.queuePair?.invalidate(window.window, context: context)
        }
        if isPosted { counts.add(.invalidatePosted) }
    }

    /// The peer invalidates a window that is bound, and this side hears of it before it does anything else: what comes
    /// between, no library can prevent (T1).
    func invalidateByPeer() {
        let bound = device.windows.sorted { $0.key < $1.key }.filter { window in
            // Of one that has failed, this side may hear nothing.
            window.binding.map { !failedQueuePairs.contains($0.queuePair) } ?? false
        }
        guard let target = random.pick(bound), let binding = target.binding,
            // One that this side is about to invalidate itself is that race.
            !device.sends(on: binding.queuePair).contains(where: { $0.operation == .localInvalidate(key: target.key) }),
            device.completeReceive(binding.queuePair, byteCount: 0, invalidating: target.key)
        else { return }
        noteTaken(by: binding.queuePair)
        counts.add(.invalidatedByPeer)
        let isHeard = eventually {
            completionQueues.forEach { take(from: $0) }
            return !windows.contains { $0.window.remoteMemory?.key == target.key }
                && !regions.contains { $0.region.remoteMemory?.key == target.key }
        }
        if !isHeard { objections.append("the window \(target.key) is still bound for this side") }
    }
}
