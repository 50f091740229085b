import Glibc
import LAM
import TestSupport
import TrackingModel
import enum Verbs.Verb

/// An adapter, everything that can be had from it, and one random step after the other.
final class AdapterLife {
    let device: FakeDevice
    let canary: AdapterCanary?
    /// How many lives of the run were before.
    private let number: Int
    let adapter: Adapter
    var random: RandomSource
    var counts = AdapterCounts()
    private let profile: AdapterProfile
    private let weather: DeviceWeather

    var completionQueues: [SimulatedCompletionQueue] = []
    var queuePairs: [SimulatedQueuePair] = []
    var sharedQueues: [SimulatedSharedQueue] = []
    var mappings: [SimulatedMapping] = []
    var arena: Arena?
    var cache: RegistrationCache?
    /// What is mapped through the cache, again and again.
    var cachedBuffers: [PageBuffer] = []
    /// What a canary did not release when it should.
    var keptMappings: [SimulatedMapping] = []
    var windows: [SimulatedWindow] = []
    var regions: [SimulatedRegion] = []

    /// Requests whose post succeeded.
    var outstanding: [UInt64: PostedRequest] = [:]
    var lastContext: UInt64 = 0
    /// Where the results of each queue pair arrive, also of those that have ended.
    var completionQueuesOf: [UInt32: [SimulatedCompletionQueue]] = [:]
    /// The numbers of all queue pairs that take receives from a shared queue, or did.
    var sharingQueuePairs: Set<UInt32> = []
    /// Shared receives that messages took, less those whose results came.
    var sharedDebt = 0
    /// Queue pairs that the device failed, or that failed by themselves.
    var failedQueuePairs: Set<UInt32> = []
    /// How often users were called, and may have been at most.
    let calls = SharedValue(CallCounts())
    var callLimits = CallCounts()
    var isRemoved = false
    /// Of those that are called twice, those that failed once.
    var failedImpatientVerbs: Set<Verb> = []
    /// What must not be.
    var objections: [String] = []
    private(set) var history = History()

    /// Opens the adapter; the device may refuse for some time.
    init(
        _ number: Int, on device: FakeDevice, canary: AdapterCanary?, _ random: RandomSource
    ) throws(Violation) {
        self.number = number
        self.device = device
        self.canary = canary
        self.random = random
        profile = AdapterProfile(&self.random)
        if self.random.chance(40) { device.flushLate() }
        adapter = try Self.open(number, on: device, canary, &self.random, &counts)
        weather = DeviceWeather(on: device, seed: self.random.next())
        for _ in 0..<3 { try addCompletionQueue() }
        openStores()
    }

    deinit {
        weather.end()
    }

    private static func open(
        _ number: Int, on device: FakeDevice, _ canary: AdapterCanary?, _ random: inout RandomSource,
        _ counts: inout AdapterCounts
    ) throws(Violation) -> Adapter {
        let verbs = canary?.spoil(device.verbs) ?? device.verbs
        for attempt in 0..<1 + random.below(2) {
            // In turn: a run opens few adapters.
            let verb = openingVerbs[(3 * number + attempt) % openingVerbs.count]
            device.inject(EIO, into: verb, call: attempt == 0 ? 1 : 1 + random.below(2))
            if (try? Adapter.open(over: verbs)) == nil { counts.add(.openingRefused) }
            device.clearFaults()
            let isEmpty = eventually { device.liveObjectCount == 0 }
            try require(isEmpty, "\(device.liveObjectCount) objects are left after \(verb) failed")
        }
        do { return try Adapter.open(over: verbs) } catch { throw Violation("the adapter does not open: \(error)") }
    }

    /// Does something, and looks at what came of it.
    func step() throws(Violation) {
        let subject = profile.pick(&random)
        note("\(subject)")
        switch subject {
        case .build: build()
        case .release: release()
        case .send: send()
        case .receive: receive()
        case .sharedReceive: receiveShared()
        case .bind: bind()
        case .invalidate: invalidate()
        case .register: fastRegister()
        case .invalidateRegion: invalidateRegion()
        case .invalidateByPeer: invalidateByPeer()
        case .carryOut: carryOut()
        case .arrive: arrive()
        case .poll: poll()
        case .wait: wait()
        case .arm: arm()
        case .rest: rest()
        case .queuePairs: try changeQueuePairs()
        case .completionQueues: try changeCompletionQueues()
        case .sharedQueues: changeSharedQueues()
        case .windows: changeWindows()
        case .regions: changeRegions()
        case .stores: changeStores()
        case .flush: flush()
        case .moderate: moderate()
        case .failure: fail()
        case .misfortune: haveMisfortune()
        case .fault: injectFault()
        }
        try check()
    }

    /// What must hold at any time.
    private func check() throws(Violation) {
        try require(device.violations == [], "harm was done: \(device.violations)")
        try require(objections == [], objections.joined(separator: "\n"))
        try require(device.abandoned == [], "abandoned: \(device.abandoned)")
        let calls = calls.value
        try require(calls.notifications <= callLimits.notifications, "\(calls.notifications) notifications")
        try require(calls.lowCalls <= callLimits.lowCalls, "\(calls.lowCalls) calls of low queues")
    }

    /// Remembers for a while what happened.
    func note(_ event: String) { history.add(event) }

    /// Gives the processor to others for a while.
    private func rest() {
        counts.add(.rested)
        usleep(UInt32(50 << random.below(8)))
    }

    // MARK: The end

    /// Gives everything up, sees what comes of what was posted, and closes the adapter.
    ///
    /// - Returns: what the end of the adapter is to leave.
    func end(_ progress: () -> Void) throws(Violation) -> Leftovers {
        device.clearFaults()
        for queuePair in queuePairs {
            progress()
            queuePair.queuePair.take()?.close()
        }
        sharedQueues.removeAll()
        for mapping in mappings.dropFirst(canary == .forgetsRelease ? 1 : 0) { mapping.mapping.take()?.release() }
        windows.removeAll()
        regions.removeAll()
        keptMappings.removeAll()
        arena = nil
        cache = nil
        let isUnpinned = eventually { adapter.statistics.liveMappings == 0 }
        try require(isUnpinned, "mappings are never unpinned:\n\(adapter.survivors)")
        progress()
        try expectResults()
        queuePairs.removeAll()
        completionQueues.removeAll()
        completionQueuesOf.removeAll()
        do { try adapter.close(waiting: .seconds(10)) } catch {
            throw Violation("the adapter does not close: \(error)")
        }
        try check()
        try checkStatistics()
        let leftovers = Leftovers(isRemoved ? nil : number % 5, on: device)
        if !leftovers.abandoned.isEmpty { counts.add(.endRefused) }
        counts.notified(calls.value)
        return leftovers
    }

    /// Everything that was posted completes, apart from what the device lost.
    private func expectResults() throws(Violation) {
        // Others may still be delivering.
        _ = eventually {
            completionQueues.forEach { take(from: $0) }
            return missing.isEmpty && sharedDebt == 0
        }
        let lost = device.lostCompletions
        var lossesLeft = lost.values.reduce(0, +) - sharedDebt
        for (queuePair, contexts) in missing.sorted(by: { $0.key < $1.key }) {
            lossesLeft -= contexts.count
            try require(
                contexts.count <= lost[queuePair] ?? 0,
                "requests \(contexts.sorted()) of queue pair \(queuePair) never complete; \(lost[queuePair] ?? 0) were lost"
            )
        }
        try require(lossesLeft >= 0, "\(sharedDebt) shared receives were taken and never completed")
    }

    /// What was posted and must complete, whatever happens, by queue pair.
    private var missing: [UInt32: [UInt64]] {
        var missing: [UInt32: [UInt64]] = [:]
        for (context, request) in outstanding where !request.isSilent && !request.isShared {
            missing[request.queuePair, default: []].append(context)
        }
        return missing
    }

    private func checkStatistics() throws(Violation) {
        let statistics = adapter.statistics
        try require(
            statistics.builds == statistics.releases, "\(statistics.builds) built, \(statistics.releases) released")
        try require(statistics.pinnedBytes == 0, "\(statistics.pinnedBytes) bytes count as pinned")
        try require(statistics.pendingReleases == 0, "\(statistics.pendingReleases) releases count as pending")
        try require("\(adapter.survivors)" == "nothing", "there are survivors: \(adapter.survivors)")
    }
}
