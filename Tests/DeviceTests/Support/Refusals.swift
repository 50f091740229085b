import LAM
import TestSupport
import Testing

/// Expects that a build fails with this error, whose text names these numbers, and that it leaves no trace: VmPin, the
/// kernel's regions, and the areas of the memory with their flags are as before.
func expectRefused(
    _ descriptors: [MemoryDescriptor], length: Int? = nil, in memory: DeviceMemory, by adapter: Adapter,
    _ expected: MappingError, naming numbers: [String] = [], sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let before = try (oracle: DeviceOracle.now(), areas: memory.areas())
    do {
        _ = try unsafe adapter.buildLam(descriptors, length: length)
        Issue.record("it was built", sourceLocation: sourceLocation)
    } catch {
        #expect(error == expected, sourceLocation: sourceLocation)
        for number in numbers {
            #expect(error.description.contains(number), "\(error)", sourceLocation: sourceLocation)
        }
        #expect(!error.description.isEmpty, sourceLocation: sourceLocation)
    }
    #expect(try DeviceOracle.now() == before.oracle, sourceLocation: sourceLocation)
    #expect(try memory.areas() == before.areas, sourceLocation: sourceLocation)
}

/// Expects a post that is refused with this error.
func expectRefused(
    _ expected: PostError, sourceLocation: SourceLocation = #_sourceLocation, _ post: () throws(PostError) -> Void
) {
    do {
        try post()
        Issue.record("it was posted", sourceLocation: sourceLocation)
    } catch {
        #expect(error == expected, sourceLocation: sourceLocation)
        #expect(!error.description.isEmpty, sourceLocation: sourceLocation)
    }
}
