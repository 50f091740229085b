import Verbs

extension AdapterInfo {
    /// Reads what the device reports.
    init(_ device: DeviceContext, at address: PortAddress, port: PortAttributes) throws(VerbError) {
        let attributes = try device.attributes()
        self.init(
            name: device.name,
            port: address.port,
            address: IPAddress(address.identifier),
            gidIndex: UInt8(truncatingIfNeeded: address.index),
            lid: port.localIdentifier,
            technology: RDMATechnology(address.kind, port.linkLayer),
            vendorID: attributes.vendorID,
            deviceID: attributes.vendorPartID,
            pathMTU: port.activePathMTU.bytes,
            firmwareVersion: attributes.firmwareVersion,
            maxRegistrationSize: attributes.maxRegionBytes,
            maxRegistrations: attributes.maxRegions,
            maxWindows: attributes.maxWindows,
            maxSendElements: attributes.maxElements,
            maxReceiveElements: attributes.maxElements,
            maxTransferLength: Int(port.maxMessageBytes),
            maxInlineBytes: try Self.probeInlineBytes(device),
            maxInboundReads: min(attributes.maxInboundReads, 255),
            maxOutboundReads: min(attributes.maxOutboundReads, 255),
            maxSendQueueDepth: attributes.maxWorkRequests,
            maxReceiveQueueDepth: attributes.maxWorkRequests,
            maxSharedReceiveQueues: attributes.maxSharedQueues,
            maxSharedReceiveQueueDepth: attributes.maxSharedRequests,
            maxSharedReceiveElements: attributes.maxSharedElements,
            maxCompletionQueueDepth: attributes.maxCompletions,
            hasWindows: attributes.capabilities.isSuperset(of: [.memoryManagement, .windowType2B]))
    }

    /// The most inline bytes of the usual sizes; no attribute tells it, so queue pairs are tried out.
    private static func probeInlineBytes(_ device: DeviceContext) throws(VerbError) -> Int {
        let domain = try ProtectionDomain(in: device)
        let queue = try Verbs.CompletionQueue(in: device, depth: 1)
        for bytes in [1024, 512, 256, 128, 64] {
            let capacity = Verbs.QueuePairCapacity(sendDepth: 1, receiveDepth: 1, inlineBytes: bytes)
            let queuePair = try? Verbs.QueuePair(
                in: domain, sendQueue: queue, receiveQueue: queue, capacity: capacity)
            if queuePair != nil { return bytes }
        }
        return 0
    }
}

extension RDMATechnology {
    init(_ kind: PortAddress.Kind, _ layer: PortAttributes.LinkLayer) {
        switch kind {
        case .roceV2: self = .roceV2
        case .roceV1: self = .roce
        default: self = layer == .ethernet ? .iWARP : .infiniBand
        }
    }
}

extension IPAddress {
    /// The address that a GID contains.
    init(_ gid: GlobalIdentifier) {
        var bytes = [16 of UInt8](repeating: 0)
        for index in 0..<8 {
            bytes[index] = UInt8(truncatingIfNeeded: gid.prefix >> UInt64(56 - 8 * index))
            bytes[8 + index] = UInt8(truncatingIfNeeded: gid.interface >> UInt64(56 - 8 * index))
        }
        self.init(bytes: bytes)
    }

    /// The GID that contains the address.
    var gid: GlobalIdentifier {
        var prefix: UInt64 = 0
        var interface: UInt64 = 0
        for index in 0..<8 {
            prefix = prefix << 8 | UInt64(bytes[index])
            interface = interface << 8 | UInt64(bytes[8 + index])
        }
        return GlobalIdentifier(prefix: prefix, interface: interface)
    }
}
