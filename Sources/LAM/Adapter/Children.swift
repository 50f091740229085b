import Tracking

/// The living objects of one adapter.
struct Children {
    /// By slot, so that a build costs no hashing; with those being built.
    private var registrations: [Registration?] = []
    private var mappingCount = 0

    /// Both queues of each queue pair.
    var queuePairs: [QueueID: QueuePairCore] = [:]
    var arenas: [ObjectIdentifier: ArenaCore] = [:]
    var caches: [ObjectIdentifier: CacheCore] = [:]
    var sharedReceiveQueues: [QueueID: SharedReceiveQueueCore] = [:]
    private var lastSharedReceiveQueueNumber = 0
    var completionQueues: [UInt: WeakCompletionQueue] = [:]
    /// Those that nothing needs to be known of.
    var counts: [CountedChild.Kind: Int] = [:]
    var connectionCount = 0

    /// Set by `close`: nothing new is created.
    var isClosing = false

    var isEmpty: Bool {
        mappingCount == 0 && queuePairs.isEmpty && sharedReceiveQueues.isEmpty && completionQueues.isEmpty
            && counts.values.allSatisfy { $0 == 0 } && connectionCount == 0 && arenas.isEmpty
            && caches.isEmpty
    }

    /// A number for a new shared receive queue.
    mutating func nextSharedReceiveQueueNumber() -> Int {
        lastSharedReceiveQueueNumber += 1
        return lastSharedReceiveQueueNumber
    }

    /// Whether something new may be there.
    enum Admission {
        case admitted
        case closing
        case full
    }

    /// Adds a mapping whose memory is about to be registered, so that a close waits for it.
    mutating func add(_ registration: Registration, atMost limit: Int) -> Admission {
        guard !isClosing else { return .closing }
        guard mappingCount < limit else { return .full }
        mappingCount += 1
        let index = Int(registration.id.slot)
        if index >= registrations.count { grow(toHold: index) }
        registrations[index] = registration
        return .admitted
    }

    private mutating func grow(toHold index: Int) {
        let missing = max(index + 1, 2 * registrations.count) - registrations.count
        registrations.append(contentsOf: repeatElement(nil, count: missing))
    }

    mutating func remove(_ registration: Registration) {
        registrations[Int(registration.id.slot)] = nil
        mappingCount -= 1
    }

    /// The registration of a mapping; nil if there is none any more.
    func registration(of id: MappingID) -> Registration? {
        registration(at: id.slot).flatMap { $0.id == id ? $0 : nil }
    }

    /// The registration whose mapping, or slab, has a slot.
    func registration(at slot: UInt32) -> Registration? {
        Int(slot) < registrations.count ? registrations[Int(slot)] : nil
    }

    /// The registrations of all mappings.
    var living: [Registration] { registrations.compactMap { $0 } }

    /// What is alive, for the report of a close that is held up.
    func survivors(_ mappings: [Survivors.Mapping]) -> Survivors {
        Survivors(
            mappings: mappings, queuePairs: Set(queuePairs.values.map(\.number)).sorted(),
            sharedReceiveQueues: sharedReceiveQueues.values.map(\.number).sorted(),
            completionQueues: completionQueues.count, windows: counts[.window] ?? 0,
            regions: counts[.region] ?? 0, grants: counts[.grant] ?? 0, connections: connectionCount,
            arenas: arenas.values.map(\.site), caches: caches.values.map(\.site))
    }
}

/// What keeps an adapter from closing.
public struct Survivors: Hashable, Sendable, CustomStringConvertible {
    /// A mapping whose memory is still pinned.
    public struct Mapping: Hashable, Sendable {
        /// The memory.
        public let memory: MemoryDescriptor
        /// Where it was built.
        public let site: BuildSite
        /// What uses it.
        public let use: MappingUse
    }

    /// Mappings that are live, or released and still in use.
    public let mappings: [Mapping]
    /// The numbers of the queue pairs.
    public let queuePairs: [UInt32]
    /// The numbers of the shared receive queues (``SharedReceiveQueue/number``).
    public let sharedReceiveQueues: [Int]
    /// Completion queues.
    public let completionQueues: Int
    /// Memory windows.
    public let windows: Int
    /// Memory regions.
    public let regions: Int
    /// Grants.
    public let grants: Int
    /// Listeners, connectors and connections.
    public let connections: Int
    /// Where each arena was created that is not closed, or that a mapping was cut from.
    public let arenas: [BuildSite]
    /// Where each registration cache was created that is not closed, or has a registration.
    public let caches: [BuildSite]

    /// One line for each kind of object, and one for each mapping with the place that built it.
    public var description: String {
        let lines =
            mappings.map { "mapping of \($0.memory.length) bytes built at \($0.site), used by \($0.use)" } + objects
        return lines.isEmpty ? "nothing" : lines.joined(separator: "\n")
    }

    /// The same of everything but mappings.
    var objects: [String] {
        var lines: [String] = []
        if !queuePairs.isEmpty { lines.append("queue pairs \(queuePairs)") }
        if !sharedReceiveQueues.isEmpty { lines.append("shared receive queues \(sharedReceiveQueues)") }
        if completionQueues > 0 { lines.append("\(completionQueues) completion queues") }
        if windows > 0 { lines.append("\(windows) memory windows") }
        if regions > 0 { lines.append("\(regions) memory regions") }
        if grants > 0 { lines.append("\(grants) grants") }
        if connections > 0 { lines.append("\(connections) connections and listeners") }
        lines += arenas.map { "arena created at \($0)" }
        lines += caches.map { "registration cache created at \($0)" }
        return lines
    }
}

/// A completion queue, which ends with its last user, by what events of the device call it.
struct WeakCompletionQueue {
    weak let core: CompletionQueueCore?
}
