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
    package let errands: ErrandThread
    let events: EventThread
    /// Revokes grants in time, whatever the errands take; started by the first grant that ends by itself.
    let deadlines = Monitor<ErrandThread?>(nil)
    /// Started by the first connector or listener.
    let connectionThread = Monitor<ConnectionThread?>(nil)

    /// Starts the adapter's threads.
    init(_ core: AdapterCore, info: AdapterInfo) throws(VerbError) {
        self.core = core
        self.info = info
        privilegedToken = core.token.key
        do throws(VerbError) {
            events = try EventThread(core)
            do throws(VerbError) {
                errands = try ErrandThread()
                do throws(VerbError) { reaper = try Reaper(ReaperWork(core)) } catch {
                    errands.stop()
                    throw error
                }
            } catch {
                events.stop()
                throw error
            }
        } catch {
            _ = core.token.release()
            throw error
        }
        core.noteOpened(info)
    }

    deinit {
        stopConnections()
        deadlines.withLock { $0.take() }?.stop()
        errands.stop()
        reaper.stop()
        events.stop()
        core.noteClosed()
    }

    /// The device's name, for example `mlx5_0` or `rxe0`.
    public var name: String { info.name }

    /// What the adapter has done so far.
    public var statistics: AdapterStatistics { core.counters.snapshot(pinnedBytes: core.budget.pinnedBytes) }

    /// What keeps the adapter open.
    public var survivors: Survivors {
        // What uses a mapping is found out through the children, too.
        let (registrations, arenas, caches) = core.children.withLock {
            ($0.living, Array($0.arenas.values), Array($0.caches.values))
        }
        let mappings =
            registrations.map { Survivors.Mapping(memory: $0.memory, site: $0.site, use: core.use(of: $0.id)) }
            + arenas.flatMap(\.living) + caches.flatMap(\.living)
        return core.children.withLock { $0.survivors(mappings) }
    }
}
