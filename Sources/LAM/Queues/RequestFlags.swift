/// How a request is carried out: the flags that NDK has for every initiator operation.
public struct RequestFlags: OptionSet, Hashable, Sendable {
    /// The flags as `NDK_OP_FLAG_*` number them.
    public let rawValue: UInt32

    /// Creates flags from their NDK numbers.
    @inlinable
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// Whether one flag is set; `contains` is generic, and its cost shows on the way of a request.
    @inlinable @inline(__always)
    func has(_ flag: RequestFlags) -> Bool { rawValue & flag.rawValue != 0 }

    /// Whether the request is to be kept or copied, and not to be posted as it is.
    @inlinable @inline(__always)
    var isUnusual: Bool { rawValue & (Self.defer.rawValue | Self.inline.rawValue) != 0 }

    /// Success produces no completion; failure does. The request is unsignaled, so its success costs nothing.
    @inlinable public static var silentSuccess: RequestFlags { RequestFlags(rawValue: 0x001) }
    /// The device does not begin before all earlier reads of the queue have completed.
    @inlinable public static var readFence: RequestFlags { RequestFlags(rawValue: 0x002) }
    /// The peer's completion queue, if armed for solicited completions, notifies.
    @inlinable public static var solicitEvent: RequestFlags { RequestFlags(rawValue: 0x004) }
    /// The data is copied during the call; the memory need not stay. A request may then have any number of elements, up to
    /// ``QueuePairCapacity/inlineBytes``, whose tokens do not matter. It is never deferred. Means nothing for a read.
    @inlinable public static var inline: RequestFlags { RequestFlags(rawValue: 0x040) }
    /// Beside ``inline``: an element whose token is nobody's names an address of the process, which its caller vouches for.
    @inlinable package static var processMemory: RequestFlags { RequestFlags(rawValue: 0x8000_0000) }
    /// The key of a read's first sink would be invalid after it. No adapter can do that, so the flag is passed over.
    @inlinable public static var readLocalInvalidate: RequestFlags { RequestFlags(rawValue: 0x100) }
    /// The device is told together with the next request that does not have this flag.
    @inlinable public static var `defer`: RequestFlags { RequestFlags(rawValue: 0x200) }
}

/// What a request does, as its completion reports it. The numbers are those of `NDK_OPERATION_TYPE`.
public enum Operation: UInt16, Hashable, Sendable {
    /// A receive.
    case receive = 1
    /// A send, with or without invalidation of the peer's window.
    case send = 2
    /// The registration of pages with a ``MemoryRegion``.
    case fastRegister = 4
    /// The binding of a window.
    case bind = 8
    /// The invalidation of a window, or of a fast registration.
    case invalidate = 16
    /// A read of a peer's memory.
    case read = 32
    /// A write to a peer's memory.
    case write = 64
    /// A receive whose message invalidated a window or a fast registration of this side: ``Completion/invalidatedKey``.
    case receiveAndInvalidate = 0x8001

    /// Whether it is a receive, of either kind.
    public var isReceive: Bool { self == .receive || self == .receiveAndInvalidate }

    /// Whether it is one of those that change what a peer may do.
    @inlinable @inline(__always)
    var isBinding: Bool { self == .fastRegister || self == .bind || self == .invalidate }
}

/// What the library keeps with a request until it is retired, in 32 bits.
@usableFromInline
struct RequestTag: Sendable {
    @usableFromInline let rawValue: UInt32

    // The lowest bit, as in `RequestFlags`; the operation is above.
    @inlinable static var silentBit: UInt32 { RequestFlags.silentSuccess.rawValue }
    @inlinable static var markerBit: UInt32 { 1 << 1 }
    @inlinable static var bindingBit: UInt32 { 1 << 2 }
    @inlinable static var operationShift: UInt32 { 16 }

    @inlinable @inline(__always)
    init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    @inlinable @inline(__always)
    init(_ operation: Operation, isSilent: Bool) {
        rawValue =
            UInt32(operation.rawValue) << Self.operationShift | (isSilent ? Self.silentBit : 0)
            | (operation.isBinding ? Self.bindingBit : 0)
    }

    /// The library's own request, posted behind an unsignaled tail; nobody hears of it.
    static let marker = RequestTag(
        rawValue: RequestTag(.write, isSilent: true).rawValue | markerBit)

    var operationNumber: UInt16 { UInt16(truncatingIfNeeded: rawValue >> Self.operationShift) }
    var operation: Operation { Operation(rawValue: operationNumber) ?? .receive }
    var isSilent: Bool { rawValue & Self.silentBit != 0 }
    var isMarker: Bool { rawValue & Self.markerBit != 0 }
    var concernsBinding: Bool { rawValue & Self.bindingBit != 0 }
    /// Whether it is none of these.
    var isUsual: Bool { rawValue & (Self.silentBit | Self.markerBit | Self.bindingBit) == 0 }
}
