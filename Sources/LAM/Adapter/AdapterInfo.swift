/// What an adapter can do: `NDK_ADAPTER_INFO`, as the device reports it.
public struct AdapterInfo: Hashable, Sendable {
    /// The device's name, for example `mlx5_0` or `rxe0`.
    public let name: String
    /// The port that the adapter uses, from 1.
    public let port: UInt8
    /// The GID of the port that connections use; on RoCE it contains the IP address.
    public let address: IPAddress
    /// The index of that GID in the port's table.
    public let gidIndex: UInt8
    /// The local identifier of the port; 0 on RoCE.
    public let lid: UInt16
    /// How packets travel.
    public let technology: RDMATechnology
    /// The vendor's number (OUI).
    public let vendorID: UInt32
    /// The vendor's number of the device.
    public let deviceID: UInt32
    /// Bytes of payload in one packet.
    public let pathMTU: Int
    /// The firmware's version as the vendor writes it.
    public let firmwareVersion: String

    /// Bytes of one mapping.
    public let maxRegistrationSize: UInt64
    /// How many registrations the device holds.
    public let maxRegistrations: Int
    /// How many windows the device holds.
    public let maxWindows: Int
    /// Elements of a send, a write or a read.
    public let maxSendElements: Int
    /// Elements of a receive.
    public let maxReceiveElements: Int
    /// Bytes of one send, receive, read or write, over all its elements.
    public let maxTransferLength: Int
    /// Bytes of an inline request.
    public let maxInlineBytes: Int
    /// Reads of a peer that one queue pair answers at a time.
    public let maxInboundReads: Int
    /// Reads that one queue pair has under way at a time.
    public let maxOutboundReads: Int
    /// Requests that may be posted to a send queue and not completed.
    public let maxSendQueueDepth: Int
    /// Receives that may be posted and not completed.
    public let maxReceiveQueueDepth: Int
    /// How many shared receive queues the device holds; 0 where it has none.
    public let maxSharedReceiveQueues: Int
    /// Receives that may be posted to a shared receive queue and not completed.
    public let maxSharedReceiveQueueDepth: Int
    /// Elements of a receive of a shared receive queue.
    public let maxSharedReceiveElements: Int
    /// Results that a completion queue can hold.
    public let maxCompletionQueueDepth: Int
    /// Whether windows of type 2 are tied to a queue pair, which revocable access by a peer needs.
    public let hasWindows: Bool

    /// Whether a peer reaches no further than the range of a window.
    ///
    /// Some check its rights, but only the bounds of the mapping below it (T37), and none says so. True of devices that
    /// are known to check the range as well; what is to be confined is registered by itself on all others.
    public var confinesWindows: Bool { vendorID == Self.mellanox }

    /// A window of theirs is a key with a start and a length of its own.
    private static let mellanox: UInt32 = 0x02_C9

    /// Throws unless `asked` is in 0...`limit`.
    func check(_ what: String, _ asked: Int, atMost limit: Int) throws(AdapterError) {
        guard asked >= 0, asked <= limit else {
            throw .limitExceeded(what: what, asked: asked, limit: limit)
        }
    }

    /// The options with read limits that the device has.
    func capped(_ options: ConnectionOptions) -> ConnectionOptions {
        var options = options
        options.inboundReadLimit = UInt8(min(Int(options.inboundReadLimit), maxInboundReads))
        options.outboundReadLimit = UInt8(min(Int(options.outboundReadLimit), maxOutboundReads))
        return options
    }
}

/// How RDMA packets travel; the numbers are those of `NDK_RDMA_TECHNOLOGY`.
public enum RDMATechnology: Int, Hashable, Sendable, CustomStringConvertible {
    /// Over TCP.
    case iWARP = 1
    /// Over an InfiniBand fabric.
    case infiniBand = 2
    /// Over Ethernet frames.
    case roce = 3
    /// Over UDP.
    case roceV2 = 4

    /// The usual name.
    public var description: String {
        switch self {
        case .iWARP: "iWARP"
        case .infiniBand: "InfiniBand"
        case .roce: "RoCE"
        case .roceV2: "RoCEv2"
        }
    }
}
