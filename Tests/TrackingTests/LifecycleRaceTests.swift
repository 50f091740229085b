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
        let current = Mutex<MappingID?>(nil)
        let closed = Atomic<Int>(0)
        let rounds = 50_000
        let closer = SystemThread {
            for round in 1...rounds {
                var id: MappingID?
                while id == nil { id = current.withLock { $0.take() } }
                while !mappings.close(id!) {}
                closed.store(round, ordering: .releasing)
            }
        }
        for round in 1...rounds {
            let mapping = fixture.map()
            #expect(mappings.close(mapping.id))
            current.withLock { $0 = mapping.id }
            // The closer needs a moment to begin; most rounds then meet it inside `close`.
            for _ in 0..<(round & 127) { _ = mappings.close(mapping.id) }
            mappings.reopen(mapping.id, length: 4096)
            while closed.load(ordering: .acquiring) != round {}
            #expect(throws: UseError.unmapped) { try poster.post(mapping.base) }
            mappings.retire(mapping.id)
        }
        closer.join()
    }
}
