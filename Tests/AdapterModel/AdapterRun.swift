import TestSupport
package import TrackingModel
import Verbs

/// A random schedule against the whole of an adapter: its mappings, queues, windows and threads, over a device in memory
/// that fails in every way a device can.
///
/// A run is a sequence of lives. Each opens an adapter, does one random thing after the other, looks after every step
/// whether any harm was done, and gives everything up; then nothing may be left. The schedule follows from the seed; who
/// of the adapter's threads comes first does so where they take turns.
package final class AdapterRun {
    /// How often each thing happened so far.
    package private(set) var counts = AdapterCounts()
    /// How many steps were done.
    package private(set) var steps = 0

    /// Follows from everything that the program did and saw: two runs with the same are the same.
    package private(set) var fingerprint: UInt64 = 0

    private let seed: UInt64
    private let canary: AdapterCanary?

    /// Prepares the run of a seed.
    ///
    /// - Parameters:
    ///   - seed: of the schedule.
    ///   - canary: a bug to put in between.
    package init(seed: UInt64, canary: AdapterCanary? = nil) {
        self.seed = seed
        self.canary = canary
    }

    /// The command that does the same once more, step by step.
    package func replayCommand(steps: Int) -> String {
        "Scripts/simulate --level adapter --seed \(seed) --steps \(steps)" + (canary.map { " --canary \($0)" } ?? "")
    }

    /// Does `count` steps, in as many lives as it takes. Called once.
    ///
    /// - Parameters:
    ///   - count: how many.
    ///   - progress: called again and again while the run gets on.
    /// - Throws: what was found, with the last things that happened.
    package func run(steps count: Int, progress: () -> Void = {}) throws(Violation) {
        var random = RandomSource(seed: seed)
        while steps < count {
            let length = min(count - steps, 500 + random.below(3_500))
            do throws(Violation) { try live(length, seed: random.next(), progress) } catch {
                var violation = error
                violation.step = steps
                throw violation
            }
        }
    }

    private func live(_ length: Int, seed: UInt64, _ progress: () -> Void) throws(Violation) {
        var random = RandomSource(seed: seed)
        let device = FakeDevice(
            pinnedPageLimit: random.chance(30) ? 30 : .max, carriesOutSendsAtOnce: random.chance(20),
            reportsLastReceives: random.chance(50), vendorID: random.chance(50) ? 0xff_ffff : 0x15b3)
        if random.chance(50) { device.allowModeration(upTo: Moderation(count: 4, microseconds: 20)) }
        defer { counts.add(AdapterCounts(of: device)) }
        let leftovers = try live(length, on: device, random, progress)
        try expectNothing(but: leftovers, on: device)
        counts.add(.life)
    }

    private func live(
        _ length: Int, on device: FakeDevice, _ random: RandomSource, _ progress: () -> Void
    ) throws(Violation) -> Leftovers {
        let life = try AdapterLife(counts[.life], on: device, canary: canary, random)
        defer {
            counts.add(life.counts)
            fingerprint = (fingerprint ^ life.history.fingerprint) &* 0x100_0000_01b3
        }
        do throws(Violation) {
            for _ in 0..<length {
                steps += 1
                progress()
                try life.step()
            }
            return try life.end(progress)
        } catch {
            throw Violation("\(error.finding)\nThe last things that happened:\n\(life.history.last)")
        }
    }

    /// What the adapter had is destroyed, by threads that may still be at it.
    private func expectNothing(but leftovers: Leftovers, on device: FakeDevice) throws(Violation) {
        let isEmpty = eventually { device.liveObjectCount == leftovers.objectCount }
        try require(isEmpty, "\(device.liveObjectCount) objects are left on the device, not \(leftovers.objectCount)")
        try require(device.pinnedPageCount == 0, "\(device.pinnedPageCount) pages are left pinned")
        try require(device.violations == leftovers.violations, "harm was done: \(device.violations)")
        try require(device.abandoned.map(\.verb) == leftovers.abandoned, "abandoned: \(device.abandoned)")
    }
}

extension AdapterCounts {
    fileprivate init(of device: FakeDevice) {
        failures = device.injectedFailures
        calls = device.callCounts
    }
}
