import LAM
import Testing

/// A release had another outcome than the test can go on with.
struct UnexpectedRelease: Error {}

/// Expects that the mapping is in use by just this, and therefore not released; gives it back.
func expectInUse(
    _ mapping: consuming LogicalAddressMapping, by use: String, sourceLocation: SourceLocation = #_sourceLocation
) throws -> LogicalAddressMapping {
    switch mapping.tryRelease() {
    case .busy(let kept, let found):
        #expect(found.description == use, sourceLocation: sourceLocation)
        return kept
    case .refused(let kept, let error):
        Issue.record("the device refused: \(error)", sourceLocation: sourceLocation)
        return kept
    case .released:
        Issue.record("it was released, but is used by \(use)", sourceLocation: sourceLocation)
        throw UnexpectedRelease()
    }
}

/// Expects that nothing uses the mapping, and that its memory can be unpinned at once.
func expectIdle(_ mapping: consuming LogicalAddressMapping, sourceLocation: SourceLocation = #_sourceLocation) {
    switch mapping.tryRelease() {
    case .released: break
    case .busy(_, let use): Issue.record("it is used by \(use)", sourceLocation: sourceLocation)
    case .refused(_, let error): Issue.record("the device refused: \(error)", sourceLocation: sourceLocation)
    }
}
