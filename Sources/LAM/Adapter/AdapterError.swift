import Verbs

/// Why an adapter, or an object of one, could not be had.
@nonexhaustive
public enum AdapterError: Error, Hashable, Sendable {
    /// The machine has no RDMA device, or its kernel no RDMA support.
    case noDevice
    /// No device has the name; these are there.
    case unknownDevice(String, available: [String])
    /// No device has a port with the address.
    case noDeviceWithAddress(IPAddress)
    /// No port of the device is active: the name, and the state of its port.
    case portNotActive(device: String, port: UInt8, state: String)
    /// More was asked for than the adapter can do.
    case limitExceeded(what: String, asked: Int, limit: Int)
    /// The system does not let this process pin the one page that an adapter needs for itself.
    case pinLimit(PinLimitReport)
    /// The adapter is closed or closing.
    case closed
    /// The device lost completions of this queue, or gave it up. Every queue pair that completes on it is being ended;
    /// when these are closed, all mappings are free.
    case completionsLost
    /// The device failed as a whole, or was removed. Close everything, then open an adapter anew.
    case deviceFailed
    /// The device cannot raise fewer events than it has completions.
    case moderationNotSupported
    /// A moderation was asked that would never raise an event: limited neither by a count nor by an interval.
    case moderationUnlimited
    /// The queue was not closed in the time that was given, because these queue pairs use it.
    case queuePairsLeft(numbers: [UInt32])
    /// The adapter cannot be closed by one of its own callbacks.
    case insideCallback
    /// The adapter was not closed in the time that was given, because these are left.
    case survivors(Survivors)
    /// A verb failed: which one, and the `errno` value that it gave.
    case verbFailed(verb: String, errno: Int32)

    init(_ error: VerbError) {
        self = .verbFailed(verb: error.verb.description, errno: error.code)
    }

    /// Why an adapter could not be opened. Of what it does, only the registration of the token's page pins anything.
    init(opening error: VerbError) {
        let report =
            error.verb == .registerRegion
            ? PinLimitReport.diagnose(askedBytes: PageSpan.hostPageSize, errno: error.code) : nil
        self = report.map(Self.pinLimit) ?? AdapterError(error)
    }
}

extension AdapterError: CustomStringConvertible {
    /// What was asked, what the limit is, and what to do.
    public var description: String {
        switch self {
        case .noDevice:
            """
            there is no RDMA device. `lam doctor` says why; a software device on an Ethernet interface is made by \
            `modprobe rdma_rxe && rdma link add rxe0 type rxe netdev INTERFACE`
            """
        case .unknownDevice(let name, let available):
            "there is no RDMA device \(name); there \(available.count == 1 ? "is" : "are") \(available.joined(separator: ", "))"
        case .noDeviceWithAddress(let address):
            "no RDMA device has the address \(address); `lam devices` lists the addresses that they have"
        case .portNotActive(let device, let port, let state):
            "port \(port) of \(device) is \(state); bring its network interface up"
        case .limitExceeded(let what, let asked, let limit):
            "\(asked) \(what) asked, the adapter allows \(limit)"
        case .pinLimit(let report):
            report.description
        case .closed:
            "the adapter is closed"
        case .completionsLost:
            "the device lost completions of this queue; close the queue pairs that complete on it"
        case .deviceFailed:
            "the device failed, or was removed; close everything that uses the adapter, and open another when it is back"
        case .moderationNotSupported:
            "the device does not moderate its events; poll the queue less often instead"
        case .moderationUnlimited:
            "a moderation needs a count of at most the queue's depth, an interval, or both"
        case .queuePairsLeft(let numbers):
            "the queue is still used by queue pairs \(numbers); it ends when they are closed"
        case .insideCallback:
            "an adapter's close waits for its callbacks and cannot be called by one; have another thread or a task do it"
        case .survivors(let survivors):
            "the adapter is still used by:\n\(survivors)"
        case .verbFailed(let verb, let code):
            "\(verb) failed: \(errnoDescription(code)); `lam doctor` looks for the cause"
        }
    }
}
