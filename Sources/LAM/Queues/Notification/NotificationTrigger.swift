/// What an armed completion queue notifies of: `NDK_CQ_NOTIFY_*`.
public enum NotificationTrigger: Hashable, Sendable {
    /// The failure of the queue itself, and nothing else.
    case errors
    /// A message that its sender marked with ``RequestFlags/solicitEvent``, or a request that failed, on either side.
    case solicited
    /// The next result, whatever it is.
    case any

    /// What a queue notifies of that is armed for both: whichever comes first.
    ///
    /// Each of the three includes the ones before it.
    func merged(with other: NotificationTrigger) -> NotificationTrigger {
        switch (self, other) {
        case (.any, _), (_, .any): .any
        case (.solicited, _), (_, .solicited): .solicited
        case (.errors, .errors): .errors
        }
    }
}
