import Glibc
import LAM

/// What a release costs its caller, and how long memory stays pinned.
struct ReleaseBench {
    private static let bytes = 64 << 10
    let recorder: BenchRecorder
    let device: BenchDevice

    func run() throws {
        let memory = try device.warmBuffer(Self.bytes)
        let names = ["release(), for the caller", "release(), until it is unpinned"]
        try recorder.measure(names.map { subject($0, "ibv_dereg_mr") }) {
            try release(try device.adapter.buildLam(over: memory))
        } plain: {
            let region = try device.plain.register(memory.descriptor)
            let time = try nanoseconds { try region.destroy() }
            return [time, time]
        }
        try measureBehindRequest(memory)
    }

    /// Plain C has to wait for the request.
    private func measureBehindRequest(_ memory: PageBuffer) throws {
        let names = ["release() behind a request, for the caller", "release() behind a request, until it is unpinned"]
        let subjects = names.map { subject($0, "wait for the request, then ibv_dereg_mr") }
        let loop: BenchLoop
        do { loop = try BenchLoop(device) } catch { return recorder.skip(subjects, because: "\(error)") }
        try recorder.measure(subjects) {
            let mapping = try device.adapter.buildLam(over: memory)
            try loop.send(mapping)
            // Nobody polls meanwhile: the library has to find out by itself.
            let times = try release(mapping)
            try loop.finish()
            return times
        } plain: {
            let region = try device.plain.register(memory.descriptor)
            let time = try nanoseconds {
                try loop.plain.exchange(1)
                try region.destroy()
            }
            return [time, time]
        }
    }

    private func subject(_ name: String, _ baseline: String) -> BenchSubject {
        BenchSubject(.release, name, ["size": "\(Self.bytes)"], baseline: baseline)
    }

    /// Releases a mapping.
    ///
    /// - Returns: what that took, and how long it is until the kernel says that its memory is not pinned any more.
    private func release(_ mapping: consuming LogicalAddressMapping) throws -> [Double] {
        let pinned = Self.pinnedKibibytes
        let start = ContinuousClock.now
        mapping.release()
        let released = ContinuousClock.now
        while Self.pinnedKibibytes == pinned, device.adapter.statistics.pendingReleases > 0 { usleep(20) }
        let unpinned = ContinuousClock.now
        device.settle()
        return [(released - start) / .nanoseconds(1), (unpinned - start) / .nanoseconds(1)]
    }

    private static var pinnedKibibytes: Int { SystemFiles.kibibytes("VmPin", in: "/proc/self/status") ?? 0 }
}
