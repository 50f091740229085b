import Measuring
import PlainVerbs

/// How fast the machine is while something else is measured: a signaled write of plain C, posted and polled.
///
/// Where the first table says what that takes otherwise, other figures can be set in proportion.
final class Yardstick {
    private static let requests: UInt64 = 20_480

    private let queue: OpaquePointer
    private(set) var samples = Samples()

    init() {
        guard let queue = plain_queue_create("stub0", 16 * 4096) else {
            fatalError("the stub provider has no device stub0")
        }
        self.queue = queue
    }

    deinit {
        plain_queue_destroy(queue)
    }

    func measure() {
        samples.add(nanoseconds { _ = plain_post_signaled(queue, Self.requests) } / Double(Self.requests))
    }

    /// Adds what was measured to a table.
    func add(to table: inout Table) {
        table.add("meanwhile a signaled write of plain C", samples.text(digits: 1), "")
    }
}
