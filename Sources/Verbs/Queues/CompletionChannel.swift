internal import CRDMA
internal import Glibc

/// Where armed completion queues announce that there is something to poll (`ibv_comp_channel`).
///
/// The descriptor is non-blocking: wait for it to become readable, then take events until there are
/// none. Ends as every owner of this module does: see `close()`.
@safe
package final class CompletionChannel: Sendable {
    /// The open device.
    package let context: DeviceContext
    // Written once, here; libibverbs channels may be used by any thread.
    nonisolated(unsafe) let raw: UnsafeMutablePointer<ibv_comp_channel>
    private let lifetime = Lifetime()

    /// Creates a channel (`ibv_create_comp_channel`).
    package init(in context: DeviceContext) throws(VerbError) {
        var raw: UnsafeMutablePointer<ibv_comp_channel>?
        try check(
            .createCompletionChannel, unsafe context.verbs.queues.createChannel(context.raw, &raw))
        unsafe self.raw = unsafe created(raw, by: .createCompletionChannel)
        self.context = context
        try setNonBlocking(fileDescriptor)
    }

    deinit {
        lifetime.end(.destroyCompletionChannel, context.verbs) {
            unsafe context.verbs.queues.destroyChannel(raw)
        }
    }

    /// Destroys the channel (`ibv_destroy_comp_channel`).
    ///
    /// - Throws: `EBUSY` while a completion queue uses it. The channel is still there then, and
    ///   `close()` can be called again; after a success it does nothing. Dropping the last
    ///   reference closes too.
    package func close() throws(VerbError) {
        try lifetime.close(.destroyCompletionChannel) {
            unsafe context.verbs.queues.destroyChannel(raw)
        }
    }

    /// Readable when there is an event.
    package var fileDescriptor: CInt { unsafe raw.pointee.fd }

    /// Takes the next event and acknowledges it (`ibv_get_cq_event`, `ibv_ack_cq_events`: a system
    /// call and a lock).
    ///
    /// - Returns: The identifier of the queue, as given to its creation; `nil` when there is no
    ///   event.
    package func nextEvent() throws(VerbError) -> UInt? {
        let verbs = context.verbs.queues
        var queue: UnsafeMutablePointer<ibv_cq>?
        var identifier: UnsafeMutableRawPointer?
        let code = unsafe verbs.getEvent(raw, &queue, &identifier)
        guard code != EAGAIN else { return nil }
        try check(.getCompletionEvent, code)
        // At once, and before anything is told of it: destroying a queue waits for this.
        unsafe verbs.acknowledgeEvents(created(queue, by: .getCompletionEvent), 1)
        return UInt(bitPattern: identifier)
    }
}

/// Makes reading a descriptor return `EAGAIN` instead of waiting.
func setNonBlocking(_ descriptor: CInt) throws(VerbError) {
    let flags = fcntl(descriptor, F_GETFL)
    guard flags >= 0, fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0 else {
        throw VerbError(.setDescriptorMode, errno)
    }
}
