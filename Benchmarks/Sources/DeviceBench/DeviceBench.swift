import LAM
import Measuring
import PlainVerbs

/// What mappings cost on a real device, beside plain C where C can do the same.
///
/// On an emulated device only the ratios mean anything.
@main
struct DeviceBench {
    static func main() throws {
        let adapter = try Adapter.open()
        print("\(adapter.name) (\(adapter.info.technology)); \(Machine.description)")
        print("in turn with the C loop; median [middle half]; a ratio of 1 is the C loop's time\n")
        print(try BuildBench(adapter).table())
        print("\n" + (try UnpinBench(adapter).table()))
        print("\n" + (try WindowBench(adapter).table()))
    }
}

/// Microseconds of nanoseconds.
func microseconds(_ samples: Samples) -> String {
    samples.scaled(by: 1e-3).text(digits: 1)
}
