import Tracking
package import Verbs

/// An RDMA device in memory, for tests without a kernel device.
///
/// It stands behind `ControlVerbs` and behind the function pointers of a real `ibv_context`, so
/// everything above runs unchanged. It behaves like rxe of Linux 6.1 where `rxe-facts` has observed
/// that, and:
/// - it does nothing by itself: requests lie in their queues until the test has some carried out
///   (`complete`, `completeReceive`) or fails the queue pair (`fail`), so the schedule is the
///   test's;
/// - it checks the claim of the project: deregistering memory that a request still names is
///   recorded in `violations`, and so is everything else that would harm or hang a real machine;
/// - any call can be made to fail (`inject`).
///
/// All calls are thread-safe. C objects that are destroyed stay allocated until the device goes, so
/// that using one afterwards is noticed instead of undefined.
@safe
package final class FakeDevice: @unchecked Sendable {
    // `lock` protects `state`: hence `@unchecked Sendable`.
    private let lock = Locked(())
    private var state: State

    /// Creates a device with one active port, closed and without objects.
    ///
    /// - Parameters:
    ///   - name: The device's name.
    ///   - pinnedPageLimit: How many pages can be pinned; beyond that registration fails with
    ///     `ENOMEM`.
    ///   - regionLimit: How many regions the device says it can have.
    ///   - carriesOutSendsAtOnce: Carry out send requests while they are posted, instead of when
    ///     the test says.
    ///   - reportsLastReceives: Say when a queue pair in the error state is done with its shared
    ///     receive queue, as adapters do and rxe does not.
    ///   - vendorID: By default that of soft devices.
    ///   - hasWindows: Whether there are windows of type 2.
    package init(
        name: String = "fake0", pinnedPageLimit: Int = .max, regionLimit: Int32 = 524_287,
        carriesOutSendsAtOnce: Bool = false, reportsLastReceives: Bool = false, vendorID: UInt32 = 0xff_ffff,
        hasWindows: Bool = true
    ) {
        state = State(
            name: name, pinnedPageLimit: pinnedPageLimit, regionLimit: regionLimit,
            carriesOutSendsAtOnce: carriesOutSendsAtOnce, reportsLastReceives: reportsLastReceives, vendorID: vendorID,
            hasWindows: hasWindows)
    }

    deinit { state.freeBlocks() }

    /// The table that reaches this device. What is abandoned is recorded in `abandoned`.
    package var verbs: ControlVerbs {
        ControlVerbs(
            devices: deviceVerbs, memory: memoryVerbs, queues: queueVerbs,
            connections: connectionVerbs,
            abandoned: { [self] error in withState { state in state.abandoned.append(error) } })
    }

    /// Opens the device as a user would.
    package func open() throws(VerbError) -> DeviceContext {
        let list = try DeviceList(verbs: verbs)
        guard let device = list.devices.first else { fatalError("FakeDevice: empty list") }
        return try device.open()
    }

    /// Runs with the state to itself.
    func withState<Result>(_ body: (inout State) -> Result) -> Result {
        lock.withLock { _ in body(&state) }
    }

    /// Runs an entry of the table: counted, and failed where the test wants it so.
    func call(_ verb: Verb, _ body: (inout State) -> CInt) -> CInt {
        withState { state in state.call(verb, body) }
    }
}

extension FakeDevice {
    /// What harmed, or would have harmed, a real machine; empty after a correct run.
    package var violations: [FakeViolation] { withState { state in state.violations } }

    /// What owners could not destroy when they went away.
    package var abandoned: [VerbError] { withState { state in state.abandoned } }

    /// How often a verb was called, failures included.
    package func callCount(_ verb: Verb) -> Int {
        withState { state in state.calls[verb] ?? 0 }
    }

    /// How many objects exist: contexts, domains, regions, windows, channels, queues of all kinds and
    /// connection identifiers.
    package var liveObjectCount: Int { liveObjectCounts.values.reduce(0, +) }

    /// The same, by their kinds.
    package var liveObjectCounts: [String: Int] { withState { state in state.liveObjectCounts } }

    /// Makes coming calls of a verb fail without doing anything.
    ///
    /// Posts name their first request as the refused one.
    /// - Parameters:
    ///   - code: The `errno` value.
    ///   - verb: The call.
    ///   - call: Which call, 1 being the next one.
    ///   - times: How many calls from that one on.
    package func inject(_ code: CInt, into verb: Verb, call: Int = 1, times: Int = 1) {
        withState { state in
            let first = (state.calls[verb] ?? 0) + call
            state.faults[verb, default: []].append(
                FakeFault(calls: first..<(first + times), code: code))
        }
    }
}

/// Calls that fail, by their numbers.
struct FakeFault {
    let calls: Range<Int>
    let code: CInt
}

/// Something that a device does not answer with an error, but that harms or hangs a real machine.
package enum FakeViolation: Hashable, Sendable {
    /// Memory was deregistered while a request that was not yet carried out named it.
    case deregisteredInUse(key: UInt32, queuePair: UInt32, identifier: UInt64)
    /// A window that was not bound was invalidated: rxe brings the machine down.
    case invalidatedUnbound(key: UInt32)
    /// A queue pair was destroyed with a window bound on it: rxe blocks for most of a minute.
    case destroyedUnderWindow(queuePair: UInt32, key: UInt32)
    /// An object was used or destroyed after it was destroyed.
    case usedAfterEnd(Verb)
    /// A queue or a queue pair was destroyed with events not acknowledged: libibverbs waits for ever.
    case destroyedWithUnacknowledgedEvents
    /// A device was closed with objects on it.
    case closedWithObjects(count: Int)
    /// A completion was dropped because its queue was full.
    case lostCompletion(queuePair: UInt32, identifier: UInt64)
}
