import Glibc
import Measuring
import TableCalls

/// The same requests through the dispatch tables of `libndk.so`, by the calls of `LAM`, and in plain C.
struct TablesBench {
    private let calls: OpaquePointer
    private let posting: PostingBench

    /// - Throws: what opening the device in Swift throws.
    init() throws {
        guard let calls = table_calls_open(Self.library, 16 * 4096) else {
            fatalError("libndk.so finds no device stub0, or does not connect to itself")
        }
        self.calls = calls
        posting = try PostingBench()
    }

    /// `Scripts/bench` says where it has built it.
    private static let library: String = {
        guard let path = getenv("NDK_LIBRARY") else {
            fatalError("NDK_LIBRARY must be the path of a libndk.so, such as Scripts/bench builds")
        }
        return String(cString: path)
    }()

    /// Measures each request, and closes everything.
    func report() throws -> String {
        defer {
            table_calls_close(calls)
            posting.finish()
        }
        var table = Table("per request", "tables ns", "Swift ns", "plain C ns", "tables - Swift", "allocations")
        try compare("NdkSend, NdkGetCqResults", "send", table_calls_send, in: &table)
        try compare("NdkReceive, NdkGetCqResults", "receive", table_calls_receive, in: &table)
        return table.text
    }

    private func compare(
        _ text: String, _ path: String, _ body: (OpaquePointer, UInt64) -> Void, in table: inout Table
    ) throws {
        let count = NativeBench.operations
        let swift = try Comparison(
            rounds: NativeBench.rounds, operations: count,
            ours: { body(calls, UInt64(count)) }, baseline: { try posting.run(path, count) })
        let plain = try Comparison(
            rounds: NativeBench.rounds, operations: count,
            ours: { body(calls, UInt64(count)) }, baseline: { try posting.run("plain-\(path)", count) })
        table.add(
            text, swift.ours.text(digits: 1), swift.baseline.text(digits: 1), plain.baseline.text(digits: 1),
            swift.difference.text(digits: 1), allocationsPerRequest { body(calls, UInt64(count)) })
    }
}
