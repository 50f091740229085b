import Testing
import Tracking

@Suite("Counted uses")
struct CountingTests {
    /// A mapping whose fences are taken by four queues, and a fifth queue.
    private final class Crowd {
        let fixture = Fixture()
        let mapping: (id: MappingID, base: UInt64)
        let first: QueueID
        var fifth: RequestPoster

        init() {
            mapping = fixture.map()
            let takers = [mapping.base, mapping.base, mapping.base, mapping.base].map { [fixture] base in
                var poster = fixture.openQueue()
                if let wire = try? poster.post(base) { _ = fixture.mappings.complete(wire) }
                return poster.queue
            }
            first = takers[0]
            fifth = fixture.openQueue()
        }

        var counted: Int { fixture.mappings.holders(of: mapping.id).countedUses }
    }

    @Test("The fifth queue of a mapping counts every use, until each is retired")
    func fifthQueue() throws {
        let crowd = Crowd()
        let base = crowd.mapping.base
        _ = try crowd.fifth.post(base, base)
        let middle = try crowd.fifth.post(base)
        let last = try crowd.fifth.post(base, base, base, base)
        #expect(crowd.counted == 7)
        #expect(crowd.fixture.mappings.complete(middle)?.count == 2)
        #expect(crowd.counted == 4)
        #expect(crowd.fixture.mappings.close(crowd.mapping.id))
        #expect(!crowd.fixture.mappings.isIdle(crowd.mapping.id))
        #expect(crowd.fixture.mappings.complete(last) != nil)
        #expect(crowd.fixture.mappings.isIdle(crowd.mapping.id))
    }

    @Test("A request that is given up, refused, or lost with its queue drops what it counted")
    func drops() throws {
        let crowd = Crowd()
        let base = crowd.mapping.base
        #expect(crowd.fifth.begin() == true)
        _ = try crowd.fifth.use(address: base, length: 1)
        _ = try crowd.fifth.use(address: base, length: 1)
        #expect(crowd.counted == 2)
        crowd.fifth.abandon()
        #expect(crowd.counted == 0)
        for _ in 0..<3 { _ = try crowd.fifth.post(base) }
        crowd.fifth.withdraw(2) { _ in }
        #expect(crowd.counted == 1)
        crowd.fixture.mappings.closeQueue(crowd.fifth.queue)
        #expect(crowd.counted == 0)
    }

    @Test("A queue takes over the fence of one that is closed")
    func inheritance() throws {
        let crowd = Crowd()
        let base = crowd.mapping.base
        _ = try crowd.fifth.post(base)
        crowd.fixture.mappings.closeQueue(crowd.first)
        let last = try crowd.fifth.post(base)
        let holders = crowd.fixture.mappings.holders(of: crowd.mapping.id)
        #expect(holders.queues == [crowd.fifth.queue: 2])
        #expect(holders.countedUses == 1)
        #expect(crowd.fixture.mappings.complete(last) != nil)
        crowd.fixture.release(crowd.mapping.id)
    }

    @Test("A window keeps a mapping until it is dropped")
    func window() throws {
        let mappings = Fixture().mappings
        let (id, base) = try #require(mappings.reserve(memory: 4096, length: 4096))
        mappings.publish(id, length: 4096, key: 9)
        let window = try mappings.holdWindow(address: base, length: 4096)
        #expect(window.id == id && window.memory == KeyedAddress(address: base, key: 9))
        #expect(mappings.close(id))
        #expect(!mappings.isIdle(id))
        mappings.dropWindow(id)
        #expect(mappings.isIdle(id))
    }

    @Test("A refused window leaves no count")
    func refused() throws {
        let fixture = Fixture()
        let mapping = fixture.map()
        #expect(throws: UseError.beyondEnd) {
            _ = try fixture.mappings.holdWindow(address: mapping.base + 1, length: 4096)
        }
        fixture.release(mapping.id)
        #expect(throws: UseError.unmapped) { _ = try fixture.mappings.holdWindow(address: mapping.base, length: 1) }
        #expect(fixture.mappings.holders(of: mapping.id).isEmpty)
    }
}
