import Glibc
import LAM
import Logging
import TestSupport
import Testing
import enum Verbs.Verb

@Suite("A logger that takes its time")
struct SlowLoggerTests {
    /// Holds everybody up who logs, until it is opened.
    struct Gate: LogHandler {
        let isOpen: SharedValue<Bool>
        let isOccupied = SharedValue(false)
        var behind: CapturedLog
        var metadata = Logger.Metadata()
        var logLevel = Logger.Level.trace

        func log(event: LogEvent) {
            isOccupied.value = true
            while !isOpen.value { usleep(200) }
            behind.logger.log(level: event.level, event.message, metadata: event.metadata)
        }

        subscript(metadataKey key: String) -> Logger.MetadataValue? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }
    }

    @Test("holds up nobody; what there is no room for is counted and left out")
    func slow() async throws {
        let log = CapturedLog()
        let isOpen = SharedValue(false)
        let gate = Gate(isOpen: isOpen, behind: log)
        let options = AdapterOptions(logger: Logger(label: "slow", factory: { _ in gate }))
        try await withFakeAdapter(options: options) { adapter, device in
            #expect(eventually { gate.isOccupied.value }, "the logger is never called")
            for _ in 0..<1_100 {
                device.inject(EIO, into: .registerRegion)
                #expect(throws: MappingError.self) { _ = try adapter.map() }
            }
            device.inject(EBUSY, into: .deregisterRegion, times: 3)
            await (try adapter.map()).released()
            #expect(adapter.statistics.refusedDeregistrations == 3)
            #expect(log.entries.isEmpty)
            isOpen.value = true
            let lost = try #require(log.entries("log events were lost").first)
            let told = log.entries("build refused").count
            let lostCount = try #require(lost.metadata["lam.count"].flatMap { Int($0) })
            // Two attempts to unpin were to be told, and the end.
            #expect(told + lostCount == 1_100 + 3)
            #expect(told == 1_024)
        }
    }
}
