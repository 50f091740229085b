import Testing
import Tracking

@Suite("Requests")
struct PosterTests {
    @Test("One completion retires every earlier request of its queue, and no other queue's")
    func retirement() throws {
        let fixture = Fixture()
        var sends = fixture.openQueue()
        var receives = fixture.openQueue()
        let mapping = fixture.map()
        for _ in 0..<2 { _ = try sends.post(mapping.base) }
        let wire = try sends.post(mapping.base)
        _ = try receives.post(mapping.base)

        let retired = try #require(fixture.mappings.complete(wire))

        #expect(retired.count == 3)
        #expect(retired.queue == sends.queue)
        #expect(fixture.mappings.holders(of: mapping.id).queues == [receives.queue: 1])
    }

    @Test("A completion gives the request's own words back")
    func request() throws {
        let fixture = Fixture()
        var poster = fixture.openQueue()
        #expect(poster.begin() == true)
        let wire = poster.commit(context: 0xFEED, tag: 42)
        let retired = try #require(fixture.mappings.complete(wire))
        #expect(retired.request.context == 0xFEED)
        #expect(retired.request.tag == 42)
    }

    @Test("A completion is taken once")
    func duplicate() throws {
        let fixture = Fixture()
        var poster = fixture.openQueue()
        let wires = [try poster.post(), try poster.post()]
        #expect(fixture.mappings.complete(wires[1]) != nil)
        #expect(fixture.mappings.complete(wires[1]) == nil)
        #expect(fixture.mappings.complete(wires[0]) == nil)
    }

    @Test("A queue takes as many requests as its depth, and more once some are retired", arguments: [1, 3, 8])
    func depth(depth: Int) throws {
        let fixture = Fixture()
        var poster = fixture.openQueue(depth: depth)
        let wires = try (0..<depth).map { _ in try poster.post() }
        #expect(poster.begin() == false)
        #expect(fixture.mappings.complete(wires[0]) != nil)
        _ = try poster.post()
        #expect(poster.begin() == false)
        #expect(fixture.queues.outstanding(poster.queue) == UInt64(depth))
    }

    @Test("Positions that cross 32 bits complete like any other", arguments: [1, 7] as [UInt64])
    func wraparound(epoch: UInt64) throws {
        let fixture = Fixture()
        let queue = try #require(fixture.queues.open(depth: 4, elements: 4, from: epoch << 32 - 10))
        var poster = RequestPoster(queue: queue, depth: 4, mappings: fixture.mappings)
        let mapping = fixture.map()
        for _ in 0..<10 {
            let earlier = try poster.post(mapping.base)
            let wire = try poster.post(mapping.base)
            #expect(fixture.mappings.holders(of: mapping.id).queues == [queue: 2])
            #expect(fixture.mappings.complete(wire)?.count == 2)
            #expect(fixture.mappings.complete(earlier) == nil)
        }
        #expect(poster.posted == epoch << 32 + 10)
    }

    @Test("A request given up leaves nothing, and its position goes to the next")
    func abandon() throws {
        let fixture = Fixture()
        var poster = fixture.openQueue()
        let mapping = fixture.map()
        #expect(poster.begin() == true)
        _ = try poster.use(address: mapping.base, length: 1)
        #expect(fixture.mappings.holders(of: mapping.id).queues == [poster.queue: 1])
        poster.abandon()
        #expect(fixture.mappings.holders(of: mapping.id).isEmpty)
        let wire = try poster.post()
        #expect(fixture.mappings.complete(wire)?.count == 1)
        fixture.release(mapping.id)
    }

    @Test("What the device refused is taken back from the end, and what it took stays")
    func withdraw() throws {
        let fixture = Fixture()
        var poster = fixture.openQueue()
        let (taken, refused) = (fixture.map(), fixture.map())
        let wire = try poster.post(taken.base)
        var contexts: [UInt64] = []
        for context in 1...3 as ClosedRange<UInt64> {
            #expect(poster.begin() == true)
            _ = try poster.use(address: refused.base, length: 1)
            _ = poster.commit(context: context, tag: 0)
        }
        poster.withdraw(3) { contexts.append($0.context) }

        #expect(contexts == [1, 2, 3])
        #expect(fixture.queues.outstanding(poster.queue) == 1)
        #expect(!fixture.mappings.holders(of: taken.id).isEmpty)
        // The fence of a withdrawn request stands for the last one that was not, for what it replaced is not known.
        #expect(fixture.mappings.complete(wire) != nil)
        fixture.release(refused.id)
        fixture.release(taken.id)
    }

    @Test("A closed queue holds nothing, and its completions are ignored, also by the queue that has its slot")
    func closedQueue() throws {
        let fixture = Fixture()
        var poster = fixture.openQueue()
        let mapping = fixture.map()
        let wire = try poster.post(mapping.base)
        let queue = poster.queue
        fixture.mappings.closeQueue(queue)
        #expect(!fixture.queues.isOpen(queue))
        #expect(fixture.queues.outstanding(queue) == 0)
        #expect(fixture.mappings.complete(wire) == nil)
        fixture.release(mapping.id)
        var next = wire
        while next.raw >> 44 != wire.raw >> 44 || next == wire {
            var poster = fixture.openQueue()
            next = try poster.post()
            #expect(fixture.mappings.complete(wire) == nil)
            fixture.mappings.closeQueue(poster.queue)
        }
    }

    @Test("A release that is undone leaves addresses and uses as they were")
    func reopen() throws {
        let fixture = Fixture()
        var poster = fixture.openQueue()
        let mapping = fixture.map()
        let wire = try poster.post(mapping.base)
        #expect(fixture.mappings.close(mapping.id))
        #expect(!fixture.mappings.isIdle(mapping.id))
        #expect(throws: UseError.unmapped) { try poster.post(mapping.base) }
        fixture.mappings.reopen(mapping.id, length: 4096)
        let second = try poster.post(mapping.base)
        #expect(fixture.mappings.complete(wire) != nil)
        #expect(fixture.mappings.complete(second) != nil)
        fixture.release(mapping.id)
    }

    @Test("A mapping that was never published takes no request and no window")
    func reserved() throws {
        let fixture = Fixture()
        var poster = fixture.openQueue()
        let (id, base) = try #require(fixture.mappings.reserve(memory: 4096, length: 4096))
        #expect(throws: UseError.unmapped) { try poster.post(base) }
        #expect(throws: UseError.unmapped) { _ = try fixture.mappings.holdWindow(address: base, length: 1) }
        #expect(!fixture.mappings.close(id))
        fixture.mappings.cancel(id)
    }
}
