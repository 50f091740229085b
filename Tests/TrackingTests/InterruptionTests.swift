import Glibc
import Synchronization
import Testing
import Tracking

/// Releases that happen in the middle of a post, at any instruction: in a signal handler of the posting thread.
@Suite("Interruptions", .serialized)
struct InterruptionTests {
    @Test("A post that a release interrupts is refused, or keeps the mapping")
    func release() {
        let interruption = Interruption()
        unsafe Interruption.current = interruption
        signal(SIGUSR1) { _ in unsafe Interruption.current?.releaseMapping() }
        let thread = SystemThread {
            unblock(SIGUSR1)
            interruption.post()
        }
        while !interruption.isOver { thread.interrupt(SIGUSR1) }
        thread.join()
        signal(SIGUSR1, SIG_DFL)
        #expect(interruption.violations == 0)
        #expect(interruption.refusals > 0, "no release ever came in time to be seen")
    }
}

/// Lets a signal through that the thread's creator, a worker of the concurrency runtime, blocks.
private func unblock(_ signal: Int32) {
    var set = sigset_t()
    unsafe sigemptyset(&set)
    unsafe sigaddset(&set, signal)
    unsafe pthread_sigmask(SIG_UNBLOCK, &set, nil)
}

/// A thread that posts, and what interrupts it.
private final class Interruption: Sendable {
    /// The handler has no context of its own. Set before the handler is installed, and not changed while it is.
    nonisolated(unsafe) static var current: Interruption?

    private let fixture = Fixture()
    private let mappings: [(id: MappingID, base: UInt64)]
    /// The mapping that a request is about to name; -1 between requests.
    private let posting = Atomic<Int>(-1)
    private let released = Atomic<Int>(-1)
    private let wasIdle = Atomic<Bool>(false)
    private let violationCount = Atomic<Int>(0)
    private let refusalCount = Atomic<Int>(0)
    private let hasEnded = Atomic<Bool>(false)

    init() {
        mappings = (0..<50_000).map { [fixture] _ in fixture.map() }
    }

    var isOver: Bool { hasEnded.load(ordering: .acquiring) }
    var violations: Int { violationCount.load(ordering: .relaxed) }
    /// Posts that saw the release, at their first look at the mapping or at their last.
    var refusals: Int { refusalCount.load(ordering: .relaxed) }

    /// Posts a request that names each mapping, for two seconds at most.
    func post() {
        let end = ContinuousClock.now + .seconds(2)
        var poster = fixture.openQueue()
        for (index, mapping) in mappings.enumerated() where ContinuousClock.now < end {
            posting.store(index, ordering: .sequentiallyConsistent)
            let wire = try? poster.post(mapping.base)
            posting.store(-1, ordering: .sequentiallyConsistent)
            let isReleased = released.load(ordering: .sequentiallyConsistent) == index
            if isReleased, wire == nil { refusalCount.add(1, ordering: .relaxed) }
            if isReleased, wire != nil, wasIdle.load(ordering: .relaxed) { violationCount.add(1, ordering: .relaxed) }
            if let wire { _ = fixture.mappings.complete(wire) }
        }
        hasEnded.store(true, ordering: .releasing)
    }

    /// Releases the mapping; on the same thread no barrier is needed.
    func releaseMapping() {
        let index = posting.load(ordering: .sequentiallyConsistent)
        guard index >= 0, fixture.mappings.close(mappings[index].id) else { return }
        wasIdle.store(fixture.mappings.isIdle(mappings[index].id), ordering: .relaxed)
        released.store(index, ordering: .sequentiallyConsistent)
    }
}
