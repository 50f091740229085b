import Testing
import Tracking
import TrackingModel

@Suite("Cuts")
struct CutTests {
    let fixture = Fixture()
    private static let memory: UInt64 = 0x7000_0000_1000
    private static let device = KeyedAddress(address: 0x0123_0000_1000, key: 9)

    private func reserve(room: UInt64 = 4096) throws -> Cut {
        try #require(fixture.mappings.reserveCut(memory: Self.memory, room: room, device: Self.device))
    }

    @Test("A cut has logical addresses of its own, and a request gives the device those of its memory")
    func addresses() throws {
        let cut = try reserve()
        let place = cut.open(length: 1000)
        #expect(place.base == Self.device.address)
        #expect(place.key == Self.device.key)
        #expect(place.length == 1000)
        #expect(place.address != place.base)
        #expect(place.address % 65536 == Self.memory % 65536)

        var poster = fixture.openQueue()
        #expect(poster.begin() == true)
        let used = try poster.use(address: place.address + 10, length: 990)
        #expect(used == KeyedAddress(address: Self.device.address + 10, key: 9))
        #expect(throws: UseError.beyondEnd) { _ = try poster.use(address: place.address + 10, length: 991) }
        #expect(throws: UseError.unmapped) { _ = try poster.use(address: place.base, length: 1) }
        let held = try fixture.mappings.holdWindow(address: place.address + 1, length: 1)
        #expect(held.memory == KeyedAddress(address: Self.device.address + 1, key: 9))
        #expect(held.id == cut.id)
    }

    @Test("[55] An address of the last time finds nothing, however often the cut was mapped since")
    func staleAddresses() throws {
        var poster = fixture.openQueue()
        let cut = try reserve()
        let first = cut.open(length: 4096).address
        cut.close()
        var addresses: Set<UInt64> = [first]
        for _ in 0..<20_000 {
            let place = cut.open(length: 4096)
            #expect(addresses.insert(place.address).inserted)
            #expect(throws: UseError.unmapped) { try poster.post(first) }
            cut.close()
        }
    }

    @Test("The addresses of a cut stay in its slot, with a gap behind them", arguments: [1, 4096, 1 << 20, 1 << 30])
    func gap(room: UInt64) throws {
        let cut = try reserve(room: room)
        let slots = (cut.id.slot, try reserve(room: room).id.slot)
        #expect(slots.0 != slots.1)
        for _ in 0..<5000 {
            let place = cut.open(length: room)
            #expect(AddressLayout.slot(of: place.address) == slots.0)
            #expect(AddressLayout.slot(of: place.address + room - 1) == slots.0)
            #expect(AddressLayout.slot(of: place.address + room - 1 + 65536) == slots.0)
            #expect(place.address < 1 << 62)
            cut.close()
        }
        #expect(fixture.mappings.reserveCut(memory: 0, room: (1 << 30) + 1, device: Self.device) == nil)
    }

    @Test("[35] [36] A closed cut is settled when its requests are retired, its windows dropped, and not before")
    func settle() throws {
        var poster = fixture.openQueue()
        let cut = try reserve()
        let place = cut.open(length: 4096)
        let wires = [try poster.post(place.address), try poster.post(place.address)]
        let window = try fixture.mappings.holdWindow(address: place.address, length: 1).id
        cut.close()
        #expect(fixture.mappings.complete(wires[0]) != nil)
        fixture.mappings.dropWindow(window)
        #expect(!fixture.mappings.settle(cut))
        #expect(fixture.mappings.holders(of: cut.id).queues == [poster.queue: 1])
        #expect(fixture.mappings.complete(wires[1]) != nil)
        #expect(fixture.mappings.settle(cut))
    }

    @Test("A cut that is kept after all has its addresses again")
    func reopen() throws {
        var poster = fixture.openQueue()
        let cut = try reserve()
        let address = cut.open(length: 100).address
        cut.close()
        #expect(throws: UseError.unmapped) { try poster.post(address) }
        cut.reopen(length: 100)
        #expect(cut.place.address == address)
        _ = try poster.post(address + 99)
        #expect(throws: UseError.unmapped) { try poster.post(address + 100) }
    }

    @Test("Fences stay with their queues from one time to the next, and are taken away when there is none left")
    func fences() throws {
        let cut = try reserve()
        var posters: [RequestPosterBox] = (0..<5).map { _ in RequestPosterBox(fixture.openQueue()) }
        func mapAndPost(_ box: RequestPosterBox) throws -> MappingHolders {
            let wire = try box.poster.post(cut.open(length: 1).address)
            let holders = fixture.mappings.holders(of: cut.id)
            #expect(fixture.mappings.complete(wire) != nil)
            cut.close()
            #expect(fixture.mappings.settle(cut))
            return holders
        }
        #expect(try mapAndPost(posters[0]).queues == [posters[0].poster.queue: 1])
        // The short way is open to a queue that has a fence, also in the next mapping.
        let place = cut.open(length: 1)
        #expect(posters[0].poster.beginAtOnce(using: place) == true)
        posters[0].poster.abandon()
        posters[0].poster.leave()
        cut.close()
        #expect(fixture.mappings.settle(cut))
        for box in posters[1...] { #expect(try mapAndPost(box).countedUses == 0) }
        posters = []
    }

    @Test("[41] A post that is withdrawn leaves no fence, though only the device's address of the memory is known")
    func disown() throws {
        let cut = try reserve()
        let slab = fixture.map(length: 1 << 20)
        let device = slab.base + 4096
        fixture.mappings.divide(slab.id, by: Divider { address in address &- device < 4096 ? [cut] : [] })
        var poster = fixture.openQueue()
        let place = cut.open(length: 4096)
        _ = try poster.post(place.address)
        poster.withdraw(1) { _ in }
        poster.disown(address: device + 5)
        poster.disown(address: slab.base)
        _ = try poster.post()
        #expect(fixture.mappings.holders(of: cut.id).isEmpty)
        fixture.mappings.undivide(slab.id)
        poster.disown(address: device)
    }

    @Test("[41] Several cuts have the same memory, and a post that is withdrawn leaves a fence at none of them")
    func disownTwins() throws {
        let twins = [try reserve(), try reserve()]
        let slab = fixture.map(length: 1 << 20)
        fixture.mappings.divide(slab.id, by: Divider { _ in twins })
        var poster = fixture.openQueue()
        let wire = try poster.post(twins[0].open(length: 4096).address)
        _ = try poster.post(twins[1].open(length: 4096).address)
        poster.withdraw(1) { _ in }
        poster.disown(address: slab.base)
        _ = try poster.post()
        // What has the position of the withdrawn one stays outstanding.
        #expect(fixture.mappings.complete(wire) != nil)
        for twin in twins { #expect(fixture.mappings.holders(of: twin.id).isEmpty) }
        fixture.mappings.undivide(slab.id)
    }

    @Test("[36] A cut that is opened again at once stays in use until what used it last is done, too")
    func reopenedInUse() throws {
        var poster = fixture.openQueue()
        var other = fixture.openQueue()
        let cut = try reserve()
        let first = try poster.post(cut.open(length: 4096).address)
        cut.close()
        #expect(cut.mayReopen)
        let place = cut.open(length: 4096)
        let second = try other.post(place.address)
        let window = try fixture.mappings.holdWindow(address: place.address, length: 1).id
        cut.close()
        #expect(!cut.mayReopen)
        fixture.mappings.dropWindow(window)
        #expect(cut.mayReopen)
        #expect(fixture.mappings.complete(second) != nil)
        #expect(!fixture.mappings.isIdle(cut))
        #expect(fixture.mappings.complete(first) != nil)
        #expect(fixture.mappings.isIdle(cut))
    }

    @Test("A cut of memory that may only be read is no sink")
    func readOnly() throws {
        let cut = try #require(
            fixture.mappings.reserveCut(memory: Self.memory, room: 4096, device: Self.device, isWritable: false))
        var poster = fixture.openQueue()
        let address = cut.open(length: 4096).address
        #expect(poster.begin() == true)
        #expect(throws: UseError.notWritable) { _ = try poster.use(address: address, length: 1, isSink: true) }
        _ = try poster.use(address: address, length: 1, isSink: false)
        poster.abandon()
        poster.leave()
    }

    @Test("A slot that was a cut is an ordinary one again")
    func retire() throws {
        var cuts: [Cut] = []
        for _ in 0..<3 { cuts.append(try reserve()) }
        let stale = cuts[0].open(length: 4096).address
        cuts[0].close()
        let ids = cuts.map(\.id)
        for cut in cuts { fixture.mappings.retire(cut) }
        var poster = fixture.openQueue()
        var slots: Set<UInt32> = []
        while !slots.isSuperset(of: ids.map(\.slot)) {
            let mapping = fixture.map()
            slots.insert(mapping.id.slot)
            let wire = try poster.post(mapping.base)
            #expect(fixture.mappings.complete(wire) != nil)
            #expect(throws: UseError.unmapped) { try poster.post(stale) }
            fixture.release(mapping.id)
        }
    }

    @Test("Opening what is open, and closing what is closed, traps")
    func misuse() async {
        await #expect(processExitsWith: .failure) {
            let cut = try CutTests().reserve()
            _ = cut.open(length: 1)
            _ = cut.open(length: 1)
        }
        await #expect(processExitsWith: .failure) {
            try CutTests().reserve().close()
        }
    }
}

/// A poster in an array.
private final class RequestPosterBox {
    var poster: RequestPoster

    init(_ poster: consuming RequestPoster) {
        self.poster = poster
    }
}

/// Finds cuts as the test says.
private final class Divider: MemoryDivider {
    private let find: @Sendable (UInt64) -> [Cut]

    init(_ find: @escaping @Sendable (UInt64) -> [Cut]) {
        self.find = find
    }

    func cuts(at address: UInt64) -> [Cut] { find(address) }
}
