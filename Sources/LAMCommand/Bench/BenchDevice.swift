import Glibc
import LAM

/// The device that is measured: an adapter of the library, and plain C.
final class BenchDevice {
    let adapter: Adapter
    let plain: PlainQueue

    init(_ adapter: Adapter) throws {
        self.adapter = adapter
        plain = try PlainQueue(on: adapter.name)
    }

    /// A buffer whose pages are there.
    func warmBuffer(_ count: Int, _ pages: PageKind = .ordinary) throws -> PageBuffer {
        try Self.requireMemory(count)
        let buffer = try PageBuffer(count: count, pages: pages)
        buffer.populate()
        return buffer
    }

    /// Not enough memory would end some other process.
    static func requireMemory(_ count: Int) throws(BenchObstacle) {
        let available = SystemFiles.kibibytes("MemAvailable", in: "/proc/meminfo").map { $0 << 10 } ?? .max
        guard count < available / 2 else {
            throw BenchObstacle("needs \(Quantity.bytes(count)), and half of what is available is less")
        }
    }

    /// Builds a mapping.
    ///
    /// - Returns: what building and releasing it took.
    func buildAndRelease(_ memory: MemoryDescriptor) throws -> (build: Double, release: Double) {
        let start = ContinuousClock.now
        let mapping = try unsafe adapter.buildLam([memory], length: memory.length)
        let built = ContinuousClock.now
        try mapping.releaseAtOnce()
        return ((built - start) / .nanoseconds(1), (ContinuousClock.now - built) / .nanoseconds(1))
    }

    /// Waits until nothing is released in the background.
    func settle() {
        while adapter.statistics.pendingReleases > 0 { usleep(20) }
    }
}

extension LogicalAddressMapping {
    /// Releases a mapping that nothing uses.
    consuming func releaseAtOnce() throws {
        switch tryRelease() {
        case .released: break
        case .busy(let mapping, let use):
            mapping.release()
            throw BenchObstacle("a mapping that nothing uses is busy: \(use)")
        case .refused(let mapping, let error):
            mapping.release()
            throw error
        }
    }
}

/// Why something cannot be measured here.
struct BenchObstacle: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
