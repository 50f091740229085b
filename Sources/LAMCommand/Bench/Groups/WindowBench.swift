import LAM

/// Giving a peer access to memory that stays mapped and taking it away, beside what plain C does without windows.
struct WindowBench {
    private static let bytes = 64 << 10
    let recorder: BenchRecorder
    let device: BenchDevice

    func run() throws {
        let conditions = ["size": "\(Self.bytes)"]
        let subjects = [
            BenchSubject(.window, "bind", conditions, baseline: "ibv_reg_mr"),
            BenchSubject(.window, "invalidate", conditions, baseline: "ibv_dereg_mr, ibv_reg_mr"),
        ]
        guard device.adapter.info.hasWindows else {
            return recorder.skip(subjects, because: "the device has no windows that can be invalidated")
        }
        do { try measure(subjects) } catch let error as CancellationError { throw error } catch {
            recorder.skip(subjects, because: "\(error)")
        }
    }

    private func measure(_ subjects: [BenchSubject]) throws {
        let memory = try device.warmBuffer(Self.bytes)
        let loop = try BenchLoop(device)
        let mapping = try device.adapter.buildLam(over: memory)
        let window = try device.adapter.createMemoryWindow()
        try recorder.measure(subjects) {
            [try nanoseconds { try loop.bind(window, over: mapping) }, try nanoseconds { try loop.invalidate(window) }]
        } plain: {
            // The second registration ends unmeasured.
            let start = ContinuousClock.now
            let region = try device.plain.register(memory.descriptor)
            let registered = ContinuousClock.now
            try region.destroy()
            let next = try device.plain.register(memory.descriptor)
            let end = ContinuousClock.now
            try next.destroy()
            return [(registered - start) / .nanoseconds(1), (end - registered) / .nanoseconds(1)]
        }
    }
}
