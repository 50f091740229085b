public import Verbs

/// The result of one request: `NDK_RESULT_EX`.
public struct Completion: Hashable, Sendable {
    /// What was given with the request.
    public let context: UInt64
    /// How it ended.
    public let status: CompletionStatus
    /// The number of ``operation``, which is made of it when somebody asks.
    @usableFromInline let operationNumber: UInt16
    /// How many bytes arrived; meaningful for successful receives only.
    public let byteCount: UInt32
    /// The queue pair of the request.
    public let queuePairNumber: UInt32
    /// The device's own code for a failure, zero where it gives none.
    public let vendorError: UInt32
    /// What came with the message; meaningful for ``Operation/receiveAndInvalidate`` only.
    @usableFromInline let messageKey: UInt32

    /// What a labeled entry of a completion queue stands for.
    @inlinable @inline(__always)
    init(_ entry: WorkCompletion) {
        context = entry.identifier
        status = CompletionStatus(rawValue: entry.status.rawValue)
        operationNumber = UInt16(truncatingIfNeeded: entry.operation)
        let isSuccess = status.rawValue == 0
        byteCount = isSuccess ? entry.byteCount : 0
        queuePairNumber = entry.queuePairNumber
        vendorError = isSuccess ? 0 : entry.vendorError
        messageKey = entry.invalidatedKeyOrImmediate
    }

    /// What the request was.
    public var operation: Operation { Operation(rawValue: operationNumber) ?? .receive }

    /// The key of the window that the peer invalidated with its message; nil in any other result.
    public var invalidatedKey: UInt32? { operation == .receiveAndInvalidate ? messageKey : nil }
}

/// How a request ended: `ibv_wc_status`, by the names of the verbs manual.
public struct CompletionStatus: RawRepresentable, Hashable, Sendable {
    /// The number in `ibv_wc.status`.
    public let rawValue: UInt32

    /// Creates a status from the number in `ibv_wc.status`.
    @inlinable
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// The request did what it was to do.
    @inlinable public static var success: CompletionStatus { CompletionStatus(rawValue: 0) }
    /// The message did not fit.
    @inlinable public static var localLengthError: CompletionStatus { CompletionStatus(rawValue: 1) }
    /// The queue pair could not carry the request out; rxe says this of a bad key, too.
    @inlinable public static var localQueuePairOperationError: CompletionStatus { CompletionStatus(rawValue: 2) }
    /// A local element is not covered by its key.
    @inlinable public static var localProtectionError: CompletionStatus { CompletionStatus(rawValue: 4) }
    /// The queue pair ended before the device began with the request.
    @inlinable public static var flushed: CompletionStatus { CompletionStatus(rawValue: 5) }
    /// The window could not be bound.
    @inlinable public static var windowBindError: CompletionStatus { CompletionStatus(rawValue: 6) }
    /// The peer found the request invalid.
    @inlinable public static var remoteInvalidRequest: CompletionStatus { CompletionStatus(rawValue: 9) }
    /// The peer does not allow the access.
    @inlinable public static var remoteAccessError: CompletionStatus { CompletionStatus(rawValue: 10) }
    /// The peer could not carry the request out.
    @inlinable public static var remoteOperationError: CompletionStatus { CompletionStatus(rawValue: 11) }
    /// The peer does not answer.
    @inlinable public static var retriesExceeded: CompletionStatus { CompletionStatus(rawValue: 12) }
    /// The peer had no receive posted for too long.
    @inlinable public static var receiverNotReady: CompletionStatus { CompletionStatus(rawValue: 13) }

    private static let names = [
        "success", "local length error", "local QP operation error", "local EE context operation error",
        "local protection error", "work request flushed", "memory window bind error", "bad response",
        "local access error", "remote invalid request", "remote access error", "remote operation error",
        "transport retries exceeded", "receiver-not-ready retries exceeded", "local RDD violation",
        "remote invalid RD request", "remote aborted", "invalid EE context number", "invalid EE context state",
        "fatal error", "response time-out", "general error",
    ]
}

extension CompletionStatus: CustomStringConvertible {
    /// The name that `ibv_wc_status_str` gives, or the number.
    public var description: String {
        Int(rawValue) < Self.names.count ? Self.names[Int(rawValue)] : "status \(rawValue)"
    }
}
