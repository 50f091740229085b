import Glibc
import LAM

extension StatusError {
    /// Why a mapping could not be built (ndk-semantics: `NdkBuildLam`).
    init(_ error: MappingError) {
        let status: Status =
            switch error {
            case .empty, .lengthExceedsDescriptors, .notContiguous, .addressOverflow, .unmapped: .invalidParameter
            case .notReadable, .notWritable: .accessViolation
            case .closed: .invalidDeviceState
            case .verbFailed(_, let code): Status(errno: code)
            default: .insufficientResources
            }
        self.init(status, because: .mapping(error))
    }

    /// Why an adapter or an object of one could not be had.
    init(_ error: AdapterError) {
        let status: Status =
            switch error {
            case .noDevice, .unknownDevice, .portNotActive: .deviceNotReady
            case .noDeviceWithAddress: .invalidAddress
            case .limitExceeded: .invalidParameter
            case .closed, .survivors, .queuePairsLeft: .invalidDeviceState
            case .insideCallback: .invalidDeviceRequest
            case .moderationNotSupported: .notSupported
            case .moderationUnlimited: .invalidParameterMix
            case .completionsLost: .internalError
            case .verbFailed(_, let code): Status(errno: code)
            default: .insufficientResources
            }
        self.init(status, because: .adapter(error))
    }

    /// Why two ends did not come together, or apart.
    init(_ error: ConnectionError) {
        let status: Status =
            switch error {
            case .refused: .connectionRefused
            case .networkUnreachable: .networkUnreachable
            case .hostUnreachable: .hostUnreachable
            case .timedOut: .ioTimeout
            case .aborted: .connectionAborted
            case .cancelled: .cancelled
            case .addressInUse: .sharingViolation
            case .addressAlreadyExists: .addressAlreadyExists
            case .noPortLeft: .tooManyAddresses
            case .endpointClosed: .invalidDeviceState
            case .addressNotAvailable, .portNotAllowed, .otherDevice: .invalidAddress
            case .privateDataTooLong: .invalidBufferSize
            case .wrongState: .connectionInvalid
            case .queuePairNotUsable: .invalidParameter
            case .deviceRemoved: .deviceRemoved
            case .adapterClosed: .invalidDeviceState
            case .verbFailed(_, let code): Status(errno: code)
            }
        self.init(status, because: .connection(error))
    }

    /// Why a request was not posted.
    init(_ error: PostError) {
        let status: Status =
            switch error {
            case .notConnected, .ended: .connectionInvalid
            case .queueFull: .noMoreEntries
            case .tooManyElements, .beyondMapping: .dataOverrun
            case .inlineTooLong, .tooLong: .bufferOverflow
            case .unknownAddress, .notWritable, .wrongToken: .accessViolation
            case .receivesAreShared, .readsNotAllowed: .invalidDeviceRequest
            case .window(let reason): Status(reason)
            case .region(let reason): Status(reason)
            case .verbFailed(_, let code): code == ENOMEM ? .noMoreEntries : Status(errno: code)
            }
        self.init(status, because: .post(error))
    }

    /// Why a region could not be registered, or not be deregistered.
    init(_ error: RegionError) {
        if case .memory(let reason) = error {
            self.init(reason)
        } else {
            self.init(Status(error), because: .region(error))
        }
    }
}

extension Status {
    /// What a refused window operation means.
    fileprivate init(_ error: WindowError) {
        self =
            switch error {
            case .notWritable: .accessViolation
            case .noRights, .emptyRange, .otherAdapter: .invalidParameter
            default: .invalidDeviceRequest
            }
    }

    /// What a refused operation on a region means.
    fileprivate init(_ error: RegionError) {
        self =
            switch error {
            case .noRemoteAccess: .accessViolation
            case .otherAdapter, .beyondPages, .badBase, .pagesNotConsecutive, .pageCount: .invalidParameter
            case .inUse: .deviceBusy
            case .verbFailed(_, let code): Status(errno: code)
            default: .invalidDeviceRequest
            }
    }

    /// What an `errno` value of a verb means where nothing more is known of it.
    init(errno code: Int32) {
        self =
            switch code {
            case ENOMEM, EPERM, EAGAIN, EMFILE, ENFILE, ENOSPC: .insufficientResources
            case EINVAL, EFAULT: .invalidParameter
            case EOPNOTSUPP, ENOSYS: .notSupported
            case EIO, ENODEV: .deviceRemoved
            case EBUSY: .deviceBusy
            case EADDRINUSE: .sharingViolation
            case EADDRNOTAVAIL, EACCES: .invalidAddress
            case ENETUNREACH: .networkUnreachable
            case EHOSTUNREACH: .hostUnreachable
            case ETIMEDOUT: .ioTimeout
            default: .internalError
            }
    }

    /// What the status of a completion means for the operation that completed.
    init(_ status: CompletionStatus, of operation: LAM.Operation) {
        let isReceive = operation == .receive
        self =
            switch status {
            case .success: .success
            case .localLengthError: isReceive ? .bufferOverflow : .dataOverrun
            // Elements were checked when they were posted, so that a receive was too small.
            case .localQueuePairOperationError:
                isReceive ? .bufferOverflow : operation == .invalidate ? .invalidDeviceRequest : .accessViolation
            case .localProtectionError, .windowBindError, CompletionStatus(rawValue: 8): .accessViolation
            case .flushed: .cancelled
            case .remoteInvalidRequest: isReceive ? .invalidDeviceRequest : .remoteResources
            case .remoteAccessError, .remoteOperationError, CompletionStatus(rawValue: 16): .remoteResources
            case .retriesExceeded, .receiverNotReady, CompletionStatus(rawValue: 20): .ioTimeout
            default: .internalError
            }
    }
}
