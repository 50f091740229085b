/// What may be done with the memory of a region. Local reading needs no right.
public struct RegionAccess: OptionSet, Hashable, Sendable {
    /// The rights as `NDK_MR_FLAG_*` number them.
    public let rawValue: UInt32

    /// Creates rights from their NDK numbers.
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// Local requests may write.
    public static let localWrite = RegionAccess(rawValue: 0x1)
    /// A peer may read.
    public static let remoteRead = RegionAccess(rawValue: 0x2)
    /// A peer may write, and so may local requests.
    public static let remoteWrite = RegionAccess(rawValue: 0x5)
    /// The memory is to be the sink of reads. It is written to locally, where a device needs no more than that.
    public static let readSink = RegionAccess(rawValue: 0x8)

    /// What a peer may do.
    var remote: RemoteAccess {
        var remote: RemoteAccess = []
        if contains(.remoteRead) { remote.insert(.read) }
        if contains(.remoteWrite) { remote.insert(.write) }
        return remote
    }

    /// What local requests may do.
    var local: MemoryAccess {
        isDisjoint(with: [.localWrite, .readSink]) ? .readOnly : .readWrite
    }
}
