package import Foundation

/// What `lam bench --json` writes, the names of its fields included: programs depend on them.
package struct BenchResult: Codable, Sendable {
    /// Of the fields; another number when one of them changes its name or meaning.
    package static let currentFormat = 1

    package let format: Int
    /// When it began, ISO 8601.
    package let date: String
    /// False where it was broken off.
    package var isComplete: Bool
    package let host: BenchHost
    package let plan: BenchPlan
    package var figures: [BenchFigure]

    package init(date: String, host: BenchHost, plan: BenchPlan, isComplete: Bool, figures: [BenchFigure]) {
        format = Self.currentFormat
        self.date = date
        self.isComplete = isComplete
        self.host = host
        self.plan = plan
        self.figures = figures
    }

    /// As a file.
    package func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(self)
    }

    /// Reads a file.
    ///
    /// - Throws: ``BenchFileError``.
    package init(contentsOf path: String) throws(BenchFileError) {
        guard let data = FileManager.default.contents(atPath: path) else { throw .unreadable(path) }
        struct Format: Decodable { let format: Int }
        guard let format = try? JSONDecoder().decode(Format.self, from: data).format else { throw .noResult(path) }
        guard format == Self.currentFormat else { throw .otherFormat(path, format) }
        do {
            self = try JSONDecoder().decode(Self.self, from: data)
        } catch { throw .noResult(path) }
    }
}

/// One thing that was measured.
package struct BenchFigure: Codable, Sendable {
    package let subject: BenchSubject
    /// nil where it could not be measured.
    package let ours: Distribution?
    /// nil also where plain C has nothing like it.
    package let plain: Distribution?
    /// Ours over plain C, round by round.
    package let ratio: RatioSpread?
    /// Why something is missing.
    package let note: String?

    package init(
        subject: BenchSubject, ours: Distribution? = nil, plain: Distribution? = nil, ratio: RatioSpread? = nil,
        note: String? = nil
    ) {
        self.subject = subject
        self.ours = ours
        self.plain = plain
        self.ratio = ratio
        self.note = note
    }
}

/// What a figure is about.
package struct BenchSubject: Codable, Hashable, Sendable {
    package let group: BenchGroup
    /// What is done.
    package let name: String
    /// Under which conditions: `["pages": "4 KiB", "size": "65536"]`.
    package let conditions: [String: String]
    /// What plain C does in turn.
    package let baseline: String?

    package init(
        _ group: BenchGroup, _ name: String, _ conditions: [String: String] = [:], baseline: String? = nil
    ) {
        self.group = group
        self.name = name
        self.conditions = conditions
        self.baseline = baseline
    }
}

/// Why a file is not the result that it should be.
package enum BenchFileError: Error, CustomStringConvertible {
    case unreadable(String)
    case noResult(String)
    case otherFormat(String, Int)

    package var description: String {
        switch self {
        case .unreadable(let path): "\(path) cannot be read"
        case .noResult(let path): "\(path) is not a result of lam bench --json"
        case .otherFormat(let path, let format):
            "\(path) has format \(format), and this lam reads \(BenchResult.currentFormat): measure again, or use the lam "
                + "that wrote it"
        }
    }
}
