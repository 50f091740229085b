import Synchronization
import Testing
import Tracking

@Suite("Fences")
struct FenceTests {
    @Test("A free fence is taken also while the first queue's slot is closed")
    func freeFenceAfterFirstQueueClosed() throws {
        let fixture = Fixture()
        let first = fixture.openQueue().queue
        var poster = fixture.openQueue()
        fixture.mappings.closeQueue(first)
        let mapping = fixture.map()

        _ = try poster.post(mapping.base)

        let holders = fixture.mappings.holders(of: mapping.id)
        #expect(holders.queues == [poster.queue: 1])
        #expect(holders.countedUses == 0)
    }

    /// Between its look at the mapping and its claim of a fence, a poster may lose its processor for so long that the
    /// mapping goes and its slot is taken by the next.
    @Test("A poster that comes late to a recycled slot moves no other queue's fence")
    func lateClaim() throws {
        let fixture = Fixture()
        var late = fixture.openQueue()
        var other = fixture.openQueue()
        fixture.exhaustLargeSlots()
        let gone = fixture.mapLarge()
        let slot = unsafe fixture.mappings.slots.element(at: gone.id.slot)!

        #expect(late.enter() == .inside)
        #expect(fixture.mappings.close(gone.id))
        #expect(fixture.mappings.isIdle(gone.id))
        let claimed = unsafe slot.pointee.claimFence(for: late.queue, in: fixture.queues)
        let index = try #require(claimed)
        fixture.mappings.retire(gone.id)

        let mapping = fixture.mapLarge()
        #expect(mapping.id.slot == gone.id.slot)
        let first = try other.post(mapping.base)
        #expect(fixture.mappings.complete(first) != nil)
        _ = try other.post(mapping.base)
        unsafe slot.pointee.fences[index].position.store(1, ordering: .releasing)
        late.leave()

        #expect(fixture.mappings.close(mapping.id))
        #expect(!fixture.mappings.isIdle(mapping.id))
        #expect(fixture.mappings.holders(of: mapping.id).queues == [other.queue: 1])
    }
}
