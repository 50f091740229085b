import Logging
import Synchronization
import Tracking
import Verbs

/// What is counted and told. None of it is on the way of a request that succeeds.
extension AdapterCore {
    // MARK: Mappings

    /// The memory of a mapping is unpinned.
    func noteUnpinned(_ registration: Registration) {
        counters.releases.add(1, ordering: .releasing)
        if registration.refusals > 0 {
            observer?.log(
                .notice, "memory unpinned that the device had refused to unpin",
                registration.metadata.merging(["lam.attempt": "\(registration.refusals + 1)"]) { _, new in new })
        }
        guard let releasedAt = registration.releasedAt else { return }
        counters.pendingReleases.subtract(1, ordering: .relaxed)
        let now = MonotonicTime.now
        let delay = now.duration(since: registration.lastUse ?? releasedAt)
        counters.longestRelease.raise(to: now.duration(since: releasedAt))
        counters.longestUnpinning.raise(to: delay)
        observer?.note(unpinnedAfter: delay)
    }

    /// The device refused to unpin the memory of a mapping that nothing uses.
    func noteRefusal(of registration: Registration, _ error: VerbError) {
        counters.refusedDeregistrations.add(1, ordering: .relaxed)
        registration.refusals += 1
        noteRefusal(error, attempt: registration.refusals, registration.metadata)
    }

    /// The device refused to unpin the page of the privileged token.
    func noteRefusalOfToken(_ error: VerbError, attempt: Int) {
        counters.refusedDeregistrations.add(1, ordering: .relaxed)
        noteRefusal(error, attempt: attempt, ["lam.object": "privileged token"])
    }

    /// A mapping was released that is in use: NDK forbids it, here it is deferred.
    func noteDeferral(of registration: Registration) {
        counters.deferredReleases.add(1, ordering: .relaxed)
        guard let observer, observer.isFirst(.deferredRelease) else { return }
        observer.log(
            .notice, "a mapping in use was released, and is unpinned later; told once",
            registration.metadata.merging(["lam.use": "\(use(of: registration.id))"]) { _, new in new })
    }

    /// A build was refused.
    func noteRefusedBuild(of length: Int, at site: BuildSite, _ error: MappingError) {
        observer?.log(
            .debug, "build refused",
            ["lam.mapping.site": "\(site)", "lam.mapping.bytes": "\(length)", "lam.error": "\(error)"])
    }

    // MARK: Objects

    /// The device refused to destroy something that is to be destroyed again in a moment.
    func noteRefusedDestruction(of object: String, _ error: VerbError, attempt: Int) {
        counters.refusedDestructions.add(1, ordering: .relaxed)
        noteRefusal(error, attempt: attempt, ["lam.object": "\(object)"])
    }

    /// Attempts come often and may go on without end, so that ever fewer of them are told.
    private func noteRefusal(
        _ error: VerbError, attempt: Int, _ metadata: @autoclosure () -> Logger.Metadata
    ) {
        guard attempt & (attempt - 1) == 0 else { return }
        observer?.log(
            .warning, "the device refused, and is asked again",
            metadata().merging(["lam.attempt": "\(attempt)"].merging(error.metadata) { _, new in new }) { _, new in new
            })
    }

    // MARK: Requests and completions

    /// A request was refused.
    @inline(never)
    func noteRefusedRequest(_ error: PostError) {
        guard error.isViolation else { return }
        counters.violations.add(1, ordering: .relaxed)
        guard let observer, observer.isFirst(.violation) else { return }
        observer.log(.warning, "a request named memory that it must not; told once", ["lam.error": "\(error)"])
    }

    /// A completion names no request that is outstanding.
    func noteStrayCompletion() {
        counters.strayCompletions.add(1, ordering: .relaxed)
        guard let observer, observer.isFirst(.strayCompletion) else { return }
        observer.log(.warning, "a completion names no request that is outstanding; told once")
    }

    /// The device answered a poll with a failure.
    func noteFailedPoll() {
        counters.failedPolls.add(1, ordering: .relaxed)
        guard let observer, observer.isFirst(.failedPoll) else { return }
        observer.log(.error, "the device answered a poll with a failure; told once")
    }
}

extension PostError {
    /// Whether the request named memory that it must not.
    fileprivate var isViolation: Bool {
        switch self {
        case .unknownAddress, .beyondMapping, .notWritable, .wrongToken: true
        default: false
        }
    }
}

extension Registration {
    fileprivate var metadata: Logger.Metadata {
        ["lam.mapping.site": "\(site)", "lam.mapping.bytes": "\(memory.length)"]
    }
}

extension VerbError {
    /// The call, and what it answered.
    var metadata: Logger.Metadata { ["lam.verb": "\(verb)", "lam.errno": "\(codeName)"] }
}
