import CNDK

extension EntryPoint {
    /// What a call may return, or its completion say; nil where it returns no status.
    var statuses: Set<KnownStatus>? { Self.table[self] ?? nil }

    /// Whether a status is documented for it.
    func mayReturn(_ status: NTSTATUS) -> Bool {
        KnownStatus(status).map { statuses?.contains($0) ?? false } ?? false
    }

    private static let table = Dictionary(uniqueKeysWithValues: allCases.map { ($0, statuses(of: $0)) })

    private static func statuses(of entry: EntryPoint) -> Set<KnownStatus>? {
        switch entry {
        case .getCallbackDescriptor, .dispatchCallbacks, .statusName, .errorMessage, .releaseLam, .getPrivilegedToken,
            .armCq, .getCqResults, .getCqResultsEx, .flush, .getRemoteTokenFromMr, .getLocalTokenFromMr,
            .getRemoteTokenFromMw, .controlConnectEvents:
            nil
        case .queryAdapterExtension, .queryPdExtension, .queryCqExtension, .querySrqExtension, .queryQpExtension,
            .queryMrExtension, .queryMwExtension, .querySharedEndpointExtension, .queryConnectorExtension,
            .queryListenerExtension:
            [.notSupported]
        case .closePd, .closeCq, .closeSrq, .closeQp, .closeMr, .closeMw, .closeSharedEndpoint, .closeConnector,
            .closeListener:
            [.success, .pending]
        case .openAdapter, .openAdapterByAddress, .openAdapterByInterfaceIndex:
            mistakes.union(device).union([.deviceNotReady, .invalidAddress, .revisionMismatch])
        case .closeAdapter: mistakes.union([.invalidDeviceRequest])
        case .getAdapterStatistics, .queryAdapterInfo, .getSharedEndpointLocalAddress, .getListenerLocalAddress:
            mistakes.union([.bufferTooSmall])
        case .getConnectionData, .getConnectorLocalAddress, .getConnectorPeerAddress:
            mistakes.union([.bufferTooSmall, .connectionInvalid])
        case .createCq, .createPd, .createConnector, .createListener, .createMr, .createMw, .createSrq, .createQp,
            .createQpWithSrq:
            mistakes.union(device)
        case .createSharedEndpoint, .listen: mistakes.union(device).union(addresses).union(pending)
        case .buildLam: mistakes.union(device).union(pending).union([.bufferTooSmall, .accessViolation])
        case .resizeCq, .modifySrq: mistakes.union(device).union([.bufferOverflow])
        case .controlCqInterruptModeration:
            mistakes.union(device).union([.notSupported, .invalidParameterMix])
        case .send, .receive, .read, .write, .sendAndInvalidate, .srqReceive, .bind, .fastRegister, .invalidate: posts
        case .registerMr, .deregisterMr, .initializeFastRegisterMr:
            mistakes.union(device).union(pending).union([
                .invalidDeviceRequest, .accessViolation, .deviceBusy, .implementationLimit,
            ])
        case .connect, .connectWithSharedEndpoint, .completeConnect, .completeConnectEx, .accept, .acceptEx, .reject,
            .disconnect:
            connections
        }
    }

    /// Of arguments that make no sense, and of objects that are closed or of another kind.
    private static let mistakes: Set<KnownStatus> = [.success, .invalidParameter, .invalidDeviceState]
    /// What a device or a system brings about that refuses or is not there any more.
    private static let device: Set<KnownStatus> = [.insufficientResources, .deviceRemoved]
    private static let pending: Set<KnownStatus> = [.pending]
    private static let addresses: Set<KnownStatus> = [
        .invalidAddress, .sharingViolation, .tooManyAddresses, .addressAlreadyExists,
        .invalidDeviceRequest, .cancelled,
    ]
    private static let posts = mistakes.union(device).union([
        .connectionInvalid, .noMoreEntries, .dataOverrun, .bufferOverflow,
        .accessViolation, .invalidDeviceRequest,
    ])
    private static let connections = mistakes.union(device).union(pending).union(addresses).union([
        .connectionInvalid, .connectionRefused, .connectionAborted, .ioTimeout,
        .networkUnreachable, .hostUnreachable, .invalidBufferSize, .cancelled,
    ])

    /// Of a request's result.
    static let results: Set<KnownStatus> = [
        .success, .bufferOverflow, .dataOverrun, .accessViolation, .cancelled,
        .invalidDeviceRequest, .remoteResources, .ioTimeout, .internalError,
    ]
}
