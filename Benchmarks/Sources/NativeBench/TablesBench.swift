import Glibc
import Measuring
import TableCalls

/// The same request through the dispatch tables of `libndk.so`, by the calls of `LAM`, and in plain C.
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

    /// Sends so often, and closes everything.
    func run(_ count: Int) {
        table_calls_send(calls, UInt64(count))
        finish()
    }

    private func finish() {
        table_calls_close(calls)
        posting.finish()
    }

    /// Measures a request and its result, and closes everything.
    func report() throws -> String {
        defer { finish() }
        var table = Table("per request", "tables ns", "Swift ns", "plain C ns", "tables - Swift", "allocations")
        let count = NativeBench.operations
        let send = { table_calls_send(calls, UInt64(count)) }
        let swift = try Comparison(
            rounds: NativeBench.rounds, operations: count, ours: send, baseline: { try posting.run("send", count) })
        let plain = try Comparison(
            rounds: NativeBench.rounds, operations: count, ours: send,
            baseline: { try posting.run("plain-send", count) })
        table.add(
            "NdkSend, NdkGetCqResults", swift.ours.text(digits: 1), swift.baseline.text(digits: 1),
            plain.baseline.text(digits: 1), swift.difference.text(digits: 1), allocationsPerRequest(send))
        return table.text
    }
}
