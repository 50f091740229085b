import Foundation
package import LAM

/// What `lam devices --json` writes, the names of its fields included: programs depend on them.
package struct DeviceReport: Encodable {
    private let name: String
    private let nodeName: String
    private let guid: String
    /// Why the device could not be opened; the fields below are there only if it could.
    private let failure: String?
    private let firmware: String?
    private let vendorID: UInt32?
    private let vendorPartID: UInt32?
    private let hasRevocableWindows: Bool?
    private let limits: Limits?
    private let ports: [Port]?

    fileprivate struct Limits: Encodable {
        let registrationBytes: UInt64
        let registrations, windows, queuePairs, queueDepth, elements: Int
        let completionQueues, completionQueueDepth, inboundReads, outboundReads: Int
    }

    fileprivate struct Port: Encodable {
        let number: UInt8
        let state, linkLayer: String
        let gigabitsPerSecond: Double?
        let pathMTU: Int
        let messageBytes: UInt32
        let lid: UInt16
        let addresses: [Address]
    }

    fileprivate struct Address: Encodable {
        let index: UInt32
        let address, technology: String
        let networkInterface: String?
    }

    /// The devices as one array, with the fields in alphabetical order.
    package static func json(_ devices: [DeviceDescription]) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(devices.map(DeviceReport.init)), as: UTF8.self)
    }

    private init(_ device: DeviceDescription) {
        name = device.name
        nodeName = device.nodeName
        guid = "0x" + String(device.guid, radix: 16)
        var details: DeviceDescription.Details?
        switch device.details {
        case .success(let opened): (details, failure) = (opened, nil)
        case .failure(let error): failure = "\(error)"
        }
        firmware = details?.firmwareVersion
        vendorID = details?.vendorID
        vendorPartID = details?.vendorPartID
        hasRevocableWindows = details?.hasWindows
        limits = details.map { details in Limits(details.limits) }
        ports = details?.ports.map(Port.init)
    }
}

extension DeviceReport.Limits {
    fileprivate init(_ limits: DeviceDescription.Limits) {
        self.init(
            registrationBytes: limits.registrationBytes, registrations: limits.registrations,
            windows: limits.windows, queuePairs: limits.queuePairs, queueDepth: limits.queueDepth,
            elements: limits.elements, completionQueues: limits.completionQueues,
            completionQueueDepth: limits.completionQueueDepth, inboundReads: limits.inboundReads,
            outboundReads: limits.outboundReads)
    }
}

extension DeviceReport.Port {
    fileprivate init(_ port: DeviceDescription.Port) {
        self.init(
            number: port.number, state: port.state.description, linkLayer: port.linkLayer.description,
            gigabitsPerSecond: port.gigabitsPerSecond, pathMTU: port.pathMTU, messageBytes: port.messageBytes,
            lid: port.lid, addresses: port.addresses.map(DeviceReport.Address.init))
    }
}

extension DeviceReport.Address {
    fileprivate init(_ address: DeviceDescription.Address) {
        self.init(
            index: address.index, address: address.address.description, technology: address.technology.description,
            networkInterface: address.networkInterface)
    }
}
