import Synchronization
import Testing
import Tracking

@Suite("Turnstile")
struct TurnstileTests {
    @Test("The owner passes while nobody holds it", arguments: [false, true])
    func passing(ownerFences: Bool) {
        let turnstile = Turnstile(ownerFences: ownerFences)
        for _ in 0..<3 {
            #expect(turnstile.enter() == .inside)
            #expect(turnstile.isOwnerInside == true)
            turnstile.leave()
            #expect(turnstile.isOwnerInside == false)
        }
    }

    @Test("A holder sees the owner inside until it has left, and keeps it out from then on")
    func holding() {
        let turnstile = Turnstile(ownerFences: false)
        #expect(turnstile.enter() == .inside)
        #expect(turnstile.hold() == true)
        #expect(turnstile.isOwnerInside == true)
        turnstile.leave()
        #expect(turnstile.enter() == .held)
        #expect(turnstile.isOwnerInside == false)
        #expect(turnstile.hold() == false)
        turnstile.release()
        #expect(turnstile.enter() == .insideAfterOthers)
    }

    @Test("Once shut it stays so, for the owner and for holders")
    func shutting() {
        let turnstile = Turnstile(ownerFences: false)
        #expect(turnstile.hold() == true)
        turnstile.shut()
        #expect(turnstile.enter() == .shut)
        #expect(turnstile.hold() == false)
        #expect(turnstile.isOwnerInside == false)
    }

    @Test("It is barred also if the owner enters at the same time", arguments: [false, true])
    func barringWhileEntering(ownerFences: Bool) {
        let passage = Passage(ownerFences: ownerFences)
        let owner = SystemThread { passage.enterAgainAndAgain() }
        let end = ContinuousClock.now + .seconds(1)
        var misses = 0
        for round in 0..<200_000 where ContinuousClock.now < end {
            spin { passage.turnstile.hold() }
            passage.turnstile.release()
            // The owner finds it released a moment later.
            for _ in 0..<(round & 63) { _ = passage.turnstile.isShut }
            passage.turnstile.bar()
            if passage.turnstile.hold() {
                misses += 1
                passage.turnstile.release()
            }
            passage.turnstile.unbar()
        }
        passage.isOver.store(true, ordering: .releasing)
        owner.join()
        #expect(misses == 0)
    }

    /// A turnstile that threads share.
    // Sendable: atomics are all it has.
    private final class Passage: @unchecked Sendable {
        let turnstile: Turnstile
        let isOver = Atomic<Bool>(false)

        init(ownerFences: Bool) {
            turnstile = Turnstile(ownerFences: ownerFences)
        }

        func enterAgainAndAgain() {
            while !isOver.load(ordering: .acquiring) {
                switch turnstile.enter() {
                case .inside, .insideAfterOthers: turnstile.leave()
                case .held, .barred, .shut: break
                }
            }
        }
    }

    @Test("A queue's turnstile is open again for the next queue in its slot, and unknown once the queue is closed")
    func queues() throws {
        let fixture = Fixture()
        let queue = fixture.openQueue().queue
        #expect(fixture.queues.hold(queue))
        fixture.queues.shut(queue)
        fixture.mappings.closeQueue(queue)
        #expect(!fixture.queues.hold(queue))
        #expect(!fixture.queues.isPosting(queue))
        for _ in 0..<1030 {
            var poster = fixture.openQueue()
            _ = try poster.post()
            #expect(fixture.queues.hold(poster.queue))
            fixture.queues.shut(poster.queue)
            fixture.mappings.closeQueue(poster.queue)
        }
    }
}
