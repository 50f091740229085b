import Tracking
import Verbs

/// One RDMA device with one of its ports: where mappings, queues and connections are created.
///
/// Objects of an adapter keep it open. ``close(waiting:)`` waits for them and says which are left; an adapter that is
/// simply dropped closes when its last object is gone.
public final class Adapter: Sendable {
    /// What the device can do.
    public let info: AdapterInfo
    /// The token that goes with logical addresses in scatter/gather elements of this adapter.
    ///
    /// No key of the device has this value, and it opens nothing to a peer.
    public let privilegedToken: UInt32

    let core: AdapterCore
    let reaper: Reaper
    /// The region whose key is the privileged token, so that no other region can have it. One page, local reads only.
    private let tokenRegion: Monitor<MemoryRegion?>

    /// Opens the adapter on an open device.
    init(device: DeviceContext, info: AdapterInfo) throws(AdapterError) {
        self.info = info
        do { core = try AdapterCore(device: device) } catch { throw AdapterError(error) }
        do {
            let region = try Self.registerTokenPage(in: core.domain)
            privilegedToken = region.localKey
            tokenRegion = Monitor(consume region)
        } catch {
            throw AdapterError(registeringTokenPage: error)
        }
        reaper = Reaper(ReaperWork(core))
    }

    /// Memory that is there as long as the process, and never written.
    private static let tokenPage = UInt(
        bitPattern: UnsafeMutableRawBufferPointer.allocate(
            byteCount: PageSpan.hostPageSize, alignment: PageSpan.hostPageSize
        ).baseAddress)

    private static func registerTokenPage(in domain: ProtectionDomain) throws(VerbError) -> MemoryRegion {
        // The page is never freed.
        try unsafe MemoryRegion(
            registering: UnsafeMutableRawBufferPointer(
                start: UnsafeMutableRawPointer(bitPattern: tokenPage), count: PageSpan.hostPageSize),
            at: UInt64(tokenPage), rights: [], in: domain)
    }

    deinit {
        reaper.stop()
        releaseTokenRegion()
    }

    /// The device's name, for example `mlx5_0` or `rxe0`.
    public var name: String { info.name }

    /// What the adapter has done so far.
    public var statistics: AdapterStatistics { core.counters.snapshot }

    /// What keeps the adapter open.
    public var survivors: Survivors {
        // What uses a mapping is found out without the lock, which is taken again to name queue pairs.
        let children = core.children.withLock { $0 }
        return children.survivors { core.use(of: $0.id) }
    }

    /// Unpins the token's page.
    func releaseTokenRegion() {
        tokenRegion.withLock { region in
            guard let registered = region.take(), case .refused(let kept, _) = registered.deregister() else { return }
            region = consume kept
        }
    }
}
