/// The result of one request: `NDK_RESULT_EX`.
public struct Completion: Hashable, Sendable {
    /// What was given with the request.
    public let context: UInt64
    /// How it ended.
    public let status: CompletionStatus
    /// The number of ``operation``, which is made of it when somebody asks.
    private let operationNumber: UInt16
    /// How many bytes arrived; meaningful for successful receives only.
    public let byteCount: UInt32
    /// The queue pair of the request.
    public let queuePairNumber: UInt32
    /// The device's own code for a failure, zero where it gives none.
    public let vendorError: UInt32

    init(
        context: UInt64, status: CompletionStatus, operation: Operation, byteCount: UInt32 = 0,
        queuePairNumber: UInt32, vendorError: UInt32 = 0
    ) {
        self.context = context
        self.status = status
        operationNumber = operation.rawValue
        self.byteCount = byteCount
        self.queuePairNumber = queuePairNumber
        self.vendorError = vendorError
    }

    /// The completion of a request that was kept with `tag`.
    @inline(__always)
    init(
        context: UInt64, status: CompletionStatus, tag: RequestTag, byteCount: UInt32, queuePairNumber: UInt32,
        vendorError: UInt32
    ) {
        self.context = context
        self.status = status
        operationNumber = tag.operationNumber
        self.byteCount = byteCount
        self.queuePairNumber = queuePairNumber
        self.vendorError = vendorError
    }

    /// What the request was.
    public var operation: Operation { Operation(rawValue: operationNumber) ?? .receive }
}

/// How a request ended: `ibv_wc_status`, by the names of the verbs manual.
public struct CompletionStatus: RawRepresentable, Hashable, Sendable {
    /// The number in `ibv_wc.status`.
    public let rawValue: UInt32

    /// Creates a status from the number in `ibv_wc.status`.
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// The request did what it was to do.
    public static let success = CompletionStatus(rawValue: 0)
    /// The message did not fit.
    public static let localLengthError = CompletionStatus(rawValue: 1)
    /// The queue pair could not carry the request out; rxe says this of a bad key, too.
    public static let localQueuePairOperationError = CompletionStatus(rawValue: 2)
    /// A local element is not covered by its key.
    public static let localProtectionError = CompletionStatus(rawValue: 4)
    /// The queue pair ended before the device began with the request.
    public static let flushed = CompletionStatus(rawValue: 5)
    /// The window could not be bound.
    public static let windowBindError = CompletionStatus(rawValue: 6)
    /// The peer found the request invalid.
    public static let remoteInvalidRequest = CompletionStatus(rawValue: 9)
    /// The peer does not allow the access.
    public static let remoteAccessError = CompletionStatus(rawValue: 10)
    /// The peer could not carry the request out.
    public static let remoteOperationError = CompletionStatus(rawValue: 11)
    /// The peer does not answer.
    public static let retriesExceeded = CompletionStatus(rawValue: 12)
    /// The peer had no receive posted for too long.
    public static let receiverNotReady = CompletionStatus(rawValue: 13)

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

// Sendable: the memory has one owner, who alone reads and writes it.
/// Room for the completions of one poll, reused from poll to poll.
@safe
public struct CompletionBatch: ~Copyable, @unchecked Sendable {
    /// How many completions one poll can give.
    public let capacity: Int
    /// How many the last poll gave.
    public private(set) var count = 0
    private let completions: UnsafeMutablePointer<Completion>

    /// Allocates room for `capacity` completions.
    public init(capacity: Int = 32) {
        precondition(capacity > 0)
        self.capacity = capacity
        unsafe completions = .allocate(capacity: capacity)
    }

    deinit {
        unsafe completions.deallocate()
    }

    /// The positions of the completions of the last poll.
    public var indices: Range<Int> { 0..<count }

    /// One completion of the last poll.
    public subscript(index: Int) -> Completion {
        guard indices.contains(index) else { fatalError("CompletionBatch: index \(index) of \(count)") }
        return unsafe completions[index]
    }

    /// Calls `body` with each completion of the last poll, in order.
    public func forEach<Failure>(_ body: (Completion) throws(Failure) -> Void) throws(Failure) {
        for index in indices { try body(unsafe completions[index]) }
    }

    var isFull: Bool { count == capacity }

    /// How many more completions fit.
    @inline(__always)
    var room: Int { capacity &- count }

    mutating func clear() { count = 0 }

    @inline(__always)
    mutating func append(_ completion: Completion) {
        unsafe (completions + count).initialize(to: completion)
        // No overflow: an allocation is shorter than that.
        count &+= 1
    }
}
