import Glibc
import Synchronization
import Tracking
import Verbs

/// What one thread has to itself, and others see only while they keep the thread out.
struct ThreadShard<Content: ~Copyable>: ~Copyable {
    let turnstile: Turnstile
    // Reached by a pointer of its own: to change a value is to have all of it, and others ask the turnstile meanwhile.
    let content: Content

    /// Passes the turnstile; false if the shard is shut for good.
    @inline(__always)
    func enter() -> Bool {
        while true {
            switch turnstile.enter() {
            case .inside, .insideAfterOthers: return true
            case .held: sched_yield()
            case .barred, .shut: return false
            }
        }
    }

    @inline(__always)
    func leave() { turnstile.leave() }
}

/// One part of something for each thread, made when the thread comes first.
///
/// A part stays where it is until all of them go.
/// - Complexity: finding a part is three loads.
// Sendable: parts are published with release and never withdrawn; what is in one guards itself.
@safe
final class ThreadShards<Content: ~Copyable>: @unchecked Sendable {
    typealias Shard = ThreadShard<Content>

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

    /// Shows all parts while their threads are kept out.
    ///
    /// One caller at a time, who is inside none of them.
    /// - Parameters:
    ///   - isLast: whether the threads are kept out for good.
    ///   - core: the adapter's, whose barrier tells who is inside.
    ///   - body: gets the parts that were not shut.
    func hold(isLast: Bool = false, orderedBy core: AdapterCore, _ body: ([UnsafeMutablePointer<Shard>]) -> Void) {
        var held: [UnsafeMutablePointer<Shard>] = unsafe []
        unsafe forEach { shard in
            if unsafe shard.pointee.turnstile.hold() { unsafe held.append(shard) }
        }
        core.orderPosts()
        unsafe held.forEach { shard in
            while unsafe shard.pointee.turnstile.isOwnerInside { sched_yield() }
        }
        unsafe body(held)
        unsafe held.forEach { unsafe isLast ? $0.pointee.turnstile.shut() : $0.pointee.turnstile.release() }
    }

    /// Shows every part that there is.
    func forEach(_ body: (UnsafeMutablePointer<Shard>) -> Void) {
        for number in 0..<ThreadNumber.limit {
            if let shard = unsafe shards[number].load(ordering: .acquiring) { unsafe body(shard) }
        }
    }
}
