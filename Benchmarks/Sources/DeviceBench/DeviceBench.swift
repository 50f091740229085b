import LAM
import Measuring
import PlainVerbs

/// What building and releasing a mapping costs beside plain `ibv_reg_mr` and `ibv_dereg_mr`, on a real device.
@main
struct DeviceBench {
    private static let rounds = 21

    static func main() throws {
        let adapter = try Adapter.open()
        print("\(adapter.name) (\(adapter.info.technology)); \(Machine.description)")
        print("\(rounds) rounds, in turn with the C loop; median [middle half]; a ratio of 1 is the C loop's time\n")
        var table = Table("build + release of", "ours µs", "plain C µs", "ratio", "release() instead", "target")
        var size = 4096
        while size <= 64 << 20 {
            try add(size, on: adapter, to: &table)
            size *= 4
        }
        print(table.text)
    }

    private static func add(_ size: Int, on adapter: Adapter, to table: inout Table) throws {
        let buffer = try PageBuffer(count: size)
        guard let plain = plain_queue_create(adapter.name, 4096) else {
            fatalError("plain C cannot open \(adapter.name)")
        }
        defer { plain_queue_destroy(plain) }
        let operations = max(4, min(200, (32 << 20) / size))
        let (address, length) = (UnsafeMutableRawPointer(bitPattern: buffer.descriptor.address), buffer.count)
        let baseline = {
            let code = plain_register(plain, address, length, UInt64(operations))
            if code != 0 { fatalError("plain C: errno \(code)") }
        }
        let inTurn = try Comparison(
            rounds: rounds, operations: operations,
            ours: {
                for _ in 0..<operations {
                    guard case .released = try adapter.buildLam(over: buffer).tryRelease() else {
                        fatalError("an unused mapping is busy")
                    }
                }
            }, baseline: baseline)
        let inBackground = try Comparison(
            rounds: rounds, operations: operations,
            ours: {
                for _ in 0..<operations { try adapter.buildLam(over: buffer).release() }
            }, baseline: baseline)
        table.add(
            sizeText(size), microseconds(inTurn.ours), microseconds(inTurn.baseline), inTurn.ratio.text(digits: 3),
            inBackground.ratio.text(digits: 3), "<= 1.02")
    }

    private static func microseconds(_ samples: Samples) -> String {
        var scaled = Samples()
        samples.inOrder.forEach { scaled.add($0 / 1000) }
        return scaled.text(digits: 1)
    }

    private static func sizeText(_ bytes: Int) -> String {
        bytes >= 1 << 20 ? "\(bytes >> 20) MiB" : "\(bytes >> 10) KiB"
    }
}
