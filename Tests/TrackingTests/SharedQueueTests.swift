import Testing
import Tracking

@Suite("Shared receive queues")
struct SharedQueueTests {
    private let fixture = Fixture()

    private func open(depth: Int = 8) -> SharedQueue {
        guard let queue = fixture.mappings.sharedQueues.open(depth: depth, elements: 2) else {
            fatalError("no queue left")
        }
        return queue
    }

    @Test("[46] A request retires alone, whichever completes first")
    func anyOrder() throws {
        let queue = open()
        var poster = SharedRequestPoster(queue: queue, mappings: fixture.mappings)
        let mappings = (0..<3).map { _ in fixture.map() }
        let wires = try mappings.map { try poster.post($0.base, $0.base + 1) }
        for (left, index) in [(2, 1), (1, 2), (0, 0)] {
            #expect(fixture.mappings.holders(of: mappings[index].id).countedUses == 2)
            let retired = try #require(fixture.mappings.complete(wires[index]))
            #expect(retired.queue == queue.id)
            #expect(retired.count == 1)
            #expect(retired.request.tag == 7)
            fixture.release(mappings[index].id)
            #expect(queue.outstanding == left)
        }
    }

    @Test("A completion that is reported twice retires once, also when another request has the place")
    func twice() throws {
        let queue = open(depth: 1)
        var poster = SharedRequestPoster(queue: queue, mappings: fixture.mappings)
        let (id, base) = fixture.map()
        let first = try poster.post(base)
        #expect(fixture.mappings.complete(first) != nil)
        #expect(fixture.mappings.complete(first) == nil)
        let second = try poster.post(base)
        #expect(fixture.mappings.complete(first) == nil)
        #expect(fixture.mappings.holders(of: id).countedUses == 1)
        #expect(fixture.mappings.complete(second) != nil)
        fixture.release(id)
    }

    @Test("A full queue takes a request when any of its requests is retired, and more when it becomes deeper")
    func depth() throws {
        let queue = open(depth: 2)
        var poster = SharedRequestPoster(queue: queue, mappings: fixture.mappings)
        let base = fixture.map().base
        let first = try poster.post(base)
        let second = try poster.post(base)
        #expect(poster.begin() == false)
        #expect(fixture.mappings.complete(second) != nil)
        _ = try poster.post(base)
        #expect(poster.begin() == false)
        queue.setDepth(5000)
        for _ in 0..<4998 { _ = try poster.post(base) }
        #expect(poster.begin() == false)
        queue.setDepth(1)
        #expect(fixture.mappings.complete(first) != nil)
        #expect(poster.begin() == false)
        #expect(queue.outstanding == 4999)
        fixture.mappings.close(queue)
    }

    @Test("A request that is given up or refused leaves no count, and its place is used again")
    func takenBack() throws {
        let queue = open(depth: 1)
        var poster = SharedRequestPoster(queue: queue, mappings: fixture.mappings)
        let (id, base) = fixture.map()
        #expect(throws: UseError.unmapped) { _ = try poster.post(base, base + 4096) }
        #expect(throws: UseError.beyondEnd) { try poster.check(address: base + 1, length: 4096) }
        let refused = try poster.post(base)
        poster.withdraw()
        #expect(fixture.mappings.holders(of: id).isEmpty)
        #expect(fixture.mappings.complete(refused) == nil)
        let kept = try poster.post(base)
        #expect(fixture.mappings.complete(refused) == nil)
        #expect(fixture.mappings.complete(kept) != nil)
        fixture.release(id)
    }

    @Test("[45] The end of a queue retires what it had left, and its identifiers find nothing any more")
    func end() throws {
        let queue = open()
        var poster = SharedRequestPoster(queue: queue, mappings: fixture.mappings)
        let (id, base) = fixture.map()
        let wires = try (0..<3).map { _ in try poster.post(base) }
        #expect(queue.uses(of: id) == 3)
        #expect(fixture.mappings.complete(wires[1]) != nil)
        #expect(queue.uses(of: id) == 2)
        #expect(fixture.mappings.close(id))
        #expect(!fixture.mappings.isIdle(id))
        fixture.mappings.close(queue)
        #expect(fixture.mappings.isIdle(id))
        for wire in wires { #expect(fixture.mappings.complete(wire) == nil) }
        #expect(queue.uses(of: id) == 0, "whoever still has it may ask")
    }

    @Test("[104] Few requests are reported strictly below the threshold, and once")
    func threshold() throws {
        let queue = open()
        var poster = SharedRequestPoster(queue: queue, mappings: fixture.mappings)
        let base = fixture.map().base
        let wires = try (0..<5).map { _ in try poster.post(base) }
        func retire(_ index: Int) -> Bool { fixture.mappings.complete(wires[index])?.leavesFew ?? false }
        queue.arm(below: 3)
        #expect(!queue.isLow())
        #expect(!retire(0))
        #expect(!retire(1), "three are left, which is not fewer than three")
        #expect(retire(2))
        #expect(!retire(3), "nobody asked again")
        queue.arm(below: 2)
        #expect(queue.isLow())
        #expect(!queue.isLow())
        queue.arm(below: 2)
        #expect(queue.disarm())
        #expect(!queue.disarm())
        #expect(!retire(4))
    }
}

extension SharedRequestPoster {
    /// Prepares and commits one request that names a byte at each address.
    fileprivate mutating func post(_ addresses: UInt64...) throws(UseError) -> WireID {
        guard begin() else { fatalError("the queue is full") }
        do throws(UseError) {
            for address in addresses { _ = try use(address: address, length: 1) }
        } catch {
            abandon()
            throw error
        }
        return commit(context: 0, tag: 7)
    }
}
