import LAM
import Measuring

#if canImport(Glibc)
    import Glibc
#endif

/// How long memory stays pinned in a process that does nothing more: target 4.
struct UnpinBench {
    private static let rounds = 101
    private static let bytes = 1 << 20
    private let adapter: Adapter

    init(_ adapter: Adapter) {
        self.adapter = adapter
    }

    func table() throws -> String {
        var table = Table("from release() to VmPin as before", "ms", "longest", "target")
        let idle = try samples { $0.release() }
        table.add("nothing outstanding", idle.text(digits: 2), decimal(idle.quantile(1), 2), "4: <= 10 ms")
        var loop = try Loop(adapter)
        let busy = try samples { mapping in
            do { try loop.exchange(mapping) } catch { fatalError("\(error)") }
            mapping.release()
        }
        table.add(
            "a message under way, which nobody polls", busy.text(digits: 2), decimal(busy.quantile(1), 2),
            "4: <= 10 ms")
        loop.close()
        return table.text
    }

    private func samples(_ release: (consuming LogicalAddressMapping) -> Void) throws -> Samples {
        let buffer = try PageBuffer(count: Self.bytes)
        var samples = Samples()
        for _ in 0..<Self.rounds {
            let before = ProcessStatus.pinnedKilobytes
            let mapping = try adapter.buildLam(over: buffer)
            let start = ContinuousClock.now
            release(mapping)
            while ProcessStatus.pinnedKilobytes > before { usleep(100) }
            samples.add((ContinuousClock.now - start) / .milliseconds(1))
        }
        return samples
    }
}
