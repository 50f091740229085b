import Testing
import Tracking

/// What only a bug in the layer above can do is a trap that names the rule.
@Suite("Misuse")
struct MisuseTests {
    @Test("Dropping a window that is not held traps")
    func drop() async {
        await #expect(processExitsWith: .failure) {
            let fixture = Fixture()
            fixture.mappings.dropWindow(fixture.map().id)
        }
    }

    @Test("[52] A second release is detected: at once, when the slot is free, and when another mapping has it")
    func releasedTwice() {
        let fixture = Fixture()
        fixture.exhaustLargeSlots()
        let mapping = fixture.mapLarge()
        #expect(fixture.mappings.close(mapping.id))
        #expect(!fixture.mappings.close(mapping.id))
        fixture.mappings.retire(mapping.id)
        #expect(!fixture.mappings.close(mapping.id))
        let next = fixture.mapLarge()
        #expect(next.id.slot == mapping.id.slot)
        #expect(!fixture.mappings.close(mapping.id))
        #expect(fixture.mappings.close(next.id), "the new mapping is not touched by that")
    }

    @Test("Retiring a mapping that is not closed traps")
    func retire() async {
        await #expect(processExitsWith: .failure) {
            let fixture = Fixture()
            fixture.mappings.retire(fixture.map().id)
        }
    }

    @Test("A poster deeper than its queue traps")
    func depth() async {
        await #expect(processExitsWith: .failure) {
            let fixture = Fixture()
            let queue = fixture.openQueue(depth: 8).queue
            _ = RequestPoster(queue: queue, depth: 9, mappings: fixture.mappings)
        }
    }

    @Test("More counted elements than a queue was opened for trap")
    func elements() async {
        await #expect(processExitsWith: .failure) {
            let fixture = Fixture()
            let mapping = fixture.map()
            for _ in 0..<4 {
                var poster = fixture.openQueue()
                _ = try? poster.post(mapping.base)
            }
            var poster = fixture.openQueue()
            let base = mapping.base
            _ = try? poster.post(base, base, base, base, base)
        }
    }
}
