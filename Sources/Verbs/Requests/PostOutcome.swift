/// What became of a chain that was posted.
@usableFromInline package enum PostOutcome: Hashable, Sendable {
    /// The device has all of it.
    case posted
    /// The device has the requests before `firstUnposted`, and will never see that one and those
    /// after it.
    ///
    /// `ENOMEM` is a full queue, `EINVAL` a request that does not fit the queue pair.
    case refused(firstUnposted: Int, code: CInt)
    /// The device reported an error without naming a request: any of them may be posted, and may be
    /// carried out later.
    ///
    /// rxe does this below the ready-to-send state and while its network is down. Memory stays in
    /// use until the queue pair is destroyed.
    case undetermined(code: CInt)
}
