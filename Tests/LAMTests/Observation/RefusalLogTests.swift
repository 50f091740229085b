import Glibc
import LAM
import Logging
import TestSupport
import Testing
import enum Verbs.Verb
import struct Verbs.VerbError

@Suite("The log of what the device refuses")
struct RefusalLogTests {
    let log = CapturedLog()

    @Test("has a deregistration that is refused again and again, ever more rarely, and its end")
    func deregistration() async throws {
        try await withFakeAdapter(options: log.options) { adapter, device in
            let mapping = try adapter.map(line: 4711)
            device.inject(EBUSY, into: .deregisterRegion, times: 5)
            await mapping.released()
            #expect(adapter.statistics.retries == 5)
        }
        let refusals = log.entries("the device refused, and is asked again")
        #expect(refusals.map(\.level) == [.warning, .warning, .warning])
        #expect(refusals.map(\.metadata["lam.attempt"]) == ["1", "2", "4"])
        for refusal in refusals {
            #expect(refusal.metadata["lam.verb"] == "ibv_dereg_mr")
            #expect(refusal.metadata["lam.errno"] == "EBUSY")
            #expect(refusal.metadata["lam.mapping.site"] == "LAMTests/RefusalLogTests.swift:4711")
        }
        let end = try #require(log.entries("memory unpinned").first)
        #expect(end.level == .notice)
        #expect(end.metadata["lam.attempt"] == "6")
    }

    @Test(
        "has what is destroyed at another attempt",
        arguments: [Verb.deallocateWindow, .destroyQueuePair, .destroySharedQueue])
    func destruction(verb: Verb) async throws {
        try await withFakeAdapter(options: log.options) { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 8)
            let queuePair = try adapter.connectedQueuePair(completions)
            let shared = try adapter.createSharedReceiveQueue(depth: 8)
            let window = try adapter.createMemoryWindow()
            device.inject(EBUSY, into: verb, times: 2)
            queuePair.close()
            try shared.close()
            _ = consume window
            #expect(eventually { adapter.statistics.refusedDestructions == 2 })
        }
        let refusals = log.entries("the device refused, and is asked again")
        #expect(refusals.map(\.metadata["lam.attempt"]) == ["1", "2"])
        #expect(refusals.allSatisfy { $0.metadata["lam.verb"] == "\(verb)" && $0.metadata["lam.object"] != nil })
    }

    @Test("has the page of the token")
    func token() async throws {
        let device = FakeDevice()
        do {
            let adapter = try Adapter.open(options: log.options, over: device.verbs)
            device.inject(EBUSY, into: .deregisterRegion, times: 2)
            withExtendedLifetime(adapter) {}
        }
        expectNothingLeft(of: device)
        let refusals = log.entries("the device refused, and is asked again", atLeast: 2)
        #expect(refusals.allSatisfy { $0.metadata["lam.object"] == "privileged token" })
    }

    @Test("has what the device keeps for ever")
    func abandoned() async throws {
        let device = FakeDevice()
        do {
            let adapter = try Adapter.open(options: log.options, over: device.verbs)
            do {
                let completions = try adapter.createCompletionQueue(depth: 8)
                device.inject(EBUSY, into: .destroyCompletionQueue, times: 2)
                _ = consume completions
            }
            #expect(eventually { adapter.statistics.abandonedObjects > 0 })
        }
        #expect(device.abandoned.contains(VerbError(.destroyCompletionQueue, EBUSY)))
        let entries = log.entries("the device refused to destroy an object, which is abandoned")
        #expect(entries.count == device.abandoned.count)
        #expect(entries.allSatisfy { $0.level == .error && $0.metadata["lam.errno"] == "EBUSY" })
        #expect(entries.contains { $0.metadata["lam.verb"] == "ibv_destroy_cq" })
    }

    @Test("goes on while a device refuses that nobody has open any more")
    func atTheEnd() async throws {
        let device = FakeDevice()
        do {
            let adapter = try Adapter.open(options: log.options, over: device.verbs)
            device.inject(EBUSY, into: .deregisterRegion, times: 1_000_000)
            try adapter.map().release()
        }
        #expect(log.entries("adapter closed").count == 1)
        device.clearFaults()
        #expect(log.entries("memory unpinned").count == 1)
        expectNothingLeft(of: device)
    }
}
