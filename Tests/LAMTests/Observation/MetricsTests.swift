import CoreMetrics
import Glibc
import LAM
import MetricsTestKit
import TestSupport
import Testing
import enum Verbs.Verb

@Suite("The metrics of an adapter")
struct MetricsTests {
    let metrics = TestMetrics()
    private var options: AdapterOptions { AdapterOptions(metricsFactory: metrics) }
    private static let device = [("device", "fake0")]

    @Test("have what happened when the adapter is gone")
    func totals() async throws {
        try await withFakeAdapter(options: options) { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            let stale = mapping.element(0..<8)
            try queuePair.receive(into: mapping, 0..<8)
            device.inject(EBUSY, into: .deregisterRegion, times: 3)
            device.inject(EBUSY, into: .destroyQueuePair, times: 2)
            mapping.release()
            #expect(throws: PostError.self) { try queuePair.send([stale].span) }
            queuePair.close()
            for _ in 0..<10 { await (try adapter.map()).released() }
            try adapter.map().releaseNow()
            #expect(eventually { adapter.statistics.liveMappings == 0 })
        }
        // What is told last, perhaps by a thread that had the adapter last.
        let bytes = try metrics.expectMeter("lam.pinned.bytes", Self.device)
        #expect(eventually { (bytes.lastValue ?? 0) == 0 && (try? total("lam.releases")) == 12 })
        #expect(try total("lam.builds") == 12)
        #expect(try total("lam.releases.deferred") == 1)
        #expect(try total("lam.deregistrations.refused") == 3)
        #expect(try total("lam.destructions.refused") == 2)
        #expect(try total("lam.violations") == 1)
        #expect(try total("lam.completions.stray") == 0)
        #expect(try total("lam.polls.failed") == 0)
        #expect(try total("lam.objects.abandoned") == 0)
        #expect(try metrics.expectTimer("lam.unpin.duration", Self.device).values.count == 11)
        for label in ["lam.mappings.live", "lam.mappings.releasing"] {
            let meter = try metrics.expectMeter(label, Self.device)
            #expect(eventually { meter.lastValue ?? 0 == 0 }, "\(label)")
        }
    }

    @Test("are brought up to date while the adapter is open")
    func meanwhile() async throws {
        try await withFakeAdapter(options: options) { adapter, _ in
            let mapping = try adapter.map(pages: 3)
            let bytes = try metrics.expectMeter("lam.pinned.bytes", Self.device)
            let live = try metrics.expectMeter("lam.mappings.live", Self.device)
            #expect(eventually { live.lastValue == 1 })
            #expect(try total("lam.builds") == 1)
            #expect(eventually { bytes.lastValue == Double(3 * fakePageSize) })
            mapping.release()
            #expect(eventually { bytes.lastValue == 0 && live.lastValue == 0 })
            #expect(try total("lam.releases") == 1)
        }
    }

    @Test("of several adapters on one device add up")
    func severalAdapters() async throws {
        let device = FakeDevice()
        try await withFakeAdapter(over: device, options: options) { first, _ in
            let second = try Adapter.open(options: options, over: device.verbs)
            let kept = try first.map()
            let other = try second.map()
            let meter = try metrics.expectMeter("lam.mappings.live", Self.device)
            #expect(eventually { meter.lastValue == 2 })
            other.releaseNow()
            #expect(eventually { meter.lastValue == 1 })
            kept.releaseNow()
            #expect(try total("lam.builds") == 2)
        }
    }

    @Test("go to the program's backend, if there is no other")
    func bootstrapped() async throws {
        let device = FakeDevice()
        try withMetricsFactory(metrics) {
            let adapter = try Adapter.open(over: device.verbs)
            try adapter.map().releaseNow()
        }
        expectNothingLeft(of: device)
        #expect(eventually { (try? total("lam.builds")) == 1 })
    }

    private func total(_ label: String) throws -> Int64 {
        try metrics.expectCounter(label, Self.device).totalValue
    }
}
