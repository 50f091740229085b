import Foundation
import Histogram
import LAMCommand
import TestSupport
import Testing

/// Results that were made up, in files.
private struct MadeUpResult {
    let path = FileManager.default.temporaryDirectory.appending(path: "bench-\(UUID()).json").path

    init(
        _ times: [String: [Double]], plain: Double = 100, format: Int = BenchResult.currentFormat,
        kernel: String = "6.1"
    )
        throws
    {
        let figures = times.map { name, times in Self.figure(name, times, plain) }
        let result = BenchResult(
            date: "2026-01-01T00:00:00Z", host: try Self.host(kernel), plan: .quick, isComplete: true, figures: figures)
        let text = String(decoding: try result.json(), as: UTF8.self)
            .replacing("\"format\" : \(BenchResult.currentFormat)", with: "\"format\" : \(format)")
        try text.write(toFile: path, atomically: true, encoding: .utf8)
    }

    static func distribution(_ times: [Double]) -> Distribution {
        var histogram = Histogram<UInt64>(numberOfSignificantValueDigits: .three)
        for time in times { histogram.record(UInt64(time * 1000)) }
        return Distribution(histogram)
    }

    static func figure(_ name: String, _ times: [Double], _ plain: Double) -> BenchFigure {
        BenchFigure(
            subject: BenchSubject(.post, name, ["size": "65536"], baseline: "ibv_post_send"), ours: distribution(times),
            plain: distribution([plain]), ratio: RatioSpread(times.map { $0 / plain }))
    }

    private static func host(_ kernel: String) throws -> BenchHost {
        let text = """
            {"device": "mlx5_0", "technology": "RoCE v2", "firmware": "22.1", "driver": "mlx5_core",
             "rdmaCore": "libibverbs.so.1", "kernel": "\(kernel)", "processor": "some", "processors": 8, "deviceNode": 0,
             "processorNode": 1, "nodeDistance": 21, "iommu": "off", "pageBytes": 4096, "hugePages": "0 of 0 free",
             "transparentHugePages": "madvise", "lockedMemory": "unlimited", "load": "0.1", "commit": "abc"}
            """
        return try JSONDecoder().decode(BenchHost.self, from: Data(text.utf8))
    }
}

@Suite struct BenchResultTests {
    @Test func `a distribution has the quantiles of its times, in nanoseconds`() {
        let times = MadeUpResult.distribution((1...1000).map(Double.init))
        #expect(times.rounds == 1000)
        #expect(abs(times.median - 500) < 2 && abs(times.p25 - 250) < 2 && abs(times.p99 - 990) < 3)
        #expect(times.least <= 1.01 && abs(times.most - 1000) < 2 && abs(times.mean - 500.5) < 2)
        let ratios = RatioSpread([3, 1, 2, 4])
        #expect(ratios == RatioSpread([1, 2, 3, 4]) && ratios.median == 3 && ratios.p25 == 2 && ratios.p75 == 4)
    }

    @Test func `a result is the same after it was written and read`() throws {
        let file = try MadeUpResult(["write": [10, 11, 12]])
        let result = try BenchResult(contentsOf: file.path)
        #expect(result.format == 1 && result.isComplete && result.host.nodeDistance == 21)
        #expect(result.figures.count == 1)
        #expect(result.figures[0].subject.conditions == ["size": "65536"])
        #expect(result.figures[0].ours == MadeUpResult.distribution([10, 11, 12]))
        let members = try #require(
            JSONSerialization.jsonObject(with: try result.json()) as? [String: Any])
        #expect(Set(members.keys) == ["date", "figures", "format", "host", "isComplete", "plan"])
    }

    @Test func `a table has a line for each figure, and says why one is missing`() {
        let missing = BenchFigure(subject: BenchSubject(.window, "bind"), note: "the device has no windows")
        let other = BenchFigure(
            subject: BenchSubject(.window, "invalidate", ["size": "4096"]), note: "the device has no windows")
        let lines = BenchTable([missing, other, MadeUpResult.figure("write", [1500, 1600, 1700], 800)]).lines
        let text = lines.joined(separator: "\n")
        #expect(lines.count == 7, "\(text)")
        #expect(text.contains("window: ") && text.contains("post: "))
        #expect(lines.contains("not measured: bind, and 1 more: the device has no windows"))
        #expect(text.contains(/write +64 KiB +1\.6 µs +1\.5 µs to 1\.7 µs +1\.7 µs +800\.\d ns +2\.\d\d/), "\(text)")
    }

    @Test func `a sheet quotes what has commas`() {
        let note = BenchFigure(subject: BenchSubject(.cache, "hit, cold"), note: "it said \"no\"")
        let lines = BenchSheet([note, MadeUpResult.figure("write", [5], 10)]).text.split(separator: "\n")
        #expect(lines.count == 3)
        #expect(lines[0].hasPrefix("group,name,conditions,baseline,lam_rounds,lam_least,"))
        #expect(lines[1].hasPrefix("cache,\"hit, cold\",") && lines[1].hasSuffix(",\"it said \"\"no\"\"\""))
        #expect(lines[2].hasPrefix("post,write,64 KiB,ibv_post_send,1,5"))
    }

    // MARK: Comparing

    @Test func `what lies within the spread is the same, and what does not is better or worse`() throws {
        let before = try MadeUpResult([
            "a": [10, 11, 12, 13], "b": [10, 11, 12, 13], "c": [10, 11, 12, 13], "d": [1],
        ])
        let after = try MadeUpResult(["a": [12, 12, 14, 15], "b": [20, 21, 22, 23], "c": [5, 6, 7, 8], "e": [1]])
        let outcome = try Lam.run(arguments: ["bench", "compare", before.path, after.path])
        #expect(outcome.status == 1)
        let lines = outcome.output.split(separator: "\n")
        #expect(lines.count == 3, "\(outcome.output)")
        #expect(lines[0].contains(/worse +post +b +64 KiB +11\.\d ns +21\.\d ns +x 1\.\d\d/))
        #expect(lines[1].contains(/better +post +c/))
        #expect(lines[2] == "1 worse, 1 better, 1 same; 2 in one of them only")
        let backwards = try Lam.run(arguments: ["bench", "compare", after.path, before.path])
        #expect(backwards.status == 1)
        #expect(try Lam.run(arguments: ["bench", "compare", before.path, before.path]).status == 0)
    }

    @Test func `ratios leave out how fast a machine is, and another machine is told of`() throws {
        let before = try MadeUpResult(["a": [10, 11, 12]], plain: 10)
        let after = try MadeUpResult(["a": [20, 22, 24]], plain: 20, kernel: "6.12")
        let times = try Lam.run(arguments: ["bench", "compare", before.path, after.path])
        #expect(times.status == 1)
        #expect(times.output.contains("warning: another kernel: 6.1; 6.12"))
        let ratios = try Lam.run(arguments: ["bench", "compare", "--ratios", before.path, after.path])
        #expect(ratios.status == 0, "\(ratios.output)")
        #expect(ratios.output.contains("0 worse, 0 better, 1 same"))
    }

    @Test func `a file that is no result, or has another format, is refused`() throws {
        let good = try MadeUpResult(["a": [1]])
        let newer = try MadeUpResult(["a": [1]], format: 2)
        let other = FileManager.default.temporaryDirectory.appending(path: "bench-\(UUID()).txt").path
        try "figures".write(toFile: other, atomically: true, encoding: .utf8)
        for (path, explanation) in [
            ("/absent", "/absent cannot be read"), (other, "is not a result of lam bench --json"),
            (newer.path, "has format 2, and this lam reads 1"),
        ] {
            let outcome = try Lam.run(arguments: ["bench", "compare", good.path, path])
            #expect(outcome.status == 2)
            #expect(outcome.errors.contains(explanation), "\(outcome.errors)")
        }
    }

    @Test func `a file that cannot be written is named before anything is measured`() throws {
        let outcome = try Lam.run(arguments: ["bench", "run", "--json", "/absent/result.json"])
        #expect(outcome.status == 1)
        #expect(outcome.errors == "lam: /absent/result.json cannot be written\n")
    }
}
