/// What an adapter has done so far; a snapshot.
public struct AdapterStatistics: Hashable, Sendable {
    /// Mappings built.
    public let builds: Int
    /// Mappings whose memory is unpinned again.
    public let releases: Int
    /// Mappings that were still in use when they were released.
    public let deferredReleases: Int
    /// Mappings that were released and whose memory is still pinned, because something uses it or the reaper is about
    /// to unpin it.
    public let pendingReleases: Int
    /// The longest time from a release to the unpinning of the memory.
    public let longestRelease: Duration
    /// The longest time for which the memory of a released mapping stayed pinned after its last use: what
    /// ``AdapterOptions/unpinDeadline`` is about.
    ///
    /// Counted from the last moment at which the mapping was seen in use, or from its release, so it is never less than
    /// the truth.
    public let longestUnpinning: Duration
    /// Bytes that are mapped now, in whole pages.
    public let pinnedBytes: Int
    /// Deregistrations that the device refused.
    public let refusedDeregistrations: Int
    /// Windows, queue pairs and shared receive queues that the device refused to destroy.
    public let refusedDestructions: Int
    /// Requests that were refused because an element named no live mapping of the adapter, reached beyond its mapping,
    /// was to be written in a read-only one, or carried another token.
    public let violations: Int
    /// Polls that the device answered with a failure.
    public let failedPolls: Int
    /// Completions of queue pairs that no longer exist.
    public let strayCompletions: Int
    /// Objects that the device refused to destroy and that nobody is left to try again; the kernel keeps each until the
    /// process ends.
    public let abandonedObjects: Int

    /// Mappings whose memory is pinned now.
    public var liveMappings: Int { builds - releases }
    /// How often something was, or is about to be, tried again because the device had refused it.
    ///
    /// The library does so by itself, except after ``LogicalAddressMapping/tryRelease()``.
    public var retries: Int { refusedDeregistrations + refusedDestructions }
}
