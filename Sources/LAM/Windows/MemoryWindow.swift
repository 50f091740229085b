import Verbs

/// A peer's way to a mapping: `NDK_MW`, a memory window of type 2.
///
/// A window is bound to a range of one mapping on one queue pair, and gives the peer of that queue pair the rights that
/// were asked for. It counts as a use of the mapping, because a peer's access is invisible here, until it is certainly
/// dead: invalidated, its queue pair ended, or the window itself dropped.
///
/// Dropping a bound window ends the peer's access before it returns.
public struct MemoryWindow: ~Copyable, Sendable {
    let core: BindingCore

    init(core: BindingCore) {
        self.core = core
    }

    deinit {
        core.abandon()
    }

    /// What a peer must name to reach the range: valid from the return of `bind` until the invalidation.
    ///
    /// A peer may be told by a message posted on the same queue pair after the bind; by any other way only after the
    /// bind's completion.
    public var remoteMemory: RemoteMemory? { core.remoteMemory }
}

/// What a peer may do with the range of a window.
public struct RemoteAccess: OptionSet, Hashable, Sendable {
    /// The rights as `NDK_OP_FLAG_ALLOW_REMOTE_*` number them, less the local right that writing includes.
    public let rawValue: UInt32

    /// Creates rights from their NDK numbers.
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// The peer may read.
    public static let read = RemoteAccess(rawValue: 0x08)
    /// The peer may write.
    public static let write = RemoteAccess(rawValue: 0x20)
}

/// Why a window could not be bound or invalidated. Nothing was posted; the queue pair is as it was.
@nonexhaustive
public enum WindowError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The window is bound, or about to be; invalidate it first.
    case alreadyBound
    /// The window is not bound, or not any more.
    case notBound
    /// The window is bound on another queue pair.
    case boundElsewhere
    /// The window was created by another adapter than the queue pair.
    case otherAdapter
    /// The bind has not completed yet; poll its completion, then invalidate.
    case stillBinding
    /// A window gives at least one right.
    case noRights
    /// A window covers at least one byte.
    case emptyRange
    /// The device would let the peer reach all of the arena that the mapping is cut from
    /// (``AdapterInfo/confinesWindows``); build a mapping over memory of its own.
    case notConfined
    /// The mapping is read-only, and windows need one that is built for writing, also those that only allow reading.
    case notWritable

    /// What is wrong and what to do.
    public var description: String {
        switch self {
        case .alreadyBound: "the window is bound; invalidate it before binding it again"
        case .notBound: "the window is not bound"
        case .boundElsewhere: "the window is bound on another queue pair; invalidate it there"
        case .otherAdapter: "the window is of another adapter than the queue pair"
        case .stillBinding: "the window's bind has not completed; poll its completion first"
        case .noRights: "a window must give the peer the right to read, to write, or both"
        case .emptyRange: "a window must cover at least one byte"
        case .notConfined:
            "this device would open the whole arena to the peer; build a mapping over memory of its own for the window"
        case .notWritable: "the mapping is read-only; a window needs one that is built for writing"
        }
    }
}

extension Adapter {
    /// Creates a window that is not bound: `NdkCreateMw`.
    public func createMemoryWindow() throws(AdapterError) -> MemoryWindow {
        try checkOpen()
        let device: BindingDevice
        do { device = BindingDevice(window: try Verbs.MemoryWindow(in: core.domain)) } catch {
            throw AdapterError(error)
        }
        return MemoryWindow(core: BindingCore(of: self, CountedChild(.window, of: core), device))
    }
}
