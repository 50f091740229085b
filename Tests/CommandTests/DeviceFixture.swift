import LAM

/// Devices that the rendering tests show.
enum DeviceFixture {
    static let limits = DeviceDescription.Limits(
        registrationBytes: .max, registrations: 524_287, windows: 524_287, queuePairs: 1_048_560, queueDepth: 1_048_576,
        elements: 32, completionQueues: 1_048_576, completionQueueDepth: 32_767, inboundReads: 128, outboundReads: 64)

    static func port(
        _ state: DeviceDescription.PortState = .active, layer: DeviceDescription.LinkLayer = .ethernet,
        addresses: [(String, String?)] = [("fe80::1", "dummy0"), ("10.77.0.1", "dummy0")]
    ) -> DeviceDescription.Port {
        DeviceDescription.Port(
            number: 1, state: state, linkLayer: layer, gigabitsPerSecond: 2.5, pathMTU: 1024, messageBytes: 1 << 31,
            lid: 0,
            addresses: addresses.enumerated().map { index, address in
                DeviceDescription.Address(
                    index: UInt32(index), address: IPAddress(address.0)!, technology: .roceV2,
                    networkInterface: address.1)
            })
    }

    static func device(_ ports: [DeviceDescription.Port] = [port()], hasWindows: Bool = true) -> DeviceDescription {
        let details = DeviceDescription.Details(
            firmwareVersion: "1.2.3", vendorID: 0xFFFFFF, vendorPartID: 0, limits: limits, hasWindows: hasWindows,
            ports: ports)
        return DeviceDescription(
            name: "rxe0", nodeName: "uverbs0", guid: 0x14A9_E6FF_FE0C_58E8, details: .success(details))
    }

    static let closed = DeviceDescription(
        name: "mlx5_0", nodeName: "uverbs1", guid: 1,
        details: .failure(.verbFailed(verb: "ibv_open_device", errno: 13)))
}
