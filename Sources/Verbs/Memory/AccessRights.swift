internal import CRDMA

/// What may be done with memory through a key, or with a queue pair by its peer
/// (`ibv_access_flags`).
///
/// Local reading needs no right.
package struct AccessRights: OptionSet, Hashable, Sendable {
    /// The bits of `ibv_access_flags`.
    package let rawValue: UInt32

    /// Takes the bits of `ibv_access_flags`.
    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// The device may write for local requests: receives and reads.
    package static let localWrite = Self(IBV_ACCESS_LOCAL_WRITE)
    /// A peer may write. A region needs `localWrite` too.
    package static let remoteWrite = Self(IBV_ACCESS_REMOTE_WRITE)
    /// A peer may read.
    package static let remoteRead = Self(IBV_ACCESS_REMOTE_READ)
    /// Windows may be bound over a region.
    package static let bindWindows = Self(IBV_ACCESS_MW_BIND)
    /// The device may reorder its writes; ignored where it cannot.
    package static let relaxedOrdering = Self(IBV_ACCESS_RELAXED_ORDERING)

    private init(_ flag: ibv_access_flags) {
        self.init(rawValue: flag.rawValue)
    }
}
