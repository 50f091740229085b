import Glibc
import Synchronization
package import Verbs

/// Which device an adapter is opened on.
public enum AdapterSelector: Hashable, Sendable {
    /// The first active port of any device.
    case firstActive
    /// A device by its name, and one of its ports; nil for the first active one.
    case device(String, port: UInt8? = nil)
    /// The device and port that has the address. On RoCE and iWARP that is an address of its network interface.
    case localAddress(IPAddress)
}

extension Adapter {
    /// Opens an adapter.
    ///
    /// The same device may be opened several times; each adapter has its own mappings and queues.
    /// - Parameters:
    ///   - selector: which device and port.
    ///   - options: what its user may decide.
    /// - Returns: the open adapter.
    /// - Throws: ``AdapterError/noDevice``, ``AdapterError/unknownDevice(_:available:)``,
    ///   ``AdapterError/noDeviceWithAddress(_:)`` or ``AdapterError/portNotActive(device:port:state:)`` where nothing fits
    ///   the selector, ``AdapterError/verbFailed(verb:errno:)`` where opening fails.
    public static func open(
        _ selector: AdapterSelector = .firstActive, options: AdapterOptions = AdapterOptions()
    ) throws(AdapterError) -> Adapter {
        try open(selector, options: options, over: .system)
    }

    /// Opens an adapter over a table of verbs, which a test replaces.
    package static func open(
        _ selector: AdapterSelector = .firstActive, options: AdapterOptions = AdapterOptions(),
        over verbs: ControlVerbs
    ) throws(AdapterError) -> Adapter {
        let list: DeviceList
        do { list = try DeviceList(verbs: verbs) } catch {
            // A kernel without RDMA has no devices.
            throw error.code == ENOSYS ? .noDevice : AdapterError(error)
        }
        guard !list.devices.isEmpty else { throw .noDevice }
        switch selector {
        case .device(let name, let port):
            guard let device = list.devices.first(where: { $0.name == name }) else {
                throw .unknownDevice(name, available: list.devices.map(\.name))
            }
            return try open([device], options, rejection: nil) { port == nil || $0.port == port }
        case .localAddress(let address):
            return try open(list.devices, options, rejection: .noDeviceWithAddress(address)) {
                IPAddress($0.identifier) == address
            }
        case .firstActive:
            return try open(list.devices, options, rejection: nil) { _ in true }
        }
    }

    /// Opens the first device with an active port and a fitting address.
    private static func open(
        _ devices: [Device], _ options: AdapterOptions, rejection: AdapterError?,
        where fits: (PortAddress) -> Bool
    ) throws(AdapterError) -> Adapter {
        var rejection = rejection
        for device in devices {
            let counters = Counters()
            let observer = Observer(options, device: device.name)
            let finding = try find(on: device, where: fits) { error in
                counters.abandonedObjects.add(1, ordering: .relaxed)
                observer?.noteAbandoned(error)
            }
            switch finding {
            case .usable(let context, let info):
                do throws(VerbError) {
                    let core = try AdapterCore(
                        device: context, options: options, counters: counters, observer: observer)
                    return try Adapter(core, info: info)
                } catch {
                    throw AdapterError(opening: error)
                }
            case .inactive(let error): rejection = error
            case .nothing: continue
            }
        }
        throw rejection ?? .portNotActive(device: devices[0].name, port: 1, state: "without an address")
    }

    private enum Finding {
        case usable(DeviceContext, AdapterInfo)
        case inactive(AdapterError)
        case nothing
    }

    private static func find(
        on device: Device, where fits: (PortAddress) -> Bool, abandoned: @escaping @Sendable (VerbError) -> Void
    ) throws(AdapterError) -> Finding {
        var finding = Finding.nothing
        do throws(VerbError) {
            let context = try device.open(abandoned: abandoned)
            // A queue pair names its source by eight bits.
            let candidates = try context.addresses().filter { fits($0) && $0.index <= UInt8.max }
                .sorted { $0.preference > $1.preference }
            for address in candidates {
                let port = try context.port(address.port)
                if port.state == .active {
                    return .usable(context, try AdapterInfo(context, at: address, port: port))
                }
                finding = .inactive(
                    .portNotActive(device: device.name, port: address.port, state: "\(port.state)"))
            }
        } catch {
            throw AdapterError(error)
        }
        return finding
    }
}

extension PortAddress {
    /// RoCE version 2 crosses routers, and an IPv4 address is what people configure.
    fileprivate var preference: Int {
        switch kind {
        case .roceV2: IPAddress(identifier).isIPv4 ? 3 : 2
        case .infiniBand: 1
        default: 0
        }
    }
}
