import LAM
import Measuring
import PlainVerbs

/// Taking a peer's access away: by invalidating a window, and as plain C does it, by deregistering the memory and
/// registering it anew. Target 12.
struct WindowBench {
    private static let rounds = 151
    private static let operations = 10
    private static let bytes = 64 << 10
    private let adapter: Adapter

    init(_ adapter: Adapter) {
        self.adapter = adapter
    }

    func table() throws -> String {
        let buffer = try PageBuffer(count: Self.bytes)
        let mapping = try adapter.buildLam(over: buffer)
        let window = try adapter.createMemoryWindow()
        var loop = try Loop(adapter)
        guard let plain = plain_queue_create(adapter.name, 4096) else {
            fatalError("plain C cannot open \(adapter.name)")
        }
        defer { plain_queue_destroy(plain) }
        let address = UnsafeMutableRawPointer(bitPattern: buffer.descriptor.address)
        var samples = (bind: Samples(), invalidate: Samples(), plain: Samples(), ratio: Samples())
        for _ in 0..<Self.rounds {
            var (bind, invalidate) = (0.0, 0.0)
            for _ in 0..<Self.operations {
                bind += try nanoseconds {
                    _ = try loop.near.bind(window, over: mapping, 0..<Self.bytes, access: .write)
                    loop.wait()
                }
                invalidate += try nanoseconds {
                    try loop.near.invalidate(window)
                    loop.wait()
                }
            }
            let registering = nanoseconds {
                let code = plain_register(plain, address, Self.bytes, UInt64(Self.operations))
                if code != 0 { fatalError("plain C: errno \(code)") }
            }
            samples.bind.add(bind / Double(Self.operations))
            samples.invalidate.add(invalidate / Double(Self.operations))
            samples.plain.add(registering / Double(Self.operations))
            samples.ratio.add(invalidate / registering)
        }
        loop.close()
        var table = Table(
            "access to 64 KiB", "bind µs", "invalidate µs", "plain C deregister + register µs",
            "invalidate over plain C", "target")
        table.add(
            "posted and completed", microseconds(samples.bind), microseconds(samples.invalidate),
            microseconds(samples.plain), samples.ratio.text(digits: 3), "12: <= 0.45")
        return table.text
    }
}
