import LAM

/// Building, and posting writes that name one of many, while so many mappings are live.
struct LiveBench {
    private static let operations = 256
    /// How long making them may take, in times of what one figure takes.
    private static let patience = 40.0
    let recorder: BenchRecorder
    let device: BenchDevice
    private let crowd = Crowd()

    func run() throws {
        let memory = try device.warmBuffer(BenchLoop.blockBytes)
        let loop: BenchLoop
        do { loop = try BenchLoop(device) } catch {
            return recorder.skip([BenchSubject(.live, "build and release")], because: "\(error)")
        }
        defer { crowd.end() }
        for count in recorder.plan.liveCounts {
            let conditions = ["live": "\(count)", "size": "\(memory.count)"]
            let subjects = [
                BenchSubject(.live, "build and release", conditions, baseline: "ibv_reg_mr, ibv_dereg_mr"),
                BenchSubject(.live, "write from one of them", conditions, baseline: "ibv_post_send"),
            ]
            do { try grow(to: count, over: memory, loop) } catch let error as CancellationError { throw error } catch {
                return recorder.skip(subjects, because: "\(error)")
            }
            try measure(subjects, memory, loop)
        }
    }

    private func measure(_ subjects: [BenchSubject], _ memory: PageBuffer, _ loop: BenchLoop) throws {
        try recorder.measure([subjects[0]]) {
            let (build, release) = try device.buildAndRelease(memory.descriptor)
            return [build + release]
        } plain: {
            [try nanoseconds { try device.plain.registerAndDestroy(memory.descriptor, 1) }]
        }
        try recorder.measure([subjects[1]]) {
            [try nanoseconds { try loop.write(Self.operations, among: crowd.elements) } / Double(Self.operations)]
        } plain: {
            [
                try nanoseconds { try loop.plain.write(Self.operations, among: crowd.regions) }
                    / Double(Self.operations)
            ]
        }
    }

    private func grow(to count: Int, over memory: PageBuffer, _ loop: BenchLoop) throws {
        // Ours, and as many of plain C.
        let limit = device.adapter.info.maxRegistrations
        guard 2 * count <= limit else { throw BenchObstacle("the device has room for \(limit) registrations") }
        let end = ContinuousClock.now + .seconds(recorder.plan.seconds * Self.patience)
        while crowd.count < count {
            try Task.checkCancellation()
            guard ContinuousClock.now < end else {
                throw BenchObstacle("\(crowd.count) were made in the time that --seconds gives it")
            }
            try crowd.add(device, loop, memory)
        }
    }

    /// Mappings and regions that stay.
    private final class Crowd {
        private var mappings: [KeptMapping] = []
        private(set) var elements: [ScatterGatherElement] = []
        private(set) var regions: [PlainQueue.Region] = []

        var count: Int { regions.count }

        func add(_ device: BenchDevice, _ loop: BenchLoop, _ memory: PageBuffer) throws {
            let mapping = try device.adapter.buildLam(over: memory)
            elements.append(mapping.element(0..<memory.count))
            mappings.append(KeptMapping(mapping))
            regions.append(try loop.plain.register(memory.descriptor))
        }

        func end() {
            mappings.removeAll()
            for region in regions { try? region.destroy() }
        }
    }

    /// A mapping in an array.
    private final class KeptMapping {
        private let mapping: LogicalAddressMapping

        init(_ mapping: consuming LogicalAddressMapping) {
            self.mapping = mapping
        }
    }
}
