import Foundation
import LAM

/// What was measured.
struct PerfResult {
    let terms: PerfTerms
    let source: MappingSource
    let device: AdapterInfo
    /// How long all messages took together; of a bandwidth.
    var elapsed = Duration.zero
    /// How long each took; of a latency.
    var times: [Duration] = []
    /// Mappings that were built while it was measured.
    var mappingsBuilt = 0

    /// For people.
    var lines: [String] {
        let head = "\(terms), mappings \(source.rawValue), on \(device.name)"
        return [head] + (terms.figure == .bandwidth ? bandwidthLines : latencyLines)
    }

    private var bandwidthLines: [String] {
        ["\(rate), \(perSecond) messages/s, \(mappingsBuilt) mappings built, \(Quantity.time(elapsed))"]
    }

    /// For people: `27.4 MiB/s`.
    var rate: String { Quantity.rate(UInt64(terms.size * terms.count), in: elapsed) }

    var bytesPerSecond: Double { Double(terms.size * terms.count) / (elapsed / .seconds(1)) }

    private var perSecond: Int { Int((Double(terms.count) / (elapsed / .seconds(1))).rounded()) }

    private var latencyLines: [String] {
        [
            "median \(Quantity.time(percentile(0.5))), 99 % \(Quantity.time(percentile(0.99))), "
                + "99.9 % \(Quantity.time(percentile(0.999))), least \(Quantity.time(percentile(0))), "
                + "most \(Quantity.time(percentile(1)))"
        ]
    }

    /// The time that a part of the messages did not exceed.
    func percentile(_ part: Double) -> Duration {
        let sorted = times.sorted()
        guard !sorted.isEmpty else { return .zero }
        return sorted[min(sorted.count - 1, Int(part * Double(sorted.count)))]
    }

    /// The members of an object, for programs.
    fileprivate var members: [String: JSONValue] {
        var members: [String: JSONValue] = [
            "operation": .text("\(terms.operation)"), "figure": .text("\(terms.figure)"),
            "bytes": .number(Double(terms.size)),
            "depth": .number(Double(terms.depth)), "count": .number(Double(terms.count)),
            "mappings": .text(source.rawValue), "mappingsBuilt": .number(Double(mappingsBuilt)),
            "device": .text(device.name), "firmware": .text(device.firmwareVersion),
        ]
        if terms.figure == .bandwidth {
            members["seconds"] = .number(elapsed / .seconds(1))
            members["bytesPerSecond"] = .number(bytesPerSecond)
            members["messagesPerSecond"] = .number(Double(terms.count) / (elapsed / .seconds(1)))
        } else {
            for (name, part) in [("median", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("least", 0), ("most", 1)] {
                members[name + "Microseconds"] = .number(percentile(part) / .microseconds(1))
            }
        }
        return members
    }
}

extension [PerfResult] {
    /// For programs: an object, or an array of objects where several were asked for.
    func json(isList: Bool) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let objects = map(\.members)
        let data = try isList ? encoder.encode(objects) : encoder.encode(objects.first)
        return String(decoding: data, as: UTF8.self)
    }
}

/// A value of a JSON object.
private enum JSONValue: Encodable {
    case text(String)
    case number(Double)

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .text(let text): try container.encode(text)
        case .number(let number): try container.encode(number)
        }
    }
}

extension PerfTerms: CustomStringConvertible {
    /// `bandwidth of write, 4096 bytes, 64 outstanding, 10000 messages`.
    var description: String {
        "\(figure) of \(operation), \(Quantity.bytes(size)), \(depth) outstanding, \(count) messages"
    }
}
