import Tracking
import Verbs

/// What the reaper has in hand. Touched by its thread only.
struct ReaperWork: Sendable {
    private let core: AdapterCore
    private var waiting: [any Reapable] = []
    private var refused: [Refusal] = []
    /// How often the device refused to unpin the token's page.
    private var tokenRefusals = 0
    private var isTokenRefused: Bool { tokenRefusals > 0 }

    /// What nothing uses and the device still does not let go. Never given up.
    private struct Refusal {
        let closed: any Reapable
        var pause: Duration
        var nextTry: MonotonicTime

        static let firstPause = Duration.milliseconds(1)
        static let longestPause = Duration.seconds(1)
    }

    init(_ core: AdapterCore) {
        self.core = core
    }

    /// How long an idle mapping may stay pinned.
    var unpinDeadline: Duration { core.options.unpinDeadline }

    /// Whether nothing is left to look after.
    var isDone: Bool { waiting.isEmpty && refused.isEmpty && !isTokenRefused }

    /// Whether the device refuses to let something go.
    var isRefused: Bool { !refused.isEmpty || isTokenRefused }

    /// Unpins the last page of an adapter that nobody has any more.
    ///
    /// - Returns: false if the device refused, so that it must be asked again.
    mutating func finish() -> Bool {
        if let error = core.token.release() {
            tokenRefusals += 1
            core.noteRefusalOfToken(error, attempt: tokenRefusals)
        } else {
            tokenRefusals = 0
        }
        return !isTokenRefused
    }

    /// Takes closed mappings in.
    mutating func add(_ closed: [any Reapable]) {
        guard !closed.isEmpty else { return }
        // One barrier for the batch: from here on every poster either sees the mappings closed or has left its fence.
        core.orderPosts()
        waiting += closed
    }

    /// Unpins what is idle, and helps on what is not.
    ///
    /// - Returns: whether anything was unpinned.
    mutating func advance() -> Bool {
        let before = waiting.count + refused.count
        // Before anything is looked at: what is still in use then was so now.
        let now = MonotonicTime.now
        waiting = waiting.filter { closed in
            let isInUse = !unpin(closed)
            if isInUse { closed.noteUse(at: now) }
            return isInUse
        }
        retryRefused()
        if isTokenRefused { _ = finish() }
        core.help(waiting.map(\.id))
        return waiting.count + refused.count < before
    }

    /// - Returns: false if something still uses the mapping.
    private mutating func unpin(_ closed: any Reapable) -> Bool {
        guard core.mappings.isIdle(closed.id) else { return false }
        do {
            try closed.reap(in: core)
        } catch {
            let pause = Refusal.firstPause
            refused.append(Refusal(closed: closed, pause: pause, nextTry: .now.advanced(by: pause)))
        }
        return true
    }

    private mutating func retryRefused() {
        let now = MonotonicTime.now
        refused = refused.compactMap { refusal in
            guard refusal.nextTry <= now else { return refusal }
            do {
                try refusal.closed.reap(in: core)
                return nil
            } catch {
                var refusal = refusal
                refusal.pause = min(refusal.pause * 2, Refusal.longestPause)
                refusal.nextTry = now.advanced(by: refusal.pause)
                return refusal
            }
        }
    }
}
