import LAM
import Measuring
import PlainVerbs

/// Taking a peer's access away and giving it anew, by a window and by plain C's registrations: target 12.
struct WindowBench {
    private static let rounds = 151
    private static let operations = 10
    private static let bytes = 64 << 10
    private let adapter: Adapter

    init(_ adapter: Adapter) {
        self.adapter = adapter
    }

    func table() throws -> String {
        var table = Table("grant and revoke 64 KiB", "window µs", "plain C registration µs", "ratio", "target")
        let buffer = try PageBuffer(count: Self.bytes)
        let mapping = try adapter.buildLam(over: buffer)
        let window = try adapter.createMemoryWindow()
        var loop = try Loop(adapter)
        guard let plain = plain_queue_create(adapter.name, 4096) else {
            fatalError("plain C cannot open \(adapter.name)")
        }
        defer { plain_queue_destroy(plain) }
        let address = UnsafeMutableRawPointer(bitPattern: buffer.descriptor.address)
        let comparison = try Comparison(
            rounds: Self.rounds, operations: Self.operations,
            ours: {
                for _ in 0..<Self.operations {
                    _ = try loop.near.bind(window, over: mapping, 0..<Self.bytes, access: .write)
                    loop.wait()
                    try loop.near.invalidate(window)
                    loop.wait()
                }
            },
            baseline: {
                let code = plain_register(plain, address, Self.bytes, UInt64(Self.operations))
                if code != 0 { fatalError("plain C: errno \(code)") }
            })
        table.add(
            "bind + invalidate, each completed", microseconds(comparison.ours),
            microseconds(comparison.baseline), comparison.ratio.text(digits: 3), "<= 0.45")
        loop.close()
        return table.text
    }
}
