import LAM
import TestSupport
import Testing

/// An arena of few and small slabs.
func smallArena(
    _ adapter: Adapter, slabs: Int = 1, pages: Int = 1, file: StaticString = #fileID, line: UInt = #line
) throws -> Arena {
    try adapter.createArena(
        ArenaOptions(budgetBytes: slabs * pages * fakePageSize, slabBytes: pages * fakePageSize),
        file: file, line: line)
}

extension FakeDevice {
    /// The memory that requests name which the device has not carried out, as addresses of this process.
    var memoryInUse: [Range<UInt>] {
        let regions = Dictionary(uniqueKeysWithValues: regions.map { ($0.key, $0) })
        return queuePairNumbers.flatMap { sends(on: $0) + receives(on: $0) }.flatMap(\.elements).compactMap { element in
            guard let region = regions[element.key] else { return nil }
            let start = region.base + UInt(element.address - region.deviceAddress)
            return start..<start + UInt(element.length)
        }
    }

    /// The registrations that are not the privileged token's.
    var registrationCount: Int { regions.count - 1 }
}

extension MemoryDescriptor {
    var range: Range<UInt> { address..<address + UInt(length) }
}

/// Expects that an arena has no room.
func expectFull(_ arena: Arena, length: Int = fakePageSize, sourceLocation: SourceLocation = #_sourceLocation) {
    do throws(MappingError) {
        let mapping = try arena.buildLam(length: length)
        Issue.record("\(mapping.memory) was handed out", sourceLocation: sourceLocation)
    } catch {
        guard case .arenaFull = error else {
            Issue.record(error, sourceLocation: sourceLocation)
            return
        }
    }
}
