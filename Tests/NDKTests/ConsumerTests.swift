import ConsumerPrograms
import Testing

extension ConsumerProgram: CustomTestStringConvertible {
    /// Its language: the topic is the test's.
    public var testDescription: String { language }
}

@Suite("A program in C", .serialized)
struct ConsumerTests {
    @Test(
        "opens adapters by name, address and version",
        arguments: ConsumerTopic.opensAdapters.programs)
    func adapters(_ program: ConsumerProgram) { #expect(program.findings() == []) }

    @Test(
        "asks what an adapter can do and has done",
        arguments: ConsumerTopic.queriesAdapters.programs)
    func queries(_ program: ConsumerProgram) { #expect(program.findings() == []) }

    @Test(
        "[15] [16] builds mappings: sizing, chains, gaps, pending ones",
        arguments: ConsumerTopic.buildsMappings.programs)
    func mappings(_ program: ConsumerProgram) { #expect(program.findings() == []) }

    @Test(
        "releases mappings twice, at the wrong adapter and from nowhere, which is counted and changes nothing",
        arguments: ConsumerTopic.releasesMappings.programs)
    func releases(_ program: ConsumerProgram) { #expect(program.findings() == []) }

    @Test(
        "polls, resizes and does not moderate completion queues",
        arguments: ConsumerTopic.pollsCompletionQueues.programs)
    func completionQueues(_ program: ConsumerProgram) { #expect(program.findings() == []) }

    @Test(
        "[97] [98] [100] is notified once for each arming",
        arguments: ConsumerTopic.isNotified.programs)
    func notifications(_ program: ConsumerProgram) { #expect(program.findings() == []) }

    @Test(
        "[64] [65] [84] [85] [86] [87] [96] posts requests, and has a result for each that was not refused",
        arguments: ConsumerTopic.postsRequests.programs)
    func requests(_ program: ConsumerProgram) { #expect(program.findings() == []) }

    @Test(
        "[104] posts receives that several queue pairs share",
        arguments: ConsumerTopic.postsSharedReceives.programs)
    func sharedReceives(_ program: ConsumerProgram) { #expect(program.findings() == []) }

    @Test(
        "[66] [67] [68] [69] [70] [76] [77] [78] [81] registers regions, at once and by requests",
        arguments: ConsumerTopic.registersRegions.programs)
    func regions(_ program: ConsumerProgram) { #expect(program.findings() == []) }

    @Test("[79] [80] [83] binds windows", arguments: ConsumerTopic.bindsWindows.programs)
    func windows(_ program: ConsumerProgram) { #expect(program.findings() == []) }

    @Test(
        "[117] [118] connects, also through a shared endpoint",
        arguments: ConsumerTopic.connects.programs)
    func connections(_ program: ConsumerProgram) { #expect(program.findings() == []) }

    @Test("[113] [116] listens, rejects, pauses and accepts", arguments: ConsumerTopic.listens.programs)
    func listeners(_ program: ConsumerProgram) { #expect(program.findings() == []) }

    @Test(
        "[106] [107] [109] [110] closes what others need, which goes with the last of them",
        arguments: ConsumerTopic.closesObjects.programs)
    func closes(_ program: ConsumerProgram) { #expect(program.findings() == []) }

    @Test(
        "[106] closes a queue whose notification is still inside, which it waits for and refuses",
        arguments: ConsumerTopic.closesBesideCallbacks.programs)
    func closesBesideCallbacks(_ program: ConsumerProgram) { #expect(program.findings() == []) }

    @Test(
        "[110] closes an adapter, which waits for all that was made of it",
        arguments: ConsumerTopic.closesAdapters.programs)
    func closesAdapters(_ program: ConsumerProgram) { #expect(program.findings() == []) }

    @Test(
        "runs callbacks from a loop of its own",
        arguments: ConsumerTopic.dispatchesCallbacks.programs)
    func dispatches(_ program: ConsumerProgram) { #expect(program.findings() == []) }

    @Test(
        "passes what is NULL, closed or of another kind, and gets the status that says so",
        arguments: ConsumerTopic.makesMistakes.programs)
    func mistakes(_ program: ConsumerProgram) { #expect(program.findings() == []) }
}
