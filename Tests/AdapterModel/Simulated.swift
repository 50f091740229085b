import LAM

/// A request whose post succeeded.
struct PostedRequest {
    let queuePair: UInt32
    /// Whether its success is silent.
    let isSilent: Bool
    /// Whether it is in a shared receive queue: only what a message takes completes.
    let isShared: Bool
}

/// How often users were called.
struct CallCounts {
    var notifications = 0
    var lowCalls = 0
}

/// A completion queue and the order of what it gave.
final class SimulatedCompletionQueue {
    var completions: LAM.CompletionQueue
    /// Whether the device loses what completes here.
    var hasFailed = false
    /// The last context of each queue: contexts count upwards, and so must each queue's results.
    private var last: [String: UInt64] = [:]

    init(_ completions: consuming LAM.CompletionQueue) {
        self.completions = completions
    }

    func check(_ completion: Completion, _ objections: inout [String]) {
        let queue = "\(completion.queuePairNumber) \(completion.operation.isReceive ? "receive" : "send")"
        if completion.context <= last[queue, default: 0] {
            objections.append("\(completion) comes after \(last[queue, default: 0])")
        }
        last[queue] = completion.context
    }
}

/// A queue pair, until it ends.
final class SimulatedQueuePair {
    var queuePair: LAM.QueuePair?
    let number: UInt32
    let handle: QueuePairHandle

    init(_ queuePair: consuming LAM.QueuePair) {
        number = queuePair.number
        handle = queuePair.handle
        self.queuePair = consume queuePair
    }
}

/// A shared receive queue, until it is given up.
final class SimulatedSharedQueue {
    var queue: LAM.SharedReceiveQueue

    init(_ queue: consuming LAM.SharedReceiveQueue) {
        self.queue = queue
    }
}

/// A mapping, until it is released; its element stays, as a consumer's stale copy would.
final class SimulatedMapping {
    var mapping: LogicalAddressMapping?
    let element: ScatterGatherElement
    /// The cache whose registration it was made of.
    private(set) weak var cache: RegistrationCache?

    init(_ mapping: consuming LogicalAddressMapping, of cache: RegistrationCache? = nil) {
        element = mapping.element(0..<64)
        self.mapping = consume mapping
        self.cache = cache
    }

    /// Whether nobody released it.
    var isLive: Bool { mapping != nil }
}

/// A window, until it is dropped.
final class SimulatedWindow {
    let window: LAM.MemoryWindow

    init(_ window: consuming LAM.MemoryWindow) {
        self.window = window
    }
}

/// A memory region, until it is dropped.
final class SimulatedRegion {
    var region: LAM.MemoryRegion

    init(_ region: consuming LAM.MemoryRegion) {
        self.region = region
    }
}
