internal import CRDMA

/// Where the events of connections arrive (`rdma_event_channel`).
///
/// The descriptor is non-blocking: wait for it to become readable, then take events until there are
/// none. The channel lives as long as its identifiers, and ends with its last reference; destroying
/// it cannot fail.
@safe
package final class EventChannel: Sendable {
    let verbs: ControlVerbs
    // Written once, here; librdmacm channels may be used by any thread.
    nonisolated(unsafe) let raw: UnsafeMutablePointer<rdma_event_channel>

    /// Creates a channel (`rdma_create_event_channel`).
    ///
    /// - Throws: `ENODEV` or `ENOENT` when there is no RDMA device or no connection manager in the
    ///   kernel.
    package init(verbs: ControlVerbs = .system) throws(VerbError) {
        var raw: UnsafeMutablePointer<rdma_event_channel>?
        try check(.createEventChannel, unsafe verbs.connections.createChannel(&raw))
        unsafe self.raw = unsafe created(raw, by: .createEventChannel)
        self.verbs = verbs
        try setNonBlocking(fileDescriptor)
    }

    deinit { unsafe verbs.connections.destroyChannel(raw) }

    /// Readable when there is an event.
    package var fileDescriptor: CInt { unsafe raw.pointee.fd }

    /// Takes the next event, copies it and acknowledges it (`rdma_get_cm_event`,
    /// `rdma_ack_cm_event`: system calls).
    ///
    /// One thread at a time: an incoming connection gets its identity here.
    /// - Returns: `nil` when there is no event.
    package func nextEvent() throws(VerbError) -> ConnectionEvent? {
        var raw: UnsafeMutablePointer<rdma_cm_event>?
        let code = unsafe verbs.connections.getEvent(self.raw, &raw)
        guard code != EAGAIN else { return nil }
        try check(.getConnectionEvent, code)
        let event = unsafe created(raw, by: .getConnectionEvent)
        let copy = unsafe self.copy(event.pointee)
        // Before anything else sees the copy: destroying an identifier waits for this.
        try check(.acknowledgeConnectionEvent, unsafe verbs.connections.acknowledgeEvent(event))
        return copy
    }

    private func copy(_ raw: rdma_cm_event) -> ConnectionEvent {
        guard unsafe raw.event == RDMA_CM_EVENT_CONNECT_REQUEST else {
            return unsafe ConnectionEvent(raw, identity: identity(of: raw.id), incoming: nil)
        }
        let incoming = unsafe ConnectionIdentifier(adopting: raw.id, on: self)
        return unsafe ConnectionEvent(
            raw, identity: identity(of: raw.listen_id), incoming: incoming)
    }

    private func identity(of raw: UnsafeMutablePointer<rdma_cm_id>) -> ConnectionIdentity {
        unsafe ConnectionIdentity(number: UInt(bitPattern: raw.pointee.context))
    }
}
