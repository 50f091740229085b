/// Bytes that a request sends or receives, as the adapter sees them: `NDK_SGE`.
public struct ScatterGatherElement: Hashable, Sendable {
    /// The logical address of the first byte.
    public var address: LogicalAddress
    /// How many bytes. An element of no bytes is allowed and ignored.
    public var length: UInt32
    /// The adapter's ``Adapter/privilegedToken``. An inline request ignores it.
    public var token: UInt32

    /// Creates an element; ``LogicalAddressMapping/element(_:)`` is the usual way to one.
    public init(address: LogicalAddress, length: UInt32, token: UInt32) {
        self.address = address
        self.length = length
        self.token = token
    }
}

/// Memory of a peer that a read or a write names.
///
/// The peer binds a ``MemoryWindow`` and tells address and key by a message.
public struct RemoteMemory: Hashable, Sendable {
    /// The address that the peer's window has for its first byte.
    public var address: UInt64
    /// The window's remote key (rkey).
    public var key: UInt32

    /// Creates the name of a peer's memory from what the peer said.
    @inlinable
    public init(address: UInt64, key: UInt32) {
        self.address = address
        self.key = key
    }

    /// The same window, `offset` bytes further.
    public func advanced(by offset: UInt64) -> RemoteMemory {
        RemoteMemory(address: address &+ offset, key: key)
    }
}
