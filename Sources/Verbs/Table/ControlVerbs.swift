/// The verbs that create, destroy, register, modify and query: the one door to the C libraries.
///
/// Every owner of this module calls through the table of its device or event channel, so a test
/// replaces single entries: it fails the n-th registration, refuses a deregistration, or plays a
/// whole device. Posting and polling are not here: they are function pointers of `ibv_context.ops`
/// already.
///
/// An entry has the parameters of its C function and returns 0 or an `errno` value.
package struct ControlVerbs: Sendable {
    /// Devices, ports and addresses.
    package var devices: DeviceVerbs
    /// Protection domains, memory regions and memory windows.
    package var memory: MemoryVerbs
    /// Completion channels, completion queues, shared receive queues and queue pairs.
    package var queues: QueueVerbs
    /// Connections.
    package var connections: ConnectionVerbs
    /// Called when an owner went away without `close()` and its verb refused: the object stays in
    /// the kernel until the process ends, and nobody is left who could try again.
    package var abandoned: @Sendable (VerbError) -> Void

    /// The C libraries; what is abandoned is abandoned silently.
    package static let system = ControlVerbs(
        devices: .system, memory: .system, queues: .system, connections: .system,
        abandoned: { _ in })

    /// Composes a table.
    package init(
        devices: DeviceVerbs, memory: MemoryVerbs, queues: QueueVerbs,
        connections: ConnectionVerbs, abandoned: @escaping @Sendable (VerbError) -> Void
    ) {
        self.devices = devices
        self.memory = memory
        self.queues = queues
        self.connections = connections
        self.abandoned = abandoned
    }
}
