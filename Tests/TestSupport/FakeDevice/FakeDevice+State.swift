import CRDMA
import Verbs

extension FakeDevice {
    /// Everything behind the lock.
    @safe
    struct State {
        let name: String
        let pinnedPageLimit: Int
        let regionLimit: Int32
        let carriesOutSendsAtOnce: Bool
        let vendorID: UInt32
        let hasWindows: Bool
        let reportsLastReceives: Bool
        /// How far events of completion queues can be moderated: not at all, as on rxe, until the test says.
        var moderationLimits = Moderation.off
        /// What was set, oldest first.
        var moderations: [Moderation] = []
        /// Queue pairs keep the receives that they have begun, in the error state, until the test says.
        var holdsLastReceives = false

        var calls: [Verb: Int] = [:]
        var faults: [Verb: [FakeFault]] = [:]
        /// What the next post of a verb meets beside its faults.
        var postFaults: [Verb: FakePostFault] = [:]
        var injectedFailures: [Verb: Int] = [:]
        /// How many of the next completions of a queue pair are lost, by its number.
        var losses: [UInt32: Int] = [:]
        var lostCompletions: [UInt32: Int] = [:]
        /// Identifiers of requests that are still to be carried out.
        var completedEarly: Set<UInt64> = []
        var flushesLate = false
        var late: [FakeLateCompletion] = []
        var removal = FakeRemoval.none
        var violations: [FakeViolation] = []
        var abandoned: [VerbError] = []

        /// Contexts, domains and the like, by their handles.
        var contexts: [UInt32: FakeContext] = [:]
        /// The last one that was opened: where identifiers find the device's name.
        var context: UnsafeMutablePointer<ibv_context>?
        var domains: Set<UInt32> = []
        /// By local key.
        var regions: [UInt32: FakeRegion] = [:]
        /// By the upper 24 bits of their keys.
        var windows: [UInt32: FakeWindow] = [:]
        /// By descriptor.
        var channels: [CInt: FakeChannel] = [:]
        /// By handle.
        var completionQueues: [UInt32: FakeCompletionQueue] = [:]
        /// By handle.
        var sharedQueues: [UInt32: FakeSharedQueue] = [:]
        /// By number.
        var queuePairs: [UInt32: FakeQueuePair] = [:]
        /// By descriptor.
        var eventChannels: [CInt: FakeEventChannel] = [:]
        /// Taken and not acknowledged.
        var takenEvents: [UnsafeMutablePointer<rdma_cm_event>] = unsafe []
        /// In the order of creation; `nil` when destroyed.
        var identifiers: [FakeIdentifier?] = []

        private var lastHandle: UInt32 = 0
        private var lastKeyIndex: UInt32 = 0
        private var blocks: [UnsafeMutableRawPointer] = unsafe []

        init(
            name: String, pinnedPageLimit: Int, regionLimit: Int32, carriesOutSendsAtOnce: Bool,
            reportsLastReceives: Bool, vendorID: UInt32, hasWindows: Bool
        ) {
            self.name = name
            self.pinnedPageLimit = pinnedPageLimit
            self.regionLimit = regionLimit
            self.carriesOutSendsAtOnce = carriesOutSendsAtOnce
            self.vendorID = vendorID
            self.hasWindows = hasWindows
            self.reportsLastReceives = reportsLastReceives
        }

        /// A number that no object had before.
        mutating func nextHandle() -> UInt32 {
            lastHandle += 1
            return lastHandle
        }

        /// A key that no region and no window had before; its low eight bits are 0.
        mutating func nextKey() -> UInt32 {
            lastKeyIndex += 1
            return lastKeyIndex << 8
        }

        /// Allocates a C object that stays until the device goes.
        mutating func allocate<Object>(_ value: Object) -> UnsafeMutablePointer<Object> {
            let object = UnsafeMutablePointer<Object>.allocate(capacity: 1)
            unsafe object.initialize(to: value)
            unsafe blocks.append(UnsafeMutableRawPointer(object))
            return unsafe object
        }

        /// Allocates bytes that stay until the device goes.
        mutating func allocate(bytes: [UInt8]) -> UnsafeRawPointer {
            let block = UnsafeMutableRawPointer.allocate(byteCount: bytes.count, alignment: 1)
            unsafe block.copyMemory(from: bytes, byteCount: bytes.count)
            unsafe blocks.append(block)
            return UnsafeRawPointer(block)
        }

        mutating func freeBlocks() {
            while let block = unsafe blocks.popLast() { unsafe block.deallocate() }
        }

        /// Runs an entry of the table: counted, and failed where the test wants it so.
        mutating func call(_ verb: Verb, _ body: (inout State) -> CInt) -> CInt {
            calls[verb, default: 0] += 1
            return refusalAfterRemoval(verb) ?? takeFault(verb) ?? body(&self)
        }

        /// The error that the test wants for this call, which is counted already.
        mutating func takeFault(_ verb: Verb) -> CInt? {
            guard let call = calls[verb],
                let fault = faults[verb]?.first(where: { fault in fault.calls.contains(call) })
            else { return nil }
            injectedFailures[verb, default: 0] += 1
            return fault.code
        }

        /// Records the use of an object that is gone, which libibverbs would not survive.
        mutating func refuseUse(_ verb: Verb) -> CInt {
            violations.append(.usedAfterEnd(verb))
            return EINVAL
        }

        var liveObjectCounts: [String: Int] {
            [
                "contexts": contexts.count, "domains": domains.count, "regions": regions.count,
                "windows": windows.count, "channels": channels.count, "completion queues": completionQueues.count,
                "shared receive queues": sharedQueues.count, "queue pairs": queuePairs.count,
                "event channels": eventChannels.count,
                "identifiers": identifiers.count { identifier in identifier != nil },
            ]
        }
    }

    /// The device behind a C object.
    static func of(_ context: UnsafeMutablePointer<ibv_context>) -> FakeDevice {
        // Set when the context was opened; whoever uses the context holds a table, which holds the
        // device.
        unsafe Unmanaged<FakeDevice>.fromOpaque(context.pointee.abi_compat).takeUnretainedValue()
    }
}
