import Dispatch
import Glibc
import LAM
import Synchronization

/// Mappings of registrations that are kept, beside registering for each use.
struct CacheBench {
    private static let bytes = 64 << 10
    private static let operations = 1024
    private let recorder: BenchRecorder
    private let device: BenchDevice
    private let cache: RegistrationCache

    init(_ recorder: BenchRecorder, _ device: BenchDevice) throws {
        self.recorder = recorder
        self.device = device
        cache = try device.adapter.createCache(CacheOptions(limitBytes: 64 << 20, idleLimit: .seconds(3600)))
    }

    func run() throws {
        defer { cache.close() }
        for count in [1, 128] {
            let buffers = try (0..<count).map { _ in try device.warmBuffer(Self.bytes) }
            try measure("hit", ["registrations": "\(count)"], buffers) { try hit(buffers) }
        }
        let buffers = [try device.warmBuffer(Self.bytes)]
        try measure("hit after an unrelated munmap", [:], buffers) { try hitAfterUnmap(buffers[0]) }
        try measureBesideRegistering(buffers)
        try measure("miss", [:], buffers) {
            cache.forget(buffers[0].descriptor)
            return try nanoseconds { try cache.buildLam(over: buffers[0]).release() }
        }
    }

    private func measure(
        _ name: String, _ conditions: [String: String], _ buffers: [PageBuffer], _ ours: () throws -> Double
    ) throws {
        let subject = BenchSubject(
            .cache, name, conditions.merging(["size": "\(Self.bytes)"]) { $1 },
            baseline: "ibv_reg_mr, ibv_dereg_mr")
        try recorder.measure([subject]) {
            [try ours()]
        } plain: {
            [try nanoseconds { try device.plain.registerAndDestroy(buffers[0].descriptor, 4) } / 4]
        }
    }

    private func hit(_ buffers: [PageBuffer]) throws -> Double {
        try nanosecondsEach(Self.operations) { index in
            try cache.buildLam(over: buffers[index % buffers.count]).release()
        }
    }

    private func hitAfterUnmap(_ buffer: PageBuffer) throws -> Double {
        let other = unsafe mmap(nil, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        unsafe munmap(other, 4096)
        return try nanoseconds { try cache.buildLam(over: buffer).release() }
    }

    /// While another thread builds and releases mappings of 1 MiB.
    private func measureBesideRegistering(_ buffers: [PageBuffer]) throws {
        let (isOver, ended) = (Flag(), DispatchSemaphore(value: 0))
        let large = try device.warmBuffer(1 << 20)
        let adapter = device.adapter
        DispatchQueue.global().async {
            while !isOver.isSet, let mapping = try? adapter.buildLam(over: large) { _ = mapping.tryRelease() }
            ended.signal()
        }
        defer {
            isOver.set()
            ended.wait()
        }
        try measure("hit while another thread registers", [:], buffers) { try hit(buffers) }
    }

    private final class Flag: Sendable {
        private let value = Atomic(false)

        var isSet: Bool { value.load(ordering: .relaxed) }
        func set() { value.store(true, ordering: .relaxed) }
    }
}
