import LAM

/// What a client wants to have measured, as it tells the server when it connects.
struct PerfTerms: Hashable, Sendable {
    /// What moves the bytes.
    enum Operation: UInt8, CaseIterable, Sendable {
        case write = 1
        case read
        case send
    }

    /// What is measured.
    enum Figure: UInt8, Sendable {
        /// How many bytes a second, with several requests outstanding.
        case bandwidth = 1
        /// How long one message takes, with one request outstanding.
        case latency
    }

    var operation: Operation
    var figure: Figure
    /// Bytes of a message.
    var size: Int
    /// Messages outstanding at a time.
    var depth: Int
    /// Messages that are measured.
    var count: Int

    static let sizes = 1...(1 << 30)
    static let depths = 1...4096
    static let counts = 1...100_000_000

    /// Messages before those that are measured.
    var warmUpCount: Int { min(count / 10, 1000) }

    /// Whether each end answers every message of the other.
    var isPingPong: Bool { figure == .latency && operation != .read }

    /// Whether messages are copied into the request, where the device takes as many bytes: as perftest does it, short ones
    /// whose latency is measured.
    func isInline(upTo limit: Int) -> Bool { isPingPong && size <= min(limit, 220) }
}

// MARK: Private data of a connect

extension PerfTerms {
    private static let magic: [UInt8] = Array("lamperf".utf8)
    private static let version: UInt8 = 1

    /// What the client sends along; 34 bytes.
    var bytes: [UInt8] {
        var bytes = Self.magic + [Self.version, operation.rawValue, figure.rawValue]
        for number in [size, depth, count] {
            bytes += (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
        }
        return bytes
    }

    /// What a server makes of it; nil where it is not a client of this version that asks.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= 34, bytes.starts(with: Self.magic + [Self.version]),
            let operation = Operation(rawValue: bytes[8]), let figure = Figure(rawValue: bytes[9])
        else { return nil }
        func number(_ index: Int) -> Int {
            (0..<8).reduce(0) { $0 | Int(bytes[10 + 8 * index + $1]) << (8 * $1) }
        }
        self.init(operation: operation, figure: figure, size: number(0), depth: number(1), count: number(2))
        guard Self.sizes.contains(size), Self.depths.contains(depth), Self.counts.contains(count) else { return nil }
    }
}
