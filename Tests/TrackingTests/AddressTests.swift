import Testing
import Tracking
import TrackingModel

@Suite("Logical addresses")
struct AddressTests {
    private static let pageBytes: UInt64 = 4096
    private static let guardBytes: UInt64 = 64 << 10

    @Test("A mapping keeps its memory's page offset, is never at zero, and never negative")
    func baseProperties() {
        let fixture = Fixture()
        var random = RandomSource(seed: 1)
        for _ in 0..<3000 {
            let memory = random.next() >> 16
            let length = 1 + UInt64(random.below(random.chance(50) ? 1 << 20 : 1 << 36))
            guard let (_, base) = fixture.mappings.reserve(memory: memory, length: length) else { continue }
            #expect(base % Self.pageBytes == memory % Self.pageBytes)
            #expect(base > 0 && base < 1 << 63)
            #expect(base + length < 1 << 63)
        }
    }

    @Test("Between any two mappings there is a gap, however their sizes meet the ends of their slots")
    func gaps() {
        let fixture = Fixture()
        let start: UInt64 = (1 << 30) - 1
        let lengths = [1, 4096, (3 << 30) - Self.guardBytes + 1, 1 << 40, (1 << 47) - Self.guardBytes - start]
        var ranges: [Range<UInt64>] = []
        for memory in [0, start] {
            for length in lengths {
                for _ in 0..<3 {
                    guard let (_, base) = fixture.mappings.reserve(memory: memory, length: length) else {
                        Issue.record("no range of \(length) bytes")
                        return
                    }
                    ranges.append(base..<base + length)
                }
            }
        }
        ranges.sort { $0.lowerBound < $1.lowerBound }
        for (range, next) in zip(ranges, ranges.dropFirst()) {
            #expect(range.upperBound + Self.guardBytes <= next.lowerBound)
        }
    }

    @Test("A range beyond 128 TiB, or one that overflows, is refused")
    func tooLong() {
        let mappings = Fixture().mappings
        #expect(mappings.reserve(memory: 0, length: 1 << 47) == nil)
        #expect(mappings.reserve(memory: (1 << 30) - 1, length: .max) == nil)
        #expect(mappings.reserve(memory: 0, length: (1 << 47) - Self.guardBytes) != nil)
    }

    @Test("Every byte of a mapping can be used, and none beside it", arguments: [1, 4096, 4 << 30] as [UInt64])
    func bounds(length: UInt64) throws {
        let fixture = Fixture()
        var poster = fixture.openQueue()
        let (_, base) = fixture.map(length: length)
        _ = try poster.post(base)
        _ = try poster.post(base + length - 1)
        #expect(throws: UseError.unmapped) { try poster.post(base - 1) }
        #expect(throws: UseError.unmapped) { try poster.post(base + length) }
        #expect(poster.begin() == true)
        #expect(throws: UseError.beyondEnd) { try poster.use(address: base + length - 1, length: 2) }
    }

    @Test("An address of a released mapping finds nothing, nor what took over its slot", arguments: [4096, 4 << 30])
    func staleAddress(length: UInt64) throws {
        let fixture = Fixture()
        var poster = fixture.openQueue()
        fixture.exhaustLargeSlots()
        let gone = fixture.map(length: length)
        fixture.release(gone.id)
        #expect(throws: UseError.unmapped) { try poster.post(gone.base) }
        let next = fixture.map(length: length)
        #expect(next.base != gone.base)
        #expect(throws: UseError.unmapped) { try poster.post(gone.base) }
        _ = try poster.post(next.base)
    }

    @Test("Random addresses find nothing", arguments: 1...4 as ClosedRange<UInt64>)
    func randomAddresses(seed: UInt64) {
        let fixture = Fixture()
        var poster = fixture.openQueue()
        for _ in 0..<100 { fixture.release(fixture.map().id) }
        let mapping = fixture.map()
        let other = fixture.mapLarge()
        #expect(fixture.mappings.close(other.id))
        var random = RandomSource(seed: seed)
        for _ in 0..<10_000 {
            // Any bit flipped, with or without the top one.
            let address = mapping.base ^ 1 << UInt64(12 + random.below(51)) ^ UInt64(random.below(2)) << 63
            #expect(throws: UseError.unmapped) { try poster.post(address) }
            #expect(throws: UseError.unmapped) { try poster.post(other.base ^ random.next() >> 1) }
        }
    }

    @Test("A slot rests while 1024 others are freed, as long as there are unused ones")
    func quarantine() {
        let fixture = Fixture()
        let first = fixture.map()
        fixture.release(first.id)
        for _ in 0..<1024 {
            let next = fixture.map()
            #expect(next.id.slot != first.id.slot)
            fixture.release(next.id)
        }
        #expect((0..<3).contains { _ in fixture.map().id.slot == first.id.slot })
    }

    @Test("When every slot is taken a mapping is refused, and the next release makes room")
    func exhaustion() {
        let fixture = Fixture()
        fixture.exhaustLargeSlots()
        let last = fixture.mapLarge()
        #expect(fixture.mappings.reserve(memory: 0, length: 4 << 30) == nil)
        #expect(fixture.mappings.reserve(memory: 0, length: 4096) != nil)
        fixture.release(last.id)
        let next = fixture.mapLarge()
        #expect(next.id.slot == last.id.slot)
        #expect(!fixture.mappings.close(last.id))
    }

    @Test("Mappings and queues stay where they are while their tables grow")
    func growth() throws {
        let fixture = Fixture()
        var poster = fixture.openQueue()
        let first = fixture.map()
        let wire = try poster.post(first.base)
        for _ in 0..<3000 {
            _ = fixture.map()
            _ = fixture.openQueue()
        }
        #expect(fixture.mappings.holders(of: first.id).queues == [poster.queue: 1])
        #expect(fixture.mappings.complete(wire)?.queue == poster.queue)
    }

    @Test("A mapping takes 128 bytes, a queue without its ring as many, in cache lines of their own")
    func sizes() throws {
        #expect(MemoryLayout<MappingSlot>.stride == 128)
        #expect(MemoryLayout<QueueState>.stride == 128)
        let fixture = Fixture()
        let slot = unsafe try #require(fixture.mappings.slots.element(at: fixture.map().id.slot))
        #expect(UInt(bitPattern: slot) % 64 == 0)
    }
}
