public import CRDMA

/// What may be done with memory through a key, or with a queue pair by its peer
/// (`ibv_access_flags`).
///
/// Local reading needs no right.
@usableFromInline
package struct AccessRights: OptionSet, Hashable, Sendable {
    /// The bits of `ibv_access_flags`.
    @usableFromInline package let rawValue: UInt32

    /// Takes the bits of `ibv_access_flags`.
    @inlinable package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// The device may write for local requests: receives and reads.
    @inlinable package static var localWrite: Self { Self(rawValue: IBV_ACCESS_LOCAL_WRITE.rawValue) }
    /// A peer may write. A region needs `localWrite` too.
    @inlinable package static var remoteWrite: Self { Self(rawValue: IBV_ACCESS_REMOTE_WRITE.rawValue) }
    /// A peer may read.
    @inlinable package static var remoteRead: Self { Self(rawValue: IBV_ACCESS_REMOTE_READ.rawValue) }
    /// Windows may be bound over a region.
    @inlinable package static var bindWindows: Self { Self(rawValue: IBV_ACCESS_MW_BIND.rawValue) }
    /// The device may reorder its writes; ignored where it cannot.
    @inlinable package static var relaxedOrdering: Self { Self(rawValue: IBV_ACCESS_RELAXED_ORDERING.rawValue) }
}
