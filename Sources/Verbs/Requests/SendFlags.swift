public import CRDMA

/// How a send request is carried out (`ibv_send_flags`).
@usableFromInline package struct SendFlags: OptionSet, Hashable, Sendable {
    /// The bits of `ibv_send_flags`.
    @usableFromInline package let rawValue: UInt32

    /// Takes the bits of `ibv_send_flags`.
    @inlinable package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// Starts only when all earlier reads of its queue are complete.
    @inlinable package static var fence: Self { Self(rawValue: IBV_SEND_FENCE.rawValue) }
    /// Produces a completion also when it succeeds.
    @inlinable package static var signaled: Self { Self(rawValue: IBV_SEND_SIGNALED.rawValue) }
    /// Wakes a peer that armed its queue for solicited completions.
    @inlinable package static var solicited: Self { Self(rawValue: IBV_SEND_SOLICITED.rawValue) }
    /// The data is copied while posting; keys are ignored.
    @inlinable package static var inline: Self { Self(rawValue: IBV_SEND_INLINE.rawValue) }
}
