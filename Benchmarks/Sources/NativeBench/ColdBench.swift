import Glibc
import LAM
import Measuring
import Pinning

/// What the first registration of memory takes that nobody has touched yet: target 14.
///
/// The stub provider pins nothing; an io_uring does.
struct ColdBench {
    private static let rounds = 7
    private static let bytes = 1 << 30

    /// How the memory is prepared before it is pinned.
    private enum Way: CaseIterable {
        case untouched, populatedAlone, populated, huge, hugePopulated

        var text: String {
            switch self {
            case .untouched: "pinned as it is, as plain C does"
            case .populatedAlone: "populate(threads: 1), then pinned"
            case .populated: "populate(), then pinned"
            case .huge: "transparent huge pages, pinned as they are"
            case .hugePopulated: "the same, populate() before"
            }
        }

        var pages: PageKind { self == .huge || self == .hugePopulated ? .transparentHuge : .ordinary }
    }

    func report() throws -> String {
        let ring = pinning_open()
        guard ring >= 0 else { return "cold memory: not measured, there is no io_uring here (errno \(-ring))" }
        defer { pinning_close(ring) }
        guard availableBytes > 2 * Self.bytes else { return "cold memory: not measured, it takes 2 GiB of free memory" }
        var times: [Way: Samples] = [:]
        var ratios: [Way: Samples] = [:]
        for round in 0...Self.rounds {
            let inTurn = try Way.allCases.map { (way: $0, time: try time($0, ring)) }
            guard round > 0 else { continue }
            for (way, time) in inTurn {
                times[way, default: Samples()].add(time / 1e6)
                ratios[way, default: Samples()].add(inTurn[0].time / time)
            }
        }
        var table = Table(
            "first use of 1 GiB of cold memory, \(sysconf(Int32(_SC_NPROCESSORS_ONLN))) processors", "ms",
            "plain C over this", "target")
        for way in Way.allCases {
            table.add(
                way.text, times[way]!.text(digits: 0), ratios[way]!.text(digits: 2),
                way == .populated ? "14: >= 1.7" : "")
        }
        return table.text
    }

    private func time(_ way: Way, _ ring: Int32) throws -> Double {
        let buffer = try PageBuffer(count: Self.bytes, pages: way.pages)
        defer { pinning_unpin(ring) }
        return nanoseconds {
            switch way {
            case .untouched, .huge: break
            case .populatedAlone: buffer.populate(threads: 1)
            case .populated, .hugePopulated: buffer.populate()
            }
            let code = pinning_pin(ring, UnsafeMutableRawPointer(bitPattern: buffer.descriptor.address), Self.bytes)
            if code != 0 { fatalError("memory cannot be pinned: errno \(code)") }
        }
    }

    private var availableBytes: Int {
        sysconf(Int32(_SC_AVPHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
    }
}
