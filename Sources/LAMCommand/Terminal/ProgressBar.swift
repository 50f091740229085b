import FileService

/// Shows on a terminal how far a transfer is; anywhere else it does nothing.
struct ProgressBar: ~Copyable {
    private let isShown: Bool
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    private var lastShown: ContinuousClock.Instant?
    private var line: ProgressLine

    /// Begins at zero.
    init(name: String, totalBytes: UInt64, isQuiet: Bool) {
        isShown = Terminal.isWatched && !isQuiet
        start = clock.now
        line = ProgressLine(name: printable(name), doneBytes: 0, totalBytes: totalBytes, elapsed: .zero)
    }

    /// A line that was begun is not left behind when something fails.
    deinit {
        if lastShown != nil { Terminal.write("\r\u{1B}[K") }
    }

    /// How long the transfer has taken so far.
    var elapsed: Duration { start.duration(to: clock.now) }

    /// Notes that so many bytes have moved; shown at most ten times a second.
    mutating func advance(to doneBytes: UInt64) {
        guard isShown else { return }
        let now = clock.now
        if let lastShown, lastShown.duration(to: now) < .milliseconds(100) { return }
        lastShown = now
        line.doneBytes = doneBytes
        line.elapsed = start.duration(to: now)
        Terminal.write("\r\u{1B}[K" + line.text(width: Terminal.width - 1))
    }
}
