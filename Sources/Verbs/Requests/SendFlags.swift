internal import CRDMA

/// How a send request is carried out (`ibv_send_flags`).
package struct SendFlags: OptionSet, Hashable, Sendable {
    /// The bits of `ibv_send_flags`.
    package let rawValue: UInt32

    /// Takes the bits of `ibv_send_flags`.
    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// Starts only when all earlier reads of its queue are complete.
    package static let fence = Self(IBV_SEND_FENCE)
    /// Produces a completion also when it succeeds.
    package static let signaled = Self(IBV_SEND_SIGNALED)
    /// Wakes a peer that armed its queue for solicited completions.
    package static let solicited = Self(IBV_SEND_SOLICITED)
    /// The data is copied while posting; keys are ignored.
    package static let inline = Self(IBV_SEND_INLINE)

    private init(_ flag: ibv_send_flags) {
        self.init(rawValue: flag.rawValue)
    }
}
