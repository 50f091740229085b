import Tracking

/// A block that was released and cannot be used again yet, in the hands of the reaper.
// Sendable: the reaper has it alone once it was handed over.
final class ReturningBlock: Reapable, @unchecked Sendable {
    private let block: ArenaBlock
    private let arena: ArenaCore
    private let onReturned: (@Sendable () -> Void)?

    let id: MappingID

    /// - Parameters:
    ///   - block: closed, and nobody's.
    ///   - arena: kept until it has the block back.
    ///   - onReturned: called when nothing uses the block any more.
    init(_ block: ArenaBlock, to arena: ArenaCore, onReturned: (@Sendable () -> Void)? = nil) {
        self.block = block
        self.arena = arena
        self.onReturned = onReturned
        id = block.cut.id
    }

    var isAwaited: Bool { onReturned != nil }

    func reap(in core: AdapterCore) {
        guard core.mappings.settle(block.cut) else { fatalError("ReturningBlock: \(id) is in use") }
        var blocks = ArenaBlockList()
        blocks.append(block)
        arena.finish { $0.give(&blocks) }
        onReturned?()
    }
}
