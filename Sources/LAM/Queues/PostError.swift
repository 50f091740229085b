/// Why a request was not posted. Nothing was posted, no completion will come, and the queue pair is as it was.
@nonexhaustive
public enum PostError: Error, Hashable, Sendable {
    /// The queue pair is not connected; receives may be posted before, other requests not.
    case notConnected
    /// A request failed, the connection ended, or the queue pair is being closed.
    case ended
    /// As many requests as the queue was created for are posted and not completed; poll, then post again.
    case queueFull(depth: Int)
    /// The queue pair has no receive queue of its own; post to its shared receive queue.
    case receivesAreShared
    /// The request has more elements than the queue was created for.
    case tooManyElements(count: Int, limit: Int)
    /// The element names no live mapping of this adapter: never built, released, or not an address at all.
    case unknownAddress(element: Int)
    /// The element begins in a mapping and ends behind it.
    case beyondMapping(element: Int)
    /// The element is to be written to, as the sink of a receive or a read, and its mapping is read-only.
    case notWritable(element: Int)
    /// The element has another token than the adapter's privileged one.
    case wrongToken(element: Int)
    /// The data of an inline request exceeds what the queue pair was created for.
    case inlineTooLong(bytes: Int, limit: Int)
    /// The message is longer than the adapter can transfer in one request.
    case tooLong(bytes: Int, limit: Int)
    /// A read was asked, and the connection was made without outbound reads.
    case readsNotAllowed
    /// The window is not in a state for the request; the text says in which it is.
    case window(WindowError)
    /// The memory region is not in a state for the request, or what is asked of it cannot be had; the text says why.
    case region(RegionError)
    /// The device refused: the verb, and the `errno` value that it gave.
    case verbFailed(verb: String, errno: Int32)
}

extension PostError: CustomStringConvertible {
    /// What was asked, what the limit is, and what to do.
    public var description: String {
        switch self {
        case .notConnected:
            "the queue pair is not connected; connect it first (only receives may be posted before)"
        case .ended:
            "the queue pair has ended: a request failed, the peer disconnected, or it is being closed"
        case .queueFull(let depth):
            "\(depth) requests are posted and not completed, which is the depth of the queue; poll its completion queue"
        case .receivesAreShared:
            "the queue pair takes its receives from a shared receive queue; post them there"
        case .tooManyElements(let count, let limit):
            "the request has \(count) elements, the queue was created for \(limit)"
        case .unknownAddress(let element):
            "element \(element) names no live mapping of this adapter"
        case .beyondMapping(let element):
            "element \(element) ends behind the mapping in which it begins"
        case .notWritable(let element):
            "element \(element) is in a read-only mapping; a receive or a read needs one that is built for writing"
        case .wrongToken(let element):
            "element \(element) does not carry the adapter's privileged token"
        case .inlineTooLong(let bytes, let limit):
            "\(bytes) bytes inline, the queue pair was created for \(limit)"
        case .tooLong(let bytes, let limit):
            "\(bytes) bytes in one request, the adapter transfers at most \(limit)"
        case .readsNotAllowed:
            "the connection was made with an outbound read limit of 0"
        case .window(let error):
            error.description
        case .region(let error):
            error.description
        case .verbFailed(let verb, let code):
            "\(verb) failed: \(errnoDescription(code))"
        }
    }
}
