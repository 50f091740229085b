/// What happened in one life.
struct History {
    private var events: [String] = []
    /// Follows from everything that ever happened.
    private(set) var fingerprint: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func add(_ event: String) {
        for byte in event.utf8 { fingerprint = (fingerprint ^ UInt64(byte)) &* 0x100_0000_01b3 }
        if events.count == 200 { events.removeFirst(100) }
        events.append(event)
    }

    /// What happened last, for a report.
    var last: String { events.suffix(40).map { "  " + $0 }.joined(separator: "\n") }
}
