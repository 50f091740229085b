import CNDK

/// A status of the interface, by its name in ndktypes.h. Its macros have no values in Swift.
enum KnownStatus: String, CaseIterable {
    case success = "STATUS_SUCCESS"
    case pending = "STATUS_PENDING"
    case bufferOverflow = "STATUS_BUFFER_OVERFLOW"
    case deviceBusy = "STATUS_DEVICE_BUSY"
    case noMoreEntries = "STATUS_NO_MORE_ENTRIES"
    case accessViolation = "STATUS_ACCESS_VIOLATION"
    case invalidParameter = "STATUS_INVALID_PARAMETER"
    case invalidDeviceRequest = "STATUS_INVALID_DEVICE_REQUEST"
    case bufferTooSmall = "STATUS_BUFFER_TOO_SMALL"
    case invalidParameterMix = "STATUS_INVALID_PARAMETER_MIX"
    case dataOverrun = "STATUS_DATA_OVERRUN"
    case sharingViolation = "STATUS_SHARING_VIOLATION"
    case revisionMismatch = "STATUS_REVISION_MISMATCH"
    case insufficientResources = "STATUS_INSUFFICIENT_RESOURCES"
    case deviceNotReady = "STATUS_DEVICE_NOT_READY"
    case ioTimeout = "STATUS_IO_TIMEOUT"
    case notSupported = "STATUS_NOT_SUPPORTED"
    case internalError = "STATUS_INTERNAL_ERROR"
    case cancelled = "STATUS_CANCELLED"
    case remoteResources = "STATUS_REMOTE_RESOURCES"
    case invalidAddress = "STATUS_INVALID_ADDRESS"
    case invalidDeviceState = "STATUS_INVALID_DEVICE_STATE"
    case invalidBufferSize = "STATUS_INVALID_BUFFER_SIZE"
    case tooManyAddresses = "STATUS_TOO_MANY_ADDRESSES"
    case addressAlreadyExists = "STATUS_ADDRESS_ALREADY_EXISTS"
    case connectionRefused = "STATUS_CONNECTION_REFUSED"
    case connectionInvalid = "STATUS_CONNECTION_INVALID"
    case connectionActive = "STATUS_CONNECTION_ACTIVE"
    case networkUnreachable = "STATUS_NETWORK_UNREACHABLE"
    case hostUnreachable = "STATUS_HOST_UNREACHABLE"
    case connectionAborted = "STATUS_CONNECTION_ABORTED"
    case deviceRemoved = "STATUS_DEVICE_REMOVED"
    case implementationLimit = "STATUS_IMPLEMENTATION_LIMIT"

    /// nil for a number that is no status.
    init?(_ status: NTSTATUS) {
        guard let known = Self.known[status] else { return nil }
        self = known
    }

    private static let known: [NTSTATUS: KnownStatus] = {
        // Where all of them are.
        let severities: [UInt32] = [0, 0x8000_0000, 0xC000_0000]
        let codes = severities.flatMap { severity in (0..<0x500).map { NTSTATUS(bitPattern: severity | $0) } }
        let named = codes.compactMap { code in KnownStatus(rawValue: name(code)).map { (code, $0) } }
        precondition(named.count == allCases.count, "a status has no number")
        return Dictionary(uniqueKeysWithValues: named)
    }()
}

/// The name of a status.
func name(_ status: NTSTATUS) -> String {
    unsafe NdkStatusName(status).map { unsafe String(cString: $0) } ?? "?"
}
