/// Why a mapping could not be built, or memory for one not be had.
///
/// Whatever the reason: when the error is thrown, nothing of the attempt is pinned any more (rule L12).
@nonexhaustive
public enum MappingError: Error, Hashable, Sendable {
    /// A mapping of no bytes was asked for; verbs would pin a page for some addresses, so it is refused (rule L3).
    case empty

    /// More bytes were asked for than the descriptors have together (rule L3).
    case lengthExceedsDescriptors(asked: Int, available: Int)

    /// The bytes asked for are not one virtually contiguous range (rule L2).
    ///
    /// `descriptor` is the index within the chain of the one that does not begin where its predecessor ended.
    case notContiguous(descriptor: Int, expectedAddress: UInt, foundAddress: UInt)

    /// A descriptor's bytes run over the end of the address space.
    case addressOverflow(address: UInt, length: Int)

    /// No memory is mapped at `address`, the first such address of the range.
    case unmapped(address: UInt)

    /// The memory at `address`, the first such address of the range, may not be read.
    case notReadable(address: UInt)

    /// The memory at `address`, the first such address of the range, may not be written, and the mapping needs that.
    case notWritable(address: UInt)

    /// The system does not let this process pin so much memory.
    case pinLimit(PinLimitReport)

    /// The adapter is not to pin so much memory.
    case overBudget(PinBudgetReport)

    /// The device holds as many registrations as it can.
    case tooManyMappings(limit: Int)

    /// The range is longer than one mapping can be; both in bytes.
    case tooLong(asked: Int, limit: Int)

    /// The system gave no memory for a buffer of `bytes` bytes; `errno` is what `mmap` reported.
    case allocationFailed(bytes: Int, errno: CInt)

    /// Everything that an arena may pin is in use, or released and still in use; all in bytes.
    case arenaFull(asked: Int, pinned: Int, budget: Int)

    /// The adapter is closed or closing, or the arena is.
    case closed

    /// A verb failed for a reason that no other case names: which one, and the `errno` value it gave.
    case verbFailed(verb: String, errno: CInt)
}
