import Glibc
import LAM

/// How much `lam bench` measures, and for how long.
package struct BenchPlan: Codable, Sendable {
    /// Bytes of a buffer.
    package var sizes: [Int]
    /// For each figure, at least; a few rounds are done in any case.
    package var seconds: Double
    /// How many mappings are to be live.
    package var liveCounts: [Int]

    /// What a device is measured by in some minutes.
    package static let usual = BenchPlan(
        sizes: [4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20, 64 << 20, 256 << 20, 1 << 30],
        seconds: 0.5, liveCounts: [1, 100, 10_000, 100_000, 1_000_000])

    /// A first look, in some seconds.
    package static let quick = BenchPlan(
        sizes: [4 << 10, 64 << 10, 1 << 20], seconds: 0.03, liveCounts: [1, 100, 1000])

    /// The numbers of threads that are tried: 1, 2, 4, and so on, and all processors.
    var threadCounts: [Int] {
        let processors = sysconf(CInt(_SC_NPROCESSORS_ONLN))
        var counts: [Int] = []
        var count = 1
        while count < processors {
            counts.append(count)
            count *= 2
        }
        return counts + [processors]
    }
}

extension PageKind {
    /// All kinds, in the order in which they are measured.
    static let all: [PageKind] = [.ordinary, .transparentHuge, .huge]

    /// For people and in results.
    var text: String {
        switch self {
        case .ordinary: "4 KiB"
        case .transparentHuge: "transparent huge"
        case .huge: "hugetlb"
        }
    }
}
