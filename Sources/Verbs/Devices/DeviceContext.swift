internal import CRDMA
internal import Glibc

/// An open device: the parent of everything else.
///
/// Ends as every owner of this module does: see `close()`.
@safe
package final class DeviceContext: Sendable {
    /// The name of the device.
    package let name: String
    /// The table through which this device and all its children call.
    package let verbs: ControlVerbs
    // Written once, here; libibverbs contexts may be used by any thread.
    nonisolated(unsafe) let raw: UnsafeMutablePointer<ibv_context>
    private let lifetime = Lifetime()

    init(
        opening device: UnsafeMutablePointer<ibv_device>, name: String, verbs: ControlVerbs
    ) throws(VerbError) {
        var raw: UnsafeMutablePointer<ibv_context>?
        try check(.openDevice, unsafe verbs.devices.open(device, &raw))
        unsafe self.raw = unsafe created(raw, by: .openDevice)
        self.name = name
        self.verbs = verbs
        try setNonBlocking(eventDescriptor)
    }

    deinit {
        lifetime.end(.closeDevice, verbs) { unsafe verbs.devices.close(raw) }
    }

    /// Closes the device (`ibv_close_device`) once all its children are closed; the verb itself
    /// does not check that.
    ///
    /// - Throws: What the verb answered. The device is still open then, and `close()` can be called
    ///   again; after a success it does nothing. Dropping the last reference closes too.
    package func close() throws(VerbError) {
        try lifetime.close(.closeDevice) { unsafe verbs.devices.close(raw) }
    }

    /// How many completion vectors the device has: event queues that completion queues can be
    /// spread over.
    package var completionVectorCount: Int { unsafe Int(raw.pointee.num_comp_vectors) }

    /// Reads the limits of the device (`ibv_query_device`: a system call).
    package func attributes() throws(VerbError) -> DeviceAttributes {
        var attributes = ibv_device_attr()
        try check(.queryDevice, unsafe verbs.devices.query(raw, &attributes))
        return DeviceAttributes(attributes)
    }

    /// Reads how far events of completion queues can be moderated (`ibv_query_device_ex`: a system call).
    ///
    /// - Returns: The most of each; `off` where the device cannot moderate.
    package func moderationLimits() throws(VerbError) -> Moderation {
        var count: UInt16 = 0
        var microseconds: UInt16 = 0
        try check(.queryDeviceExtended, unsafe verbs.devices.queryModeration(raw, &count, &microseconds))
        return Moderation(count: count, microseconds: microseconds)
    }

    /// Readable when the device reports something by itself.
    package var eventDescriptor: CInt { unsafe raw.pointee.async_fd }

    /// Takes the next of these events and acknowledges it (`ibv_get_async_event`,
    /// `ibv_ack_async_event`: a system call and a lock).
    ///
    /// - Returns: `nil` when there is no event.
    package func nextEvent() throws(VerbError) -> DeviceEvent? {
        var event = unsafe ibv_async_event()
        let code = unsafe verbs.devices.getEvent(raw, &event)
        guard code != EAGAIN else { return nil }
        try check(.getDeviceEvent, code)
        // Before it is acknowledged: the object may be gone after that.
        let copy = unsafe DeviceEvent(event)
        // At once, and before anything is told of it: destroying the object waits for this.
        unsafe verbs.devices.acknowledgeEvent(&event)
        return copy
    }

    /// Reads the state of a port (`ibv_query_port`: a system call).
    ///
    /// - Parameter port: Ports are numbered from 1.
    /// - Returns: What it is now.
    /// - Throws: `EINVAL` when there is no such port.
    package func port(_ port: UInt8) throws(VerbError) -> PortAttributes {
        var attributes = ibv_port_attr()
        try check(.queryPort, unsafe verbs.devices.queryPort(raw, port, &attributes))
        return PortAttributes(attributes)
    }

    /// Reads the addresses of all ports that are in use (`ibv_query_gid_table`: a system call).
    ///
    /// Indices move when addresses come and go, so look an address up when it is needed.
    package func addresses() throws(VerbError) -> [PortAddress] {
        var capacity = 0
        for number in 1...max(1, try attributes().portCount) {
            capacity += try port(number).addressTableLength
        }
        var entries = [ibv_gid_entry](repeating: ibv_gid_entry(), count: capacity)
        var count = 0
        let code = unsafe entries.withUnsafeMutableBufferPointer { entries in
            guard let first = entries.baseAddress else { return CInt(0) }
            return unsafe verbs.devices.queryAddresses(raw, first, capacity, &count)
        }
        try check(.queryAddresses, code)
        return entries.prefix(count).map { entry in PortAddress(entry) }
    }
}

/// The object that a creating verb reported as created.
func created<Object>(
    _ object: UnsafeMutablePointer<Object>?, by verb: Verb
) -> UnsafeMutablePointer<Object> {
    guard let object = unsafe object else { fatalError("\(verb): success without an object") }
    return unsafe object
}
