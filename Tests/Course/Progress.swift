import Glibc

/// Says on standard error how far a long run has come.
package struct Progress {
    private let name: String
    private let unit: String
    private let count: Int
    private let interval: Int

    /// - Parameters:
    ///   - name: of who says so.
    ///   - unit: what is counted.
    ///   - count: how many there will be.
    ///   - interval: after so many it says something, which depends on no clock: a replay does the same.
    package init(_ name: String, _ unit: String, of count: Int, every interval: Int) {
        self.name = name
        self.unit = unit
        self.count = count
        self.interval = interval
    }

    /// So many are done.
    package func tell(_ done: Int) {
        guard done.isMultiple(of: interval), done < count else { return }
        warn("\(name): \(done) of \(count) \(unit)")
    }
}

/// Says something on standard error.
func warn(_ text: String) {
    let line = "\(text)\n"
    unsafe line.utf8.withContiguousStorageIfAvailable { bytes in
        _ = unsafe write(STDERR_FILENO, bytes.baseAddress!, bytes.count)
    }
}
