import LAM
import Measuring
import PlainVerbs

#if canImport(Glibc)
    import Glibc
#endif

/// Building and releasing a mapping, beside `ibv_reg_mr` and `ibv_dereg_mr`: target 2.
///
/// With `tryRelease()` everything happens on the calling thread; with `release()` the reaper unpins beside it, so that
/// only what the caller waits for can be compared.
struct BuildBench {
    /// Many and short: what disturbs the machine then falls into few of them.
    private static let rounds = 401
    private let adapter: Adapter

    init(_ adapter: Adapter) {
        self.adapter = adapter
    }

    func table() throws -> String {
        var table = Table(
            "build + tryRelease of", "ours µs", "plain C µs", "ratio", "undisturbed", "caller's, with release()",
            "target")
        var size = 4096
        while size <= 64 << 20 {
            try add(size, to: &table)
            size *= 4
        }
        return table.text
    }

    private func add(_ size: Int, to table: inout Table) throws {
        let buffer = try PageBuffer(count: size)
        guard let plain = plain_queue_create(adapter.name, 4096) else {
            fatalError("plain C cannot open \(adapter.name)")
        }
        defer { plain_queue_destroy(plain) }
        let operations = max(1, min(16, (4 << 20) / size))
        let (address, length) = (UnsafeMutableRawPointer(bitPattern: buffer.descriptor.address), buffer.count)
        let baseline = {
            let code = plain_register(plain, address, length, UInt64(operations))
            if code != 0 { fatalError("plain C: errno \(code)") }
        }
        let inTurn = try Comparison(
            rounds: Self.rounds, operations: operations,
            ours: {
                for _ in 0..<operations {
                    guard case .released = try adapter.buildLam(over: buffer).tryRelease() else {
                        fatalError("an unused mapping is busy")
                    }
                }
            }, baseline: baseline)
        let inBackground = try Comparison(
            rounds: Self.rounds, operations: operations,
            ours: {
                for _ in 0..<operations { try adapter.buildLam(over: buffer).release() }
            },
            settle: {
                while adapter.statistics.pendingReleases > 0 { usleep(50) }
            }, baseline: baseline)
        table.add(
            sizeText(size), microseconds(inTurn.ours), microseconds(inTurn.baseline),
            inTurn.ratio.text(digits: 3), decimal(inTurn.undisturbedRatio, 3), inBackground.ratio.text(digits: 3),
            "2: <= 1.02")
    }

    private func sizeText(_ bytes: Int) -> String {
        bytes >= 1 << 20 ? "\(bytes >> 20) MiB" : "\(bytes >> 10) KiB"
    }
}
