import Tracking
import Verbs

/// What is to be bound, and how.
struct BindTarget {
    /// The logical address of the first byte.
    let address: UInt64
    /// How many bytes.
    let length: Int
    /// What the peer may do.
    let access: RemoteAccess
    let reach: Reach
    /// What a local token stands for meanwhile.
    var local: LocalName?
    /// The registration, where its logical address does not lead to it.
    var registration: Registration?

    /// What the peer is to reach.
    enum Reach {
        /// What a window opens: on some devices, all of the registration below it (T37).
        case window
        /// These bytes and no other; at an address of the caller's choice, or the device's.
        case exactly(base: UInt64?)
        /// Nothing.
        case nothing
    }

    /// A token of elements, and the bytes that it names.
    struct LocalName {
        let token: UInt32
        let bytes: RegionBytes
    }
}

/// How a peer gets its access.
enum BindManner {
    /// By a window over the registration that is there.
    case window
    /// By a window that covers a registration of exactly the bytes.
    case windowOverRegistration
    /// By the key of such a registration, where the device has no windows. Every peer of the adapter can use it.
    case registration
    /// Not at all.
    case nothing

    /// Whether an invalidation is a request of its own to the device, and a message of the peer can do it, too.
    var isByWindow: Bool { self == .window || self == .windowOverRegistration }
}

/// What is bound, or about to be.
struct Binding {
    /// What the binding counts as a use of.
    let mapping: MappingID
    let registration: Registration
    let target: BindTarget
    let manner: BindManner
    let queuePair: QueuePairCore
    /// What the peer must name; nil where it may do nothing.
    let remote: RemoteMemory?

    /// Writes the request that invalidates.
    func appendInvalidate(to chain: inout SendChain, identifier: UInt64, flags: SendFlags) {
        if manner.isByWindow, let remote {
            chain.appendLocalInvalidate(identifier: identifier, flags: flags, key: remote.key)
        } else {
            chain.appendNothing(identifier: identifier, flags: flags)
        }
    }
}

/// A request on a send queue that binds or invalidates.
struct BindingOperation {
    let operation: Operation
    let binding: BindingCore
}

extension SendChain {
    /// Completes a request that writes no byte to no address, but has its turn.
    mutating func appendNothing(identifier: UInt64, flags: SendFlags) {
        appendWrite(identifier: identifier, elementCount: 0, flags: flags, remoteAddress: 0, remoteKey: 0)
    }
}

extension AccessRights {
    init(_ access: RemoteAccess) {
        self = []
        if access.contains(.read) { insert(.remoteRead) }
        if access.contains(.write) { insert(.remoteWrite) }
    }
}
