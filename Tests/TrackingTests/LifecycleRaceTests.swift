import Synchronization
import Testing
import Tracking

@Suite("Releases that race")
struct LifecycleRaceTests {
    @Test("A mapping that another thread closes while it is reopened stays closed")
    func closeDuringReopen() throws {
        let fixture = Fixture()
        let mappings = fixture.mappings
        var poster = fixture.openQueue()
        let rounds = (0..<30_000).map { _ in fixture.map() }
        for mapping in rounds { #expect(mappings.close(mapping.id)) }
        let closed = Atomic<Int>(0)
        let closer = SystemThread {
            for (round, mapping) in rounds.enumerated() {
                spin { mappings.close(mapping.id) }
                closed.store(round + 1, ordering: .releasing)
            }
        }
        for (round, mapping) in rounds.enumerated() {
            mappings.reopen(mapping.id, length: 4096)
            spin { closed.load(ordering: .acquiring) > round }
            #expect(throws: UseError.unmapped) { try poster.post(mapping.base) }
        }
        closer.join()
    }
}
