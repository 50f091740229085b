import Glibc
import NDKConsumer
import NDKConsumerCxx
import TestSupport
import Testing

/// A program in one of the languages.
struct Consumer: Sendable, CustomTestStringConvertible {
    typealias Program = @Sendable () -> UnsafePointer<CChar>?

    let testDescription: String
    /// What was not as it should be.
    private let finding: @Sendable () -> String?

    private init(_ language: String, _ program: @escaping Program) {
        testDescription = language
        finding = { unsafe program().map { unsafe String(cString: $0) } }
    }

    static func both(_ c: @escaping Program, _ cxx: @escaping Program) -> [Consumer] {
        [unsafe Consumer("C", c), unsafe Consumer("C++", cxx)]
    }

    /// Runs the program over a device in memory; afterwards nothing of either may be left.
    func expectNoFinding(sourceLocation: SourceLocation = #_sourceLocation) {
        let device = FakeDevice(carriesOutSendsAtOnce: true)
        Stage.set(device)
        let finding = finding()
        #expect(finding == nil, sourceLocation: sourceLocation)
        // The device itself is closed by whichever thread is the last to let go.
        #expect(eventually { device.liveObjectCount == 0 }, sourceLocation: sourceLocation)
        #expect(device.pinnedPageCount == 0, sourceLocation: sourceLocation)
        #expect(device.violations == [], sourceLocation: sourceLocation)
        #expect(device.abandoned == [], sourceLocation: sourceLocation)
    }
}

@Suite("A program in C", .serialized)
struct ConsumerTests {
    @Test(
        "opens adapters by name, address and version",
        arguments: unsafe Consumer.both(c_opens_adapters, cxx_opens_adapters))
    func adapters(_ program: Consumer) { program.expectNoFinding() }

    @Test(
        "asks what an adapter can do and has done",
        arguments: unsafe Consumer.both(c_queries_adapters, cxx_queries_adapters))
    func queries(_ program: Consumer) { program.expectNoFinding() }

    @Test(
        "[15] [16] builds mappings: sizing, chains, gaps, pending ones",
        arguments: unsafe Consumer.both(c_builds_mappings, cxx_builds_mappings))
    func mappings(_ program: Consumer) { program.expectNoFinding() }

    @Test(
        "releases mappings twice, at the wrong adapter and from nowhere, which is counted and changes nothing",
        arguments: unsafe Consumer.both(c_releases_mappings, cxx_releases_mappings))
    func releases(_ program: Consumer) { program.expectNoFinding() }

    @Test(
        "polls, resizes and does not moderate completion queues",
        arguments: unsafe Consumer.both(c_polls_completion_queues, cxx_polls_completion_queues))
    func completionQueues(_ program: Consumer) { program.expectNoFinding() }

    @Test(
        "[97] [98] [100] is notified once for each arming",
        arguments: unsafe Consumer.both(c_is_notified, cxx_is_notified))
    func notifications(_ program: Consumer) { program.expectNoFinding() }

    @Test(
        "[64] [65] [84] [85] [86] [87] [96] posts requests, and has a result for each that was not refused",
        arguments: unsafe Consumer.both(c_posts_requests, cxx_posts_requests))
    func requests(_ program: Consumer) { program.expectNoFinding() }

    @Test(
        "[104] posts receives that several queue pairs share",
        arguments: unsafe Consumer.both(c_posts_shared_receives, cxx_posts_shared_receives))
    func sharedReceives(_ program: Consumer) { program.expectNoFinding() }

    @Test(
        "[66] [67] [68] [69] [70] [76] [77] [78] [81] registers regions, at once and by requests",
        arguments: unsafe Consumer.both(c_registers_regions, cxx_registers_regions))
    func regions(_ program: Consumer) { program.expectNoFinding() }

    @Test("[79] [80] [83] binds windows", arguments: unsafe Consumer.both(c_binds_windows, cxx_binds_windows))
    func windows(_ program: Consumer) { program.expectNoFinding() }

    @Test(
        "[117] [118] connects, also through a shared endpoint",
        arguments: unsafe Consumer.both(c_connects, cxx_connects))
    func connections(_ program: Consumer) { program.expectNoFinding() }

    @Test("[113] [116] listens, rejects, pauses and accepts", arguments: unsafe Consumer.both(c_listens, cxx_listens))
    func listeners(_ program: Consumer) { program.expectNoFinding() }

    @Test(
        "[106] [107] [109] [110] closes what others need, which goes with the last of them",
        arguments: unsafe Consumer.both(c_closes_objects, cxx_closes_objects))
    func closes(_ program: Consumer) { program.expectNoFinding() }

    @Test(
        "[106] closes a queue whose notification is still inside, which it waits for and refuses",
        arguments: unsafe Consumer.both(c_closes_beside_callbacks, cxx_closes_beside_callbacks))
    func closesBesideCallbacks(_ program: Consumer) { program.expectNoFinding() }

    @Test(
        "[110] closes an adapter, which waits for all that was made of it",
        arguments: unsafe Consumer.both(c_closes_adapters, cxx_closes_adapters))
    func closesAdapters(_ program: Consumer) { program.expectNoFinding() }

    @Test(
        "runs callbacks from a loop of its own",
        arguments: unsafe Consumer.both(c_dispatches_callbacks, cxx_dispatches_callbacks))
    func dispatches(_ program: Consumer) { program.expectNoFinding() }

    @Test(
        "passes what is NULL, closed or of another kind, and gets the status that says so",
        arguments: unsafe Consumer.both(c_makes_mistakes, cxx_makes_mistakes))
    func mistakes(_ program: Consumer) { program.expectNoFinding() }
}
