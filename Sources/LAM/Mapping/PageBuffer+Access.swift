extension PageBuffer {
    /// Lends a part of the bytes for reading; by default all of them.
    ///
    /// Traps if `range` is not within the buffer.
    /// - Complexity: O(1) beside what `body` does; nothing is copied.
    public func withBytes<Result: ~Copyable, Failure: Error>(
        in range: Range<Int>? = nil, _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let range = checked(range ?? 0..<count)
        // The span is used only within `body`, during which the pointer is valid.
        return try unsafe withUnsafeMutableBytes { (bytes) throws(Failure) in
            try body(unsafe UnsafeRawBufferPointer(rebasing: bytes[range]).bytes)
        }
    }

    /// Lends a part of the bytes for writing; by default all of them.
    ///
    /// Traps if `range` is not within the buffer.
    /// - Complexity: O(1) beside what `body` does; nothing is copied.
    public func withMutableBytes<Result: ~Copyable, Failure: Error>(
        in range: Range<Int>? = nil, _ body: (inout MutableRawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let range = checked(range ?? 0..<count)
        // The span is used only within `body`, during which the pointer is valid.
        return try unsafe withUnsafeMutableBytes { (bytes) throws(Failure) in
            var span = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[range]).mutableBytes
            return try body(&span)
        }
    }

    /// Copies bytes into the buffer, the first one to `offset`.
    ///
    /// Traps if they do not fit.
    /// - Complexity: O(*n*) in the bytes copied.
    public func copyIn(_ source: RawSpan, at offset: Int = 0) {
        let range = checked(from: offset, count: source.byteCount)
        // Both pointers are valid for the copy; `copyMemory` is a memmove, so source and buffer may be the same memory.
        unsafe source.withUnsafeBytes { (source) in
            unsafe withUnsafeMutableBytes { (bytes) in
                unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[range]).copyMemory(from: source)
            }
        }
    }

    /// Copies the bytes of an array into the buffer, the first one to `offset`.
    ///
    /// Traps if they do not fit.
    /// - Complexity: O(*n*) in the bytes copied.
    public func copyIn(_ source: [UInt8], at offset: Int = 0) {
        // A UInt8 has no padding whose bytes could be uninitialized.
        copyIn(unsafe source.span.bytes, at: offset)
    }

    /// Copies bytes out of the buffer, from `offset` on, as many as `destination` has.
    ///
    /// Traps if the buffer does not have so many.
    /// - Complexity: O(*n*) in the bytes copied.
    public func copyOut(from offset: Int = 0, into destination: inout MutableRawSpan) {
        let range = checked(from: offset, count: destination.byteCount)
        // Both pointers are valid for the copy; `copyMemory` is a memmove, so buffer and destination may be the same
        // memory.
        unsafe destination.withUnsafeMutableBytes { (destination) in
            unsafe withUnsafeMutableBytes { (bytes) in
                unsafe destination.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[range]))
            }
        }
    }

    /// Copies a part of the buffer into a new array; by default all of it.
    ///
    /// Traps if `range` is not within the buffer.
    /// - Complexity: O(*n*) in the bytes copied.
    public func copyOut(_ range: Range<Int>? = nil) -> [UInt8] {
        let range = checked(range ?? 0..<count)
        return unsafe withUnsafeMutableBytes { (bytes) in unsafe [UInt8](bytes[range]) }
    }
}

extension PageBuffer {
    private func checked(_ range: Range<Int>) -> Range<Int> {
        guard range.lowerBound >= 0, range.upperBound <= count else {
            fatalError("PageBuffer: bytes \(range) of a buffer of \(count) bytes")
        }
        return range
    }

    private func checked(from offset: Int, count needed: Int) -> Range<Int> {
        guard offset >= 0, offset <= count, needed <= count - offset else {
            fatalError("PageBuffer: \(needed) bytes at offset \(offset) of a buffer of \(count) bytes")
        }
        return offset..<offset + needed
    }
}
