import Glibc
import LAM
import TestSupport

/// Huge pages for the length of a test: `/proc/sys/vm/nr_hugepages`, which root may write.
struct HugePageReserve {
    private static let path = "/proc/sys/vm/nr_hugepages"
    private let before: Int

    init(atLeast count: Int) throws {
        before = HostLimits.current().hugePages?.total ?? 0
        try Self.write(before + count)
    }

    func giveBack() {
        try? Self.write(before)
    }

    private static func write(_ count: Int) throws {
        guard let file = unsafe fopen(path, "w") else {
            throw DeviceProcess.Failure(description: "\(path): errno \(errno); this test needs root")
        }
        unsafe fputs("\(count)\n", file)
        unsafe fclose(file)
    }
}
