import Synchronization
import Verbs

/// One part of something for each thread, made when the thread comes first.
///
/// A part stays where it is until all of them go.
/// - Complexity: finding a part is three loads.
// Sendable: parts are published with release and never withdrawn; what is in one guards itself.
@safe
final class ThreadShards<Shard: ~Copyable>: @unchecked Sendable {
    private let shards: UnsafeMutablePointer<Atomic<UnsafeMutablePointer<Shard>?>>

    init() {
        unsafe shards = .allocate(capacity: ThreadNumber.limit)
        for number in 0..<ThreadNumber.limit { unsafe (shards + number).initialize(to: Atomic(nil)) }
    }

    deinit {
        unsafe forEach { shard in
            unsafe shard.deinitialize(count: 1)
            unsafe UnsafeMutableRawPointer(shard).deallocate()
        }
        unsafe shards.deinitialize(count: ThreadNumber.limit)
        unsafe shards.deallocate()
    }

    /// The calling thread's part; nil where it has none yet, or can have none.
    @inline(__always)
    var current: UnsafeMutablePointer<Shard>? {
        guard let number = ThreadNumber.current else { return nil }
        return unsafe shards[number].load(ordering: .acquiring)
    }

    /// Gives the calling thread a part; nothing for a thread that can have none.
    func add(_ shard: consuming Shard) {
        guard let number = ThreadNumber.current else { return }
        // Parts are written by threads all the time: each begins on a cache line of its own.
        let new = unsafe UnsafeMutableRawPointer.allocate(
            byteCount: (MemoryLayout<Shard>.stride + 127) & ~127, alignment: 128
        ).bindMemory(to: Shard.self, capacity: 1)
        unsafe new.initialize(to: shard)
        unsafe shards[number].store(new, ordering: .releasing)
    }

    /// Shows every part that there is.
    func forEach(_ body: (UnsafeMutablePointer<Shard>) -> Void) {
        for number in 0..<ThreadNumber.limit {
            if let shard = unsafe shards[number].load(ordering: .acquiring) { unsafe body(shard) }
        }
    }
}
