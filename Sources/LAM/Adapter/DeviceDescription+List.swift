import Glibc
package import Verbs

extension DeviceDescription {
    /// Describes every RDMA device of this machine, in the order of libibverbs.
    ///
    /// Each device is opened, asked and closed again; one that cannot be opened is in the list with the reason. A kernel
    /// without RDMA has none.
    /// - Throws: ``AdapterError/verbFailed(verb:errno:)`` where the devices cannot be listed at all.
    public static func all() throws(AdapterError) -> [DeviceDescription] {
        try all(over: .system)
    }

    /// Describes the devices of a table of verbs, which a test replaces.
    package static func all(over verbs: ControlVerbs) throws(AdapterError) -> [DeviceDescription] {
        do {
            return try DeviceList(verbs: verbs).devices.map { device in DeviceDescription(of: device) }
        } catch {
            guard error.code != ENOSYS else { return [] }
            throw AdapterError(error)
        }
    }

    private init(of device: Device) {
        let details: Result<Details, AdapterError>
        do {
            details = .success(try Details(of: device.open()))
        } catch {
            details = .failure(AdapterError(error))
        }
        self.init(name: device.name, nodeName: device.nodeName, guid: device.guid, details: details)
    }
}

extension DeviceDescription.Details {
    fileprivate init(of context: DeviceContext) throws(VerbError) {
        let attributes = try context.attributes()
        let addresses = try context.addresses()
        var ports: [DeviceDescription.Port] = []
        for number in 1...max(1, attributes.portCount) {
            let port = try context.port(number)
            ports.append(
                DeviceDescription.Port(number, port, addresses.filter { address in address.port == number }))
        }
        self.init(
            firmwareVersion: attributes.firmwareVersion, vendorID: attributes.vendorID,
            vendorPartID: attributes.vendorPartID, limits: DeviceDescription.Limits(attributes),
            hasWindows: attributes.capabilities.isSuperset(of: [.memoryManagement, .windowType2B]), ports: ports)
    }
}

extension DeviceDescription.Limits {
    fileprivate init(_ attributes: DeviceAttributes) {
        self.init(
            registrationBytes: attributes.maxRegionBytes, registrations: attributes.maxRegions,
            windows: attributes.maxWindows, queuePairs: attributes.maxQueuePairs,
            queueDepth: attributes.maxWorkRequests, elements: attributes.maxElements,
            completionQueues: attributes.maxCompletionQueues, completionQueueDepth: attributes.maxCompletions,
            inboundReads: attributes.maxInboundReads, outboundReads: attributes.maxOutboundReads)
    }
}

extension DeviceDescription.Port {
    fileprivate init(_ number: UInt8, _ port: PortAttributes, _ addresses: [PortAddress]) {
        self.init(
            number: number, state: DeviceDescription.PortState(port.state),
            linkLayer: DeviceDescription.LinkLayer(port.linkLayer), gigabitsPerSecond: Self.gigabitsPerSecond(port),
            pathMTU: port.activePathMTU.bytes, messageBytes: port.maxMessageBytes, lid: port.localIdentifier,
            addresses: addresses.map { address in DeviceDescription.Address(address, on: port) })
    }

    /// The rate of all lanes, in the InfiniBand encoding that every driver uses (`IB_WIDTH_*`, `IB_SPEED_*`).
    private static func gigabitsPerSecond(_ port: PortAttributes) -> Double? {
        let lanes: [UInt8: Double] = [1: 1, 2: 4, 4: 8, 8: 12, 16: 2]
        let speeds: [UInt8: Double] = [1: 2.5, 2: 5, 4: 10, 8: 10, 16: 14, 32: 25, 64: 50, 128: 100]
        guard let lanes = lanes[port.activeWidth], let speed = speeds[port.activeSpeed] else { return nil }
        return lanes * speed
    }
}

extension DeviceDescription.Address {
    fileprivate init(_ address: PortAddress, on port: PortAttributes) {
        self.init(
            index: address.index, address: IPAddress(address.identifier),
            technology: RDMATechnology(address.kind, port.linkLayer),
            networkInterface: Self.name(ofInterface: address.networkInterface))
    }

    private static func name(ofInterface index: UInt32) -> String? {
        guard index != 0 else { return nil }
        var name = [CChar](repeating: 0, count: Int(IF_NAMESIZE))
        // The function writes at most IF_NAMESIZE bytes, a zero among them.
        guard unsafe if_indextoname(index, &name) != nil else { return nil }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

extension DeviceDescription.PortState {
    fileprivate init(_ state: PortAttributes.State) {
        switch state {
        case .down: self = .down
        case .initializing: self = .initializing
        case .armed: self = .armed
        case .active: self = .active
        case .other(let number): self = .other(number)
        }
    }
}

extension DeviceDescription.LinkLayer {
    fileprivate init(_ layer: PortAttributes.LinkLayer) {
        switch layer {
        case .infiniBand: self = .infiniBand
        case .ethernet: self = .ethernet
        case .unspecified: self = .unspecified
        }
    }
}
