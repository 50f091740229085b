/// The bytes of a mapping, where the library knows that they are there: those of an arena, and of a ``PageBuffer``.
///
/// What ``PageBuffer`` says of reading and writing while requests are outstanding holds here, too.
extension LogicalAddressMapping {
    /// Lends a part of the bytes for reading; by default all of them.
    ///
    /// Traps if `range` is not within the mapping, or its memory is the caller's own.
    /// - Complexity: O(1) beside what `body` does; nothing is copied.
    public borrowing func withBytes<Result: ~Copyable, Failure: Error>(
        in range: Range<Int>? = nil, _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let bytes = unsafe checkedBytes(range ?? 0..<length)
        // The span is used only within `body`, during which the mapping cannot be released.
        return try body(unsafe UnsafeRawBufferPointer(bytes).bytes)
    }

    /// Lends a part of the bytes for writing; by default all of them.
    ///
    /// Traps if `range` is not within the mapping, or its memory is the caller's own.
    /// - Complexity: O(1) beside what `body` does; nothing is copied.
    public borrowing func withMutableBytes<Result: ~Copyable, Failure: Error>(
        in range: Range<Int>? = nil, _ body: (inout MutableRawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let bytes = unsafe checkedBytes(range ?? 0..<length)
        // The span is used only within `body`, during which the mapping cannot be released.
        var span = unsafe bytes.mutableBytes
        return try body(&span)
    }

    private borrowing func checkedBytes(_ range: Range<Int>) -> UnsafeMutableRawBufferPointer {
        guard range.lowerBound >= 0, range.upperBound <= length else {
            fatalError("LogicalAddressMapping: bytes \(range) of a mapping of \(length) bytes")
        }
        guard registration.keepsMemory else {
            fatalError("LogicalAddressMapping: \(memory) is the caller's, who alone knows whether it is still there")
        }
        return unsafe UnsafeMutableRawBufferPointer(
            start: UnsafeMutableRawPointer(bitPattern: memory.address + UInt(range.lowerBound)), count: range.count)
    }
}
