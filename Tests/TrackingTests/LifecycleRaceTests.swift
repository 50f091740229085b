import Synchronization
import Testing
import Tracking

@Suite("Releases that race", .serialized)
struct LifecycleRaceTests {
    @Test("A mapping that another thread closes while it is reopened stays closed")
    func closeDuringReopen() {
        let fixture = Fixture()
        let mappings = fixture.mappings
        let race = Race()
        var poster = fixture.openQueue()
        let rounds = (0..<race.rounds).map { _ in fixture.map() }
        for mapping in rounds { #expect(mappings.close(mapping.id)) }
        let closer = SystemThread {
            race.second { round in
                while !mappings.close(rounds[round].id) {}
            }
        }
        race.first { round in
            mappings.reopen(rounds[round].id, length: 4096)
        } after: { round in
            #expect(throws: UseError.unmapped) { try poster.post(rounds[round].base) }
        }
        closer.join()
    }

    @Test("Of a post and a release at the same time, one sees the other", .enabled(if: MemoryBarrier.isAvailable))
    func postDuringRelease() {
        expectOneSeesTheOther(Fixture(ownerFences: false), MemoryBarrier.issue)
    }

    @Test("Of a post that fences and a release at the same time, one sees the other")
    func fencedPostDuringRelease() {
        expectOneSeesTheOther(Fixture(ownerFences: true)) {}
    }

    /// Lets a post and a release of the same mapping begin together, again and again.
    private func expectOneSeesTheOther(_ fixture: Fixture, _ barrier: () -> Void) {
        let mappings = fixture.mappings
        let race = Race()
        let poster = Locked(fixture.openQueue())
        let rounds = (0..<race.rounds).map { _ in fixture.map() }
        // The first use takes a fence; the race that matters is about those after it.
        for mapping in rounds {
            let wire = poster.withLock { try? $0.post(mapping.base) }
            #expect(wire.flatMap { mappings.complete($0) } != nil)
        }
        let wire = Atomic<UInt64>(0)
        let thread = SystemThread {
            poster.withLock { poster in
                race.second { round in
                    let posted = try? poster.post(rounds[round].base)
                    wire.store(posted?.raw ?? 0, ordering: .relaxed)
                }
            }
        }
        var isIdle = false
        race.first { round in
            _ = mappings.close(rounds[round].id)
            barrier()
            isIdle = mappings.isIdle(rounds[round].id)
        } after: { round in
            let posted = WireID(raw: wire.load(ordering: .relaxed))
            let isOutstanding = posted.raw != 0
            #expect(!(isIdle && isOutstanding), "idle in round \(round), with a request outstanding")
            if isOutstanding { _ = mappings.complete(posted) }
        }
        thread.join()
    }
}

/// Two threads that do something at the same time, again and again, for a second at most.
private final class Race: Sendable {
    let rounds = 20_000
    private let started = Atomic<Int>(0)
    private let finished = Atomic<Int>(0)
    private let isOver = Atomic<Bool>(false)

    /// One thread's part, and what is to be done after each round.
    func first(_ body: (Int) -> Void, after: (Int) -> Void) {
        let end = ContinuousClock.now + .seconds(1)
        for round in 0..<rounds {
            started.store(round + 1, ordering: .releasing)
            // The other thread sees the start a moment later.
            for _ in 0..<(round & 31) { _ = started.load(ordering: .relaxed) }
            body(round)
            spin { finished.load(ordering: .acquiring) > round }
            after(round)
            if ContinuousClock.now > end { break }
        }
        isOver.store(true, ordering: .releasing)
    }

    /// The other thread's part.
    func second(_ body: (Int) -> Void) {
        for round in 0..<rounds {
            spin { started.load(ordering: .acquiring) > round || isOver.load(ordering: .acquiring) }
            guard started.load(ordering: .acquiring) > round else { return }
            body(round)
            finished.store(round + 1, ordering: .releasing)
        }
    }
}
