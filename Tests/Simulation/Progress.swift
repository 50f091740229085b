import Glibc

/// Says on standard error how far a long run has come.
struct Progress {
    let name: String
    let steps: Int
    /// After so many steps it says something, which depends on no clock: a replay does the same.
    let interval: Int

    func tell(_ step: Int) {
        guard step.isMultiple(of: interval), step < steps else { return }
        warn("\(name): \(step) of \(steps) steps")
    }
}

/// Says something on standard error.
func warn(_ text: String) {
    let line = "simulate: \(text)\n"
    unsafe line.utf8.withContiguousStorageIfAvailable { bytes in
        _ = unsafe write(STDERR_FILENO, bytes.baseAddress!, bytes.count)
    }
}
