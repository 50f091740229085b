// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation
// The entry points are documented in ndkpi.h and ndk.h.

public import CNDK
import LAM
import Synchronization

extension NDK_ADAPTER_INFO {
    /// What a program is told of an adapter.
    init(_ adapter: Adapter) {
        let info = adapter.info
        self.init()
        Version = ObjectHandle.version
        VendorId = info.vendorID
        DeviceId = info.deviceID
        MaxRegistrationSize = Int(clamping: info.maxRegistrationSize)
        MaxWindowSize = MaxRegistrationSize
        // All fast-registered regions are of one kind; the count is what the interface asks for at least, and more.
        FRMRPageCount = ULONG(clamping: min(info.maxFastRegisterPages, 512))
        MaxInitiatorRequestSge = ULONG(clamping: info.maxSendElements)
        MaxReceiveRequestSge = ULONG(clamping: info.maxReceiveElements)
        MaxReadRequestSge = MaxInitiatorRequestSge
        MaxTransferLength = ULONG(clamping: info.maxTransferLength)
        MaxInlineDataSize = ULONG(clamping: info.maxInlineBytes)
        MaxInboundReadLimit = ULONG(clamping: info.maxInboundReads)
        MaxOutboundReadLimit = ULONG(clamping: info.maxOutboundReads)
        MaxReceiveQueueDepth = ULONG(clamping: info.maxReceiveQueueDepth)
        // One place is the library's own.
        MaxInitiatorQueueDepth = ULONG(clamping: info.maxSendQueueDepth - 1)
        MaxSrqDepth = info.maxSharedReceiveQueues > 0 ? ULONG(clamping: info.maxSharedReceiveQueueDepth) : 0
        MaxCqDepth = ULONG(clamping: info.maxCompletionQueueDepth)
        LargeRequestThreshold = 64 << 10
        MaxCallerData = ULONG(Connector.maxRequestData)
        MaxCalleeData = ULONG(Connector.maxAnswerData)
        AdapterFlags = Self.flags(of: adapter)
        RdmaTechnology = NDK_RDMA_TECHNOLOGY(UInt32(info.technology.rawValue))
    }

    private static func flags(of adapter: Adapter) -> ULONG {
        let flags =
            NDK_ADAPTER_FLAG_RDMA_READ_SINK_NOT_REQUIRED | NDK_ADAPTER_FLAG_MULTI_ENGINE_SUPPORTED
            | NDK_ADAPTER_FLAG_CQ_RESIZE_SUPPORTED | NDK_ADAPTER_FLAG_LOOPBACK_CONNECTIONS_SUPPORTED
            | (adapter.moderatesEvents ? NDK_ADAPTER_FLAG_CQ_INTERRUPT_MODERATION_SUPPORTED : 0)
        return ULONG(bitPattern: flags)
    }
}

@c @implementation
public func ndk_adapter_query_info(
    _ adapter: UnsafeMutablePointer<NDK_ADAPTER>?, _ info: UnsafeMutablePointer<NDK_ADAPTER_INFO>?,
    _ size: UnsafeMutablePointer<ULONG>?
) -> NTSTATUS {
    status { () throws(StatusError) in
        guard let size = unsafe size else { throw StatusError(.invalidParameter, "pBufferSize is NULL") }
        let adapter: AdapterObject = try unsafe ObjectHandle.object(adapter, NdkObjectTypeAdapter)
        let needed = ULONG(MemoryLayout<NDK_ADAPTER_INFO>.size)
        let room = unsafe size.pointee
        unsafe size.pointee = needed
        guard let info = unsafe info, room >= needed else {
            throw StatusError(.bufferTooSmall, "NDK_ADAPTER_INFO has \(needed) bytes, there is room for \(room)")
        }
        unsafe info.initialize(to: NDK_ADAPTER_INFO(adapter.lam))
        return .success
    }
}

@c @implementation
public func NdkGetAdapterStatistics(
    _ adapter: UnsafeMutablePointer<NDK_ADAPTER>?, _ result: UnsafeMutablePointer<NDK_ADAPTER_STATISTICS>?
) -> NTSTATUS {
    status { () throws(StatusError) in
        guard let result = unsafe result else { throw StatusError(.invalidParameter, "pStatistics is NULL") }
        let size = unsafe result.pointee.Size
        guard size >= MemoryLayout<NDK_ADAPTER_STATISTICS>.size else {
            throw StatusError(.bufferTooSmall, "NDK_ADAPTER_STATISTICS.Size is \(size); set it to the structure's size")
        }
        let adapter: AdapterObject = try unsafe ObjectHandle.object(adapter, NdkObjectTypeAdapter)
        let counts = adapter.lam.statistics
        let strays = adapter.strayReleases.load(ordering: .relaxed)
        unsafe result.pointee = NDK_ADAPTER_STATISTICS(
            Size: size, LiveMappings: UInt64(counts.liveMappings), PinnedBytes: UInt64(counts.pinnedBytes),
            Builds: UInt64(counts.builds), Releases: UInt64(counts.releases),
            DeferredReleases: UInt64(counts.deferredReleases), Violations: UInt64(counts.deferredReleases) + strays,
            RefusedDeregistrations: UInt64(counts.refusedDeregistrations))
        return .success
    }
}
