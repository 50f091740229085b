import Glibc
import LAM

extension MachineFacts {
    /// Looks at this machine, and tries out what can be tried.
    ///
    /// - Parameter device: the device to try; nil for the first active one.
    /// - Returns: what was found; nothing that fails is an error here.
    static func read(device: String?) -> MachineFacts {
        let devices = list()
        let names = (try? devices.get())?.map(\.nodeName) ?? []
        let limits = HostLimits.current()
        let (mappingTrial, connectionTrial) = names.isEmpty ? (nil, nil) : tryOut(device)
        return MachineFacts(
            devices: devices, deviceNodes: names.map { name in DeviceNode(name) },
            connectionManagerNode: DeviceNode("rdma_cm"), connectionTrial: connectionTrial,
            mappingTrial: mappingTrial, pinning: Pinning(limits), hugePages: limits.hugePages,
            forkVariables: limits.forkVariables)
    }

    private static func list() -> Result<[DeviceDescription], AdapterError> {
        do { return .success(try DeviceDescription.all()) } catch { return .failure(error) }
    }

    /// Builds and releases a mapping, and opens the connection manager.
    private static func tryOut(_ device: String?) -> (mapping: Trial, connection: Trial?) {
        let adapter: Adapter
        do {
            adapter = try Adapter.open(device.map { name in .device(name) } ?? .firstActive)
        } catch {
            return (.failed("\(error)"), nil)
        }
        defer { try? adapter.close(waiting: .seconds(1)) }
        return (tryMapping(on: adapter), tryConnecting(on: adapter))
    }

    private static func tryMapping(on adapter: Adapter) -> Trial {
        do throws(MappingError) {
            let mapping = try adapter.buildLam(over: PageBuffer(count: HostLimits.current().pageSize))
            switch mapping.tryRelease() {
            case .released: return .worked("\(adapter.name) (\(adapter.info.technology), \(adapter.info.address))")
            case .busy(_, let use): return .failed("a mapping that nobody uses is said to be used by \(use)")
            case .refused(_, let error): return .failed("the mapping could not be released: \(error)")
            }
        } catch {
            return .failed("\(error)")
        }
    }

    private static func tryConnecting(on adapter: Adapter) -> Trial {
        do {
            _ = try adapter.createConnector()
            return .worked(adapter.name)
        } catch {
            return .failed("\(error)")
        }
    }
}

extension MachineFacts.DeviceNode {
    /// Looks at a file of `/dev/infiniband`.
    fileprivate init(_ name: String) {
        let path = "/dev/infiniband/" + name
        self.init(
            path: path, exists: unsafe access(path, F_OK) == 0, isUsable: unsafe access(path, R_OK | W_OK) == 0)
    }
}

extension MachineFacts.Pinning {
    fileprivate init(_ limits: HostLimits) {
        self.init(
            softLimit: limits.softPinLimit, hardLimit: limits.hardPinLimit,
            hasLockCapability: limits.hasLockCapability, isInInitialUserNamespace: limits.isInInitialUserNamespace,
            pinnedBytes: limits.pinnedBytes, controlGroupLimit: limits.controlGroupLimit)
    }
}
