import CNDK
import LAM

/// What a call of the interface returns: the numbers of ndktypes.h.
enum Status: UInt32, CaseIterable, Sendable {
    case success = 0
    case pending = 0x0000_0103
    case bufferOverflow = 0x8000_0005
    case deviceBusy = 0x8000_0011
    case noMoreEntries = 0x8000_001A
    case accessViolation = 0xC000_0005
    case invalidParameter = 0xC000_000D
    case invalidDeviceRequest = 0xC000_0010
    case bufferTooSmall = 0xC000_0023
    case invalidParameterMix = 0xC000_0030
    case dataOverrun = 0xC000_003C
    case sharingViolation = 0xC000_0043
    case revisionMismatch = 0xC000_0059
    case insufficientResources = 0xC000_009A
    case deviceNotReady = 0xC000_00A3
    case ioTimeout = 0xC000_00B5
    case notSupported = 0xC000_00BB
    case internalError = 0xC000_00E5
    case cancelled = 0xC000_0120
    case remoteResources = 0xC000_013D
    case invalidAddress = 0xC000_0141
    case invalidDeviceState = 0xC000_0184
    case invalidBufferSize = 0xC000_0206
    case tooManyAddresses = 0xC000_0209
    case addressAlreadyExists = 0xC000_020A
    case connectionRefused = 0xC000_0236
    case connectionInvalid = 0xC000_023A
    case connectionActive = 0xC000_023B
    case networkUnreachable = 0xC000_023C
    case hostUnreachable = 0xC000_023D
    case connectionAborted = 0xC000_0241
    case deviceRemoved = 0xC000_02B6
    case implementationLimit = 0xC000_042B

    /// As C has it.
    @inline(__always)
    var code: NTSTATUS { NTSTATUS(bitPattern: rawValue) }
}

/// Why a call of the interface fails, for the program and for the person who reads its log.
struct StatusError: Error {
    let status: Status
    let reason: Reason

    /// What there is to say, put into words only when somebody asks: a refused post is part of some programs' routine.
    enum Reason {
        case text(String)
        case adapter(AdapterError)
        case mapping(MappingError)
        case connection(ConnectionError)
        case post(PostError)
        case region(RegionError)
    }

    init(_ status: Status, _ message: String) {
        self.status = status
        reason = .text(message)
    }

    init(_ status: Status, because reason: Reason) {
        self.status = status
        self.reason = reason
    }
}

extension StatusError.Reason: CustomStringConvertible {
    var description: String {
        switch self {
        case .text(let text): text
        case .adapter(let error): error.description
        case .mapping(let error): error.description
        case .connection(let error): error.description
        case .post(let error): error.description
        case .region(let error): error.description
        }
    }
}
