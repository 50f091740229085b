import Glibc

/// Why a connection was refused.
@nonexhaustive
public enum RefusalReason: Hashable, Sendable {
    /// Nobody listens on the port.
    case noListener
    /// The program at the other end said no.
    case peer
    /// The other end still remembers an earlier connection of this queue pair's number; a moment later, or with another
    /// queue pair, it works.
    case staleConnection
    /// The transport's own reason, by its number.
    case transport(Int32)

    /// Translates the status of a REJECTED event.
    init(status: Int32) {
        self =
            switch status {
            // iWARP has no reasons of its own and says it in the words of TCP.
            case 8, -ECONNREFUSED: .noListener
            case 28, -ECONNRESET: .peer
            case 10: .staleConnection
            default: .transport(status)
            }
    }
}
