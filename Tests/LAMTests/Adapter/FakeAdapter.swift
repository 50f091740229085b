import Glibc
import LAM
import TestSupport
import Testing
import enum Verbs.Verb

/// Runs `body` with an adapter over a device in memory; afterwards nothing of either may be left.
func withFakeAdapter(
    over device: FakeDevice = FakeDevice(), options: AdapterOptions = AdapterOptions(),
    isolation: isolated (any Actor)? = #isolation,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ body: (Adapter, FakeDevice) async throws -> Void
) async throws {
    do {
        let adapter = try Adapter.open(options: options, over: device.verbs)
        try await body(adapter, device)
    }
    expectNothingLeft(of: device, sourceLocation: sourceLocation)
}

/// Expects that everything that was created on the device is destroyed, and that no harm was done meanwhile.
func expectNothingLeft(of device: FakeDevice, sourceLocation: SourceLocation = #_sourceLocation) {
    // What was dropped last may have been ended by the reaper, after the test's own last reference went.
    let isEmpty = eventually { device.liveObjectCount == 0 }
    #expect(isEmpty, "\(device.liveObjectCount) objects are left", sourceLocation: sourceLocation)
    #expect(device.pinnedPageCount == 0, sourceLocation: sourceLocation)
    #expect(device.violations == [], sourceLocation: sourceLocation)
    #expect(device.abandoned == [], sourceLocation: sourceLocation)
}

/// A capacity that tests fill easily.
let smallCapacity = LAM.QueuePairCapacity(
    sendDepth: 8, receiveDepth: 8, sendElements: 4, receiveElements: 4, inlineBytes: 64)

extension Adapter {
    /// A mapping of fresh pages, which it keeps.
    func map(
        pages: Int = 1, file: StaticString = #fileID, line: UInt = #line
    ) throws -> LogicalAddressMapping {
        try buildLam(over: PageBuffer(count: pages * fakePageSize), file: file, line: line)
    }

    /// A queue pair that is connected with itself, which is enough where no data moves.
    func connectedQueuePair(
        _ completions: borrowing LAM.CompletionQueue, capacity: LAM.QueuePairCapacity = smallCapacity
    ) throws -> LAM.QueuePair {
        let queuePair = try createQueuePair(completions: completions, capacity: capacity)
        try queuePair.connect(to: queuePair.address)
        return queuePair
    }
}

extension LAM.CompletionQueue {
    /// Polls until there is nothing more.
    mutating func drain() -> [Completion] {
        var batch = CompletionBatch(capacity: 16)
        var completions: [Completion] = []
        while poll(into: &batch) > 0 { batch.forEach { completions.append($0) } }
        return completions
    }

    /// Polls until there were `count` completions, or the time is over.
    mutating func take(_ count: Int, within limit: Duration = .seconds(10)) -> [Completion] {
        let clock = ContinuousClock()
        let end = clock.now.advanced(by: limit)
        var completions = drain()
        while completions.count < count, clock.now < end {
            usleep(200)
            completions += drain()
        }
        return completions
    }
}

extension LogicalAddressMapping {
    /// Releases a mapping that nothing may use.
    consuming func releaseNow(sourceLocation: SourceLocation = #_sourceLocation) {
        switch tryRelease() {
        case .released: break
        case .busy(_, let use): Issue.record("still used: \(use)", sourceLocation: sourceLocation)
        case .refused(_, let error): Issue.record(error, sourceLocation: sourceLocation)
        }
    }

    /// Asks for a release that must not be possible, and gives the mapping back.
    consuming func expectBusy(sourceLocation: SourceLocation = #_sourceLocation) throws -> LogicalAddressMapping {
        switch tryRelease() {
        case .busy(let mapping, _): return mapping
        case .released: throw UnexpectedRelease()
        case .refused(let mapping, let error):
            Issue.record(error, sourceLocation: sourceLocation)
            return mapping
        }
    }
}

/// A mapping could be released that was in use.
struct UnexpectedRelease: Error {}
