import LAM

/// Mappings cut from an arena, beside registering for each use.
struct ArenaBench {
    private static let operations = 1000
    let recorder: BenchRecorder
    let device: BenchDevice

    func run() throws {
        for size in recorder.plan.sizes where size <= 1 << 20 {
            let subject = BenchSubject(
                .arena, "build and release", ["size": "\(size)"], baseline: "ibv_reg_mr, ibv_dereg_mr")
            let memory = try device.warmBuffer(size)
            let arena = try device.adapter.createArena(ArenaOptions(budgetBytes: 16 << 20))
            defer { arena.close() }
            try recorder.measure([subject]) {
                [try nanosecondsEach(Self.operations) { _ in try arena.buildLam(length: size).release() }]
            } plain: {
                [try nanoseconds { try device.plain.registerAndDestroy(memory.descriptor, 4) } / 4]
            }
        }
    }
}
