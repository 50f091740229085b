import LAM

/// Requests of 4 KiB between two queue pairs of the device, posted and completed.
struct PostBench {
    private static let operations = 256
    let recorder: BenchRecorder
    let device: BenchDevice

    func run() throws {
        let loop: BenchLoop
        do { loop = try BenchLoop(device) } catch {
            return recorder.skip([BenchSubject(.post, "write")], because: "\(error)")
        }
        for interval in [1, 16, 64] {
            let subject = BenchSubject(
                .post, "write", ["signaled": interval == 1 ? "each" : "one of \(interval)"], baseline: "ibv_post_send")
            try measure(subject) {
                try loop.write($0, interval: interval)
            } plain: {
                try loop.plain.write($0, interval: interval)
            }
        }
        let conditions = ["signaled": "each"]
        try measure(BenchSubject(.post, "read", conditions, baseline: "ibv_post_send"), loop.read) {
            try loop.plain.read($0)
        }
        try measure(
            BenchSubject(.post, "send and receive", conditions, baseline: "ibv_post_send, ibv_post_recv"),
            loop.exchange
        ) { try loop.plain.exchange($0) }
    }

    private func measure(
        _ subject: BenchSubject, _ ours: (Int) throws -> Void, plain: @escaping (Int) throws -> Void
    ) throws {
        let count = Self.operations
        try recorder.measure([subject]) {
            [try nanoseconds { try ours(count) } / Double(count)]
        } plain: {
            [try nanoseconds { try plain(count) } / Double(count)]
        }
    }
}
