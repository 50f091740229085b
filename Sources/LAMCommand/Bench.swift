import ArgumentParser
import Foundation
import LAM
import Synchronization

/// `lam bench`: what mappings and requests cost.
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure what mappings and requests cost on a device, beside plain C.",
        discussion: """
            Examples:
              lam bench                                      all of it, in minutes
              lam bench run register post --quick            a first look
              lam bench run --json today.json                for other programs
              lam bench compare yesterday.json today.json    what has changed?

            Exit status: 0 measured, or nothing is worse; the commands tell more.
            """,
        subcommands: [BenchRun.self, BenchCompare.self], defaultSubcommand: BenchRun.self)
}

/// `lam bench run`: measures.
struct BenchRun: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Measure.",
        discussion: """
            Each figure is that of the library and, in turn with it, that of a loop in C over plain verbs on the same \
            memory. Shown are the median of the rounds, the middle half, and the time that 99 % did not exceed; the \
            ratio is the median of the ratios of rounds. Where the middle half is wide, somebody else uses the machine.

            Examples:
              lam bench run
              lam bench run register post --quick --sizes 4096,1048576
              lam bench run --device mlx5_0 --seconds 2 --json today.json

            Groups:
            \(BenchGroup.allCases.map { "  \($0.rawValue): \($0.summary)" }.joined(separator: "\n"))

            Ctrl-C ends it with what was measured so far, and nothing stays pinned.

            Exit status: 0 measured; 1 it broke off, or there is no device; 64 the call makes no sense.
            """)

    @Argument(help: ArgumentHelp("What to measure. (default: everything)", valueName: "group"))
    var groups: [BenchGroup] = []

    @Option(help: ArgumentHelp("Use this device rather than the first active one.", valueName: "name"))
    var device: String?

    @Flag(help: "Take a first look: few sizes, few rounds.")
    var quick = false

    @Option(help: ArgumentHelp("Bytes of the buffers. (default: 4096 to 1073741824)", valueName: "bytes,…"))
    var sizes: ValueList<Int>?

    @Option(help: ArgumentHelp("Take so long for each figure. (default: 0.5; 0.03 with --quick)", valueName: "seconds"))
    var seconds: Double?

    @Option(help: ArgumentHelp("Write the result to this file, for other programs.", valueName: "file"))
    var json: String?

    @Option(help: ArgumentHelp("Write a table to this file, a line for each figure.", valueName: "file"))
    var csv: String?

    func validate() throws {
        guard sizes?.values.allSatisfy((1...1 << 40).contains) ?? true else {
            throw ValidationError("--sizes must be 1 to \(1 << 40)")
        }
        guard seconds.map({ $0 > 0 && $0 <= 3600 }) ?? true else {
            throw ValidationError("--seconds must be more than 0, and 3600 at most")
        }
    }

    private var plan: BenchPlan {
        var plan = quick ? BenchPlan.quick : .usual
        if let sizes { plan.sizes = sizes.values }
        if let seconds { plan.seconds = seconds }
        return plan
    }

    func run() async throws {
        // Before anything is measured.
        for path in [json, csv].compactMap({ $0 }) { try Self.requireWritable(path) }
        let adapter = try Adapter.open(device.map { .device($0) } ?? .firstActive)
        let (plan, groups) = (plan, groups.isEmpty ? BenchGroup.allCases : groups)
        let host = BenchHost.current(adapter.info)
        host.lines.forEach(Terminal.show)
        let date = Date.now.ISO8601Format()
        let figures = Mutex<[BenchFigure]>([])
        // What was measured before it broke off is not lost.
        let outcome: Result<Void, any Error>
        do {
            try await Interruption.cancels {
                try Self.measure(groups, plan, on: adapter) { done in figures.withLock { $0 = done } }
            }
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        let result = BenchResult(
            date: date, host: host, plan: plan, isComplete: (try? outcome.get()) != nil,
            figures: figures.withLock { $0 })
        BenchTable(result.figures).lines.forEach(Terminal.show)
        if let json { try Self.write(result.json(), to: json) }
        if let csv { try Self.write(Data(BenchSheet(result.figures).text.utf8), to: csv) }
        try outcome.get()
        try adapter.close(waiting: .seconds(5))
    }

    /// Measures one group after the other, and hands over all that is there after each.
    private static func measure(
        _ groups: [BenchGroup], _ plan: BenchPlan, on adapter: Adapter, _ note: ([BenchFigure]) -> Void
    ) throws {
        let device = try BenchDevice(adapter)
        let recorder = BenchRecorder(plan) { subject in
            guard Terminal.isWatched else { return }
            let line = "\(subject.group.rawValue): \(subject.name), \(subject.conditionText)"
            Terminal.write("\r\u{1B}[K" + line.prefix(max(0, Terminal.width - 1)))
        }
        defer {
            if Terminal.isWatched { Terminal.write("\r\u{1B}[K") }
            note(recorder.figures)
        }
        for group in groups { try group.run(recorder, on: device) }
    }

    /// - Throws: ``BenchObstacle`` if a file can be neither replaced nor made.
    private static func requireWritable(_ path: String) throws {
        let files = FileManager.default
        let folder = URL(filePath: path).deletingLastPathComponent().path
        guard files.isWritableFile(atPath: files.fileExists(atPath: path) ? path : folder) else {
            throw BenchObstacle("\(path) cannot be written")
        }
    }

    /// What was there before stays until all is written.
    private static func write(_ data: Data, to path: String) throws {
        do { try data.write(to: URL(filePath: path), options: .atomic) } catch {
            throw BenchObstacle("\(path) cannot be written: \(error.localizedDescription)")
        }
    }
}

/// `lam bench compare`: what has changed.
struct BenchCompare: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare", abstract: "Say what has changed from one result to another.",
        discussion: """
            A figure is better or worse where the middle halves of its rounds do not meet; whatever lies within the \
            spread is the same. The times of two machines have nothing to do with each other; --ratios compares what \
            the library takes in times of plain C, which was measured in turn with it.

            Examples:
              lam bench compare yesterday.json today.json
              lam bench compare --ratios here.json there.json

            Exit status: 0 nothing is worse; 1 something is worse; 2 a file is no result; 64 the call makes no sense.
            """)

    @Argument(help: ArgumentHelp("The older result.", valueName: "file"))
    var before: String

    @Argument(help: ArgumentHelp("The newer result.", valueName: "file"))
    var after: String

    @Flag(help: "Compare ratios to plain C rather than times.")
    var ratios = false

    func run() throws {
        let comparison: BenchComparison
        do throws(BenchFileError) {
            comparison = BenchComparison(
                try BenchResult(contentsOf: before), try BenchResult(contentsOf: after), byRatio: ratios)
        } catch {
            Terminal.report("lam: \(error)")
            throw ExitCode(2)
        }
        comparison.lines.forEach(Terminal.show)
        if comparison.isWorse { throw ExitCode(1) }
    }
}

extension BenchGroup: ExpressibleByArgument {}
