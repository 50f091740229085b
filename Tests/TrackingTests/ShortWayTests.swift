import Testing
import Tracking

/// The way of a request that names one lent mapping, and of a completion that has nothing to be looked after.
@Suite("The short way of a request")
struct ShortWayTests {
    let fixture = Fixture()

    @Test("A request at once leaves the same fence as one step by step")
    func fenceAtOnce() throws {
        var poster = fixture.openQueue()
        let mapping = fixture.lend()
        _ = try poster.post(mapping.base)

        let posted = poster.postAtOnce(mapping.place)
        let wire = try #require(posted)

        #expect(fixture.mappings.holders(of: mapping.id).queues == [poster.queue: 2])
        #expect(fixture.mappings.isInUse(mapping.id))
        #expect(fixture.retireAtOnce(wire))
        #expect(!fixture.mappings.isInUse(mapping.id))
        #expect(fixture.mappings.close(mapping.id))
        #expect(fixture.mappings.isIdle(mapping.id))
    }

    @Test("An address at once leaves the same fence as one step by step")
    func addressAtOnce() throws {
        var poster = fixture.openQueue()
        let mapping = fixture.lend(key: 9)
        _ = try poster.post(mapping.base)

        let begun = poster.beginAtOnce(at: mapping.base + 96, length: 4000, isSink: true)
        #expect(begun == KeyedAddress(address: mapping.base + 96, key: 9))
        let wire = poster.commit(context: 0, tag: 0)
        poster.leave()

        #expect(fixture.mappings.holders(of: mapping.id).queues == [poster.queue: 2])
        #expect(fixture.retireAtOnce(wire))
        #expect(!fixture.mappings.isInUse(mapping.id))
    }

    @Test("An address that is not mapped, or not so far, or only read, or not known to the queue, is refused at once")
    func wrongAddress() throws {
        var poster = fixture.openQueue()
        let (mapping, unused) = (fixture.lend(), fixture.lend())
        let readOnly = try #require(fixture.mappings.reserve(memory: 0x7000_0000_1000, length: 4096))
        _ = fixture.mappings.publish(readOnly.id, length: 4096, key: 1, isWritable: false)
        let released = fixture.lend()
        for base in [mapping.base, readOnly.base, released.base] { _ = try poster.post(base) }
        #expect(fixture.mappings.close(released.id))

        let wrong: [(UInt64, UInt32)] = [
            (mapping.base + 96, 4001), (mapping.base + 4096, 1), (unused.base, 1), (readOnly.base, 1),
            (released.base, 1),
            (.max, 1),
        ]
        for (address, length) in wrong {
            let refused = poster.beginAtOnce(at: address, length: length, isSink: true)
            #expect(refused == nil)
            #expect(!fixture.queues.isPosting(poster.queue))
        }
        #expect(poster.posted == 3)
        let begun = poster.beginAtOnce(at: readOnly.base, length: 1, isSink: false)
        #expect(begun != nil)
    }

    @Test("A place knows its mapping")
    func place() {
        let mapping = fixture.lend(length: 5000, key: 9)
        #expect(mapping.place.base == mapping.base)
        #expect(mapping.place.length == 5000)
        #expect(mapping.place.key == 9)
    }

    @Test("The first request over a mapping is refused at once, and changes nothing")
    func firstUse() {
        var poster = fixture.openQueue()
        let mapping = fixture.lend()
        let refused = poster.postAtOnce(mapping.place)
        #expect(refused == nil)
        #expect(poster.posted == 0)
        #expect(!fixture.queues.isPosting(poster.queue))
        #expect(fixture.mappings.holders(of: mapping.id).isEmpty)
    }

    @Test("A full queue refuses at once, and has room again when a request is retired")
    func fullQueue() throws {
        var poster = fixture.openQueue(depth: 2)
        let mapping = fixture.lend()
        let first = try poster.post(mapping.base)
        let taken = poster.postAtOnce(mapping.place)
        #expect(taken != nil)
        let refused = poster.postAtOnce(mapping.place)
        #expect(refused == nil)
        #expect(poster.posted == 2)

        #expect(fixture.retireAtOnce(first))
        _ = try poster.post(mapping.base)
        #expect(poster.posted == 3)
    }

    @Test("Who holds a queue keeps requests at once out, and the next one catches up step by step")
    func heldQueue() throws {
        var poster = fixture.openQueue()
        let mapping = fixture.lend()
        _ = try poster.post(mapping.base)

        #expect(fixture.queues.hold(poster.queue))
        let refused = poster.postAtOnce(mapping.place)
        #expect(refused == nil)
        fixture.queues.release(poster.queue)
        let refusedAgain = poster.postAtOnce(mapping.place)
        #expect(refusedAgain == nil)

        _ = try poster.post(mapping.base)
        let taken = poster.postAtOnce(mapping.place)
        #expect(taken != nil)
    }

    @Test("A poster that fences for itself goes step by step")
    func ownerFences() throws {
        let fixture = Fixture(ownerFences: true)
        var poster = fixture.openQueue()
        let mapping = fixture.lend()
        _ = try poster.post(mapping.base)
        _ = try poster.post(mapping.base)
        let refused = poster.postAtOnce(mapping.place)
        #expect(refused == nil)
        #expect(fixture.queues.hold(poster.queue))
    }

    @Test("A request whose uses were counted is not retired at once")
    func countedUses() throws {
        let mapping = fixture.lend()
        for _ in 0..<4 {
            var poster = fixture.openQueue()
            _ = try poster.post(mapping.base)
        }
        var fifth = fixture.openQueue()
        let wire = try fifth.post(mapping.base)

        #expect(!fixture.retireAtOnce(wire))
        #expect(fixture.mappings.holders(of: mapping.id).countedUses == 1)
        #expect(RequestRetirer(mappings: fixture.mappings).retire(wire) != nil)
        #expect(fixture.mappings.holders(of: mapping.id).countedUses == 0)
    }

    @Test("A completion that comes twice, or after its queue, finds nothing")
    func strayCompletion() throws {
        var poster = fixture.openQueue()
        let wire = try poster.post(fixture.lend().base)
        let later = try poster.post(fixture.lend().base)
        #expect(fixture.retireAtOnce(wire))
        #expect(!fixture.retireAtOnce(wire))
        fixture.mappings.closeQueue(poster.queue)
        #expect(!fixture.retireAtOnce(later))
    }

    // MARK: Bars

    @Test("A bar keeps the poster out until it is lifted, and others only without leave")
    func bar() throws {
        var poster = fixture.openQueue()
        let mapping = fixture.lend()
        _ = try poster.post(mapping.base)

        fixture.queues.bar(poster.queue)
        let refused = poster.postAtOnce(mapping.place)
        #expect(refused == nil)
        let entry = poster.enter()
        #expect(entry == .barred)
        #expect(!fixture.queues.isPosting(poster.queue))
        #expect(!fixture.queues.hold(poster.queue))

        fixture.queues.unbar(poster.queue)
        _ = try poster.post(mapping.base)
    }

    @Test("A barred queue can be shut, and stays so")
    func shutWhileBarred() {
        var poster = fixture.openQueue()
        fixture.queues.bar(poster.queue)
        #expect(fixture.queues.hold(poster.queue, evenIfBarred: true))
        fixture.queues.shut(poster.queue)
        fixture.queues.unbar(poster.queue)
        let entry = poster.enter()
        #expect(entry == .shut)
    }

    @Test("A bar waits for nobody who holds the queue")
    func barWhileHeld() {
        var poster = fixture.openQueue()
        #expect(fixture.queues.hold(poster.queue))
        fixture.queues.bar(poster.queue)
        let entry = poster.enter()
        #expect(entry == .held)
        fixture.queues.release(poster.queue)
        let entryAgain = poster.enter()
        #expect(entryAgain == .inside)
        poster.leave()
    }
}

extension Fixture {
    /// A live mapping and its place, which its owner lends to posts.
    func lend(length: UInt64 = 4096, key: UInt32 = 7) -> (id: MappingID, base: UInt64, place: MappingPlace) {
        guard let mapping = mappings.reserve(memory: 0x7000_0000_1000, length: length) else {
            fatalError("no address range left")
        }
        let place = mappings.publish(mapping.id, length: length, key: key)
        return (mapping.id, mapping.base, place)
    }

    /// Retires an ordinary request as a poll does; false if it must be looked after.
    func retireAtOnce(_ wire: WireID) -> Bool {
        guard let request = RequestRetirer(mappings: mappings).ordinaryRequest(wire) else { return false }
        request.retire()
        return true
    }
}

extension RequestPoster {
    /// Posts one request over a lent mapping; nil if that must be done step by step.
    mutating func postAtOnce(_ place: MappingPlace) -> WireID? {
        guard beginAtOnce(using: place) else { return nil }
        defer { leave() }
        return commit(context: 0, tag: 0)
    }
}
