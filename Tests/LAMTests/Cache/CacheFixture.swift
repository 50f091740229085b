import LAM
import TestSupport

/// A cache of a few pages, which keeps them until they are asked for.
func smallCache(
    _ adapter: Adapter, pages: Int = 4, idleLimit: Duration = .seconds(600), file: StaticString = #fileID,
    line: UInt = #line
) throws -> RegistrationCache {
    try adapter.createCache(
        CacheOptions(limitBytes: pages * fakePageSize, idleLimit: idleLimit), file: file, line: line)
}

/// Buffers of one page each.
func pageBuffers(_ count: Int) throws -> [PageBuffer] {
    try (0..<count).map { _ in try PageBuffer(count: fakePageSize) }
}
