import Dispatch
import LAM
import Synchronization

/// Several threads that build and release at once, each over memory of its own.
struct ThreadsBench {
    private static let bytes = 64 << 10
    private static let operations = 16
    let recorder: BenchRecorder
    let device: BenchDevice

    func run() throws {
        for count in recorder.plan.threadCounts {
            let subject = BenchSubject(
                .threads, "build and release, each", ["threads": "\(count)", "size": "\(Self.bytes)"],
                baseline: "ibv_reg_mr, ibv_dereg_mr")
            let memory = try (0..<count).map { _ in try device.warmBuffer(Self.bytes).self }
            let (adapter, plain) = (device.adapter, SharedQueue(queue: device.plain))
            try recorder.measure([subject]) {
                try onThreads(count) { thread in
                    for _ in 0..<Self.operations {
                        try adapter.buildLam(over: memory[thread]).releaseAtOnce()
                    }
                }
            } plain: {
                try onThreads(count) { thread in
                    try plain.queue.registerAndDestroy(memory[thread].descriptor, Self.operations)
                }
            }
        }
    }

    /// What one operation of a thread takes.
    private func onThreads(_ count: Int, _ body: @Sendable (Int) throws -> Void) throws -> [Double] {
        let failure = Mutex<(any Error)?>(nil)
        let time = nanoseconds {
            DispatchQueue.concurrentPerform(iterations: count) { thread in
                do { try body(thread) } catch { failure.withLock { $0 = error } }
            }
        }
        if let error = failure.withLock({ $0 }) { throw error }
        return [time / Double(Self.operations)]
    }

    /// Verbs may be called by any thread.
    private struct SharedQueue: @unchecked Sendable {
        let queue: PlainQueue
    }
}
