import Glibc
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

    private let seed: UInt64
    private let canary: AdapterCanary?
    private let progress: () -> Void

    /// Prepares the run of a seed.
    ///
    /// - Parameters:
    ///   - seed: of the schedule.
    ///   - canary: a bug to put in between.
    ///   - progress: called again and again while the run gets on.
    package init(seed: UInt64, canary: AdapterCanary? = nil, progress: @escaping () -> Void = {}) {
        self.seed = seed
        self.canary = canary
        self.progress = progress
    }

    /// The command that does the same once more, step by step.
    package func replayCommand(steps: Int) -> String {
        "Scripts/simulate --level adapter --seed \(seed) --steps \(steps)" + (canary.map { " --canary \($0)" } ?? "")
    }

    /// Does `count` more steps, in as many lives as it takes.
    package func run(steps count: Int) throws(Violation) {
        var random = RandomSource(seed: seed)
        let end = steps + count
        while steps < end {
            let length = min(end - steps, 500 + random.below(3_500))
            do throws(Violation) { try live(length, seed: random.next()) } catch {
                var violation = error
                violation.step = steps
                throw violation
            }
        }
    }

    private func live(_ length: Int, seed: UInt64) throws(Violation) {
        var random = RandomSource(seed: seed)
        let device = FakeDevice(
            pinnedPageLimit: random.chance(30) ? 30 : .max, carriesOutSendsAtOnce: random.chance(20),
            reportsLastReceives: random.chance(50), vendorID: random.chance(50) ? 0xff_ffff : 0x15b3)
        defer { counts.add(AdapterCounts(of: device)) }
        let leftovers = try live(length, on: device, random)
        try expectNothing(but: leftovers, on: device)
        counts.add(.life)
    }

    private func live(_ length: Int, on device: FakeDevice, _ random: RandomSource) throws(Violation) -> Leftovers {
        let life = try AdapterLife(on: device, canary: canary, random)
        defer { counts.add(life.counts) }
        do throws(Violation) {
            for _ in 0..<length {
                steps += 1
                progress()
                try life.step()
            }
            return try life.end(progress)
        } catch {
            throw Violation("\(error.finding)\nThe last things that happened:\n\(life.trace)")
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

/// Waits until something holds that other threads bring about.
///
/// - Returns: false after a few seconds.
func eventually(_ condition: () -> Bool) -> Bool {
    for _ in 0..<20_000 {
        if condition() { return true }
        usleep(500)
    }
    return condition()
}
