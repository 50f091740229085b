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
        #expect(turnstile.enter() == .inside)
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
