import LAM

/// Building and releasing mappings by size, kind of pages and warmth.
struct RegisterBench {
    let recorder: BenchRecorder
    let device: BenchDevice

    func run() throws {
        for pages in PageKind.all {
            for size in recorder.plan.sizes {
                if pages == .huge, SystemFiles.value("HugePages_Total", in: "/proc/meminfo") == "0" {
                    let subject = BenchSubject(.register, "build", conditions(size, pages, "warm"))
                    recorder.skip(
                        [subject], because: "the pool of huge pages is empty; sysctl vm.nr_hugepages=N fills it")
                    continue
                }
                try measureWarm(size, pages)
                try measureCold(size, pages)
            }
        }
    }

    private func conditions(_ size: Int, _ pages: PageKind, _ memory: String) -> [String: String] {
        ["size": "\(size)", "pages": pages.text, "memory": memory]
    }

    private func measureWarm(_ size: Int, _ pages: PageKind) throws {
        let conditions = conditions(size, pages, "warm")
        let subjects = [
            BenchSubject(.register, "build", conditions, baseline: "ibv_reg_mr"),
            BenchSubject(.register, "release at once", conditions, baseline: "ibv_dereg_mr"),
        ]
        let memory: PageBuffer
        do { memory = try device.warmBuffer(size, pages) } catch {
            return recorder.skip(subjects, because: "\(error)")
        }
        // Small ones several times, so that a round is longer than a look at the clock.
        let count = max(1, min(8, (1 << 20) / size))
        try recorder.measure(subjects) {
            try times(count) { try device.buildAndRelease(memory.descriptor) }
        } plain: {
            try times(count) { try plainTimes(memory.descriptor) }
        }
    }

    /// Memory that nobody touched yet is another each time.
    private func measureCold(_ size: Int, _ pages: PageKind) throws {
        let conditions = conditions(size, pages, "cold")
        let build = BenchSubject(.register, "build", conditions, baseline: "ibv_reg_mr")
        let populated = BenchSubject(.register, "populate, then build", conditions, baseline: "ibv_reg_mr")
        do { try BenchDevice.requireMemory(size) } catch {
            return recorder.skip([build, populated], because: "\(error)")
        }
        let plain = {
            let memory = try PageBuffer(count: size, pages: pages)
            return [try plainTimes(memory.descriptor).build]
        }
        try recorder.measure(
            [build],
            ours: {
                let memory = try PageBuffer(count: size, pages: pages)
                return [try device.buildAndRelease(memory.descriptor).build]
            }, plain: plain)
        guard size >= 1 << 20 else { return }
        try recorder.measure(
            [populated],
            ours: {
                let memory = try PageBuffer(count: size, pages: pages)
                let populating = nanoseconds { memory.populate() }
                return [try populating + device.buildAndRelease(memory.descriptor).build]
            }, plain: plain)
    }

    private func plainTimes(_ memory: MemoryDescriptor) throws -> (build: Double, release: Double) {
        let start = ContinuousClock.now
        let region = try device.plain.register(memory)
        let built = ContinuousClock.now
        try region.destroy()
        return ((built - start) / .nanoseconds(1), (ContinuousClock.now - built) / .nanoseconds(1))
    }

    private func times(_ count: Int, _ body: () throws -> (build: Double, release: Double)) rethrows -> [Double] {
        var sums = [0.0, 0.0]
        for _ in 0..<count {
            let (build, release) = try body()
            sums[0] += build
            sums[1] += release
        }
        return sums.map { $0 / Double(count) }
    }
}
