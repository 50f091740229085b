import NDKConsumer
import NDKConsumerCxx
import TestSupport

/// What a program does, over a device in memory.
package enum ConsumerTopic: String, CaseIterable, Sendable {
    case opensAdapters, queriesAdapters, closesAdapters
    case buildsMappings, releasesMappings
    case pollsCompletionQueues, isNotified, dispatchesCallbacks
    case postsRequests, postsSharedReceives
    case registersRegions, bindsWindows
    case connects, listens
    case closesObjects, closesBesideCallbacks, makesMistakes

    /// It in each of the languages.
    package var programs: [ConsumerProgram] {
        let (c, cxx) = unsafe functions
        return [unsafe ConsumerProgram(self, "C", c), unsafe ConsumerProgram(self, "C++", cxx)]
    }

    private var functions: (c: ConsumerProgram.Function, cxx: ConsumerProgram.Function) {
        switch self {
        case .opensAdapters: unsafe (c_opens_adapters, cxx_opens_adapters)
        case .queriesAdapters: unsafe (c_queries_adapters, cxx_queries_adapters)
        case .closesAdapters: unsafe (c_closes_adapters, cxx_closes_adapters)
        case .buildsMappings: unsafe (c_builds_mappings, cxx_builds_mappings)
        case .releasesMappings: unsafe (c_releases_mappings, cxx_releases_mappings)
        case .pollsCompletionQueues: unsafe (c_polls_completion_queues, cxx_polls_completion_queues)
        case .isNotified: unsafe (c_is_notified, cxx_is_notified)
        case .dispatchesCallbacks: unsafe (c_dispatches_callbacks, cxx_dispatches_callbacks)
        case .postsRequests: unsafe (c_posts_requests, cxx_posts_requests)
        case .postsSharedReceives: unsafe (c_posts_shared_receives, cxx_posts_shared_receives)
        case .registersRegions: unsafe (c_registers_regions, cxx_registers_regions)
        case .bindsWindows: unsafe (c_binds_windows, cxx_binds_windows)
        case .connects: unsafe (c_connects, cxx_connects)
        case .listens: unsafe (c_listens, cxx_listens)
        case .closesObjects: unsafe (c_closes_objects, cxx_closes_objects)
        case .closesBesideCallbacks: unsafe (c_closes_beside_callbacks, cxx_closes_beside_callbacks)
        case .makesMistakes: unsafe (c_makes_mistakes, cxx_makes_mistakes)
        }
    }
}

/// A program in one of the languages.
package struct ConsumerProgram: Sendable {
    typealias Function = @Sendable () -> UnsafePointer<CChar>?

    package let topic: ConsumerTopic
    package let language: String
    private let finding: @Sendable () -> String?

    init(_ topic: ConsumerTopic, _ language: String, _ function: @escaping Function) {
        (self.topic, self.language) = (topic, language)
        finding = { unsafe function().map { unsafe String(cString: $0) } }
    }

    /// Runs it over a device in memory; afterwards nothing of either may be left.
    ///
    /// - Returns: what was not as it should be.
    package func findings() -> [String] {
        let device = FakeDevice(carriesOutSendsAtOnce: true)
        Stage.set(device)
        var findings = [finding()].compactMap { $0 }
        // The device itself is closed by whichever thread is the last to let go.
        if !eventually({ device.liveObjectCount == 0 }) {
            findings.append("left on the device: \(device.liveObjectCounts.filter { $0.value > 0 })")
        }
        if device.pinnedPageCount > 0 { findings.append("\(device.pinnedPageCount) pages are left pinned") }
        if !device.violations.isEmpty { findings.append("harm was done: \(device.violations)") }
        if !device.abandoned.isEmpty { findings.append("abandoned: \(device.abandoned)") }
        return findings
    }
}
