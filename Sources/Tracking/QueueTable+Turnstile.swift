/// What others than the poster do with a queue.
extension QueueTable {
    /// Keeps the poster out, from its next post on. After a barrier, and once `isPosting` is false, the caller is
    /// alone with the queue and may post in the poster's stead, requests that name no mapping.
    ///
    /// Whoever shuts the queue next holds it even if it is barred.
    /// - Returns: false if somebody else does so, or the queue is barred, shut or closed.
    package func hold(_ queue: QueueID, evenIfBarred: Bool = false) -> Bool {
        unsafe state(of: queue)?.pointee.turnstile.hold(evenIfBarred: evenIfBarred) ?? false
    }

    /// Keeps the poster out for the time being, unless somebody holds the queue.
    package func bar(_ queue: QueueID) {
        unsafe state(of: queue)?.pointee.turnstile.bar()
    }

    /// Ends what `bar` began.
    package func unbar(_ queue: QueueID) {
        unsafe state(of: queue)?.pointee.turnstile.unbar()
    }

    /// Whether a post that began before the barrier is still going on.
    package func isPosting(_ queue: QueueID) -> Bool {
        unsafe state(of: queue)?.pointee.turnstile.isOwnerInside ?? false
    }

    /// Whether the poster is kept out for good.
    package func isShut(_ queue: QueueID) -> Bool {
        unsafe state(of: queue)?.pointee.turnstile.isShut ?? true
    }

    /// Lets the poster pass again.
    package func release(_ queue: QueueID) {
        unsafe state(of: queue)?.pointee.turnstile.release()
    }

    /// Keeps the poster out for good; the caller holds the queue.
    package func shut(_ queue: QueueID) {
        unsafe state(of: queue)?.pointee.turnstile.shut()
    }

    /// Whether the poster has been outside at some moment since this was called.
    func posterHasLeft(_ queue: QueueID) -> Bool {
        unsafe state(of: queue)?.pointee.turnstile.ownerHasLeft() ?? true
    }
}
