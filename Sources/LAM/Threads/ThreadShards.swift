import Glibc
import Synchronization
import Tracking
import Verbs

/// What one thread has to itself, and others see only while they keep the thread out.
struct ThreadShard<Content: ~Copyable>: ~Copyable {
    let turnstile: Turnstile
    /// The ``ThreadNumber/word`` of its thread.
    let owner: UInt
    // Reached by a pointer of its own: to change a value is to have all of it, and others ask the turnstile meanwhile.
    let content: Content

    /// Passes the turnstile if the calling thread is the owner, and nobody else was inside since its last visit.
    ///
    /// - Returns: false if `enter` must be asked; the thread is outside then.
    @inline(__always)
    func enterAtOnce() -> Bool { owner == ThreadNumber.word && turnstile.enterAtOnce() }

    /// Passes the turnstile; false if the shard is shut for good.
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
/// - Complexity: finding a part is two loads.
// Sendable: parts are published with release and never withdrawn; what is in one guards itself.
@safe
final class ThreadShards<Content: ~Copyable>: @unchecked Sendable {
    typealias Shard = ThreadShard<Content>

    /// By the threads' words; there is none for those without a number, whose word is zero.
    private let shards: UnsafeMutablePointer<Atomic<UnsafeMutablePointer<Shard>?>>
    private static var count: Int { 1 + ThreadNumber.limit }

    init() {
        unsafe shards = .allocate(capacity: Self.count)
        for word in 0..<Self.count { unsafe (shards + word).initialize(to: Atomic(nil)) }
    }

    deinit {
        unsafe forEach { shard in
            unsafe shard.deinitialize(count: 1)
            unsafe UnsafeMutableRawPointer(shard).deallocate()
        }
        unsafe shards.deinitialize(count: Self.count)
        unsafe shards.deallocate()
    }

    /// The calling thread's part; nil where it has none yet, or can have none.
    @inline(__always)
    var current: UnsafeMutablePointer<Shard>? {
        unsafe shards[Int(bitPattern: ThreadNumber.word)].load(ordering: .acquiring)
    }

    /// The same, after giving the calling thread a number; one that another thread had comes with a part.
    var inherited: UnsafeMutablePointer<Shard>? {
        _ = ThreadNumber.current
        return unsafe current
    }

    /// Gives the calling thread a part, which has none; nothing for a thread that can have none.
    func add(_ content: consuming Content, ownerFences: Bool) {
        guard let number = ThreadNumber.current else { return }
        let word = number + 1
        // Parts are written by threads all the time: each begins on a cache line of its own.
        let new = unsafe UnsafeMutableRawPointer.allocate(
            byteCount: (MemoryLayout<Shard>.stride + 127) & ~127, alignment: 128
        ).bindMemory(to: Shard.self, capacity: 1)
        unsafe new.initialize(
            to: Shard(turnstile: Turnstile(ownerFences: ownerFences), owner: UInt(word), content: content))
        unsafe shards[word].store(new, ordering: .releasing)
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
        for word in 0..<Self.count {
            if let shard = unsafe shards[word].load(ordering: .acquiring) { unsafe body(shard) }
        }
    }
}
