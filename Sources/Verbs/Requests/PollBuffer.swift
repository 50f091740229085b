public import CRDMA

/// Room for completions, where the device writes them and where their user reads them.
///
/// Nothing here allocates, locks or counts references, and nothing is copied: what a completion means to the user takes
/// the place of what it means to the device.
@usableFromInline @safe
package struct PollBuffer: ~Copyable, @unchecked Sendable {
    /// How many completions may be here; room for them is there from the beginning.
    @usableFromInline package private(set) var capacity: Int
    private let room: Int
    /// How many there are.
    @usableFromInline package internal(set) var count = 0

    // The array belongs to this value alone, which makes it `@unchecked Sendable`.
    @usableFromInline let completions: UnsafeMutablePointer<ibv_wc>

    /// Allocates room; no call after this allocates.
    package init(capacity: Int) {
        guard capacity > 0 else { fatalError("PollBuffer: room for \(capacity) completions") }
        self.capacity = capacity
        room = capacity
        unsafe completions = .allocate(capacity: capacity)
        unsafe completions.initialize(repeating: ibv_wc(), count: capacity)
    }

    deinit { unsafe completions.deallocate() }

    /// Takes completions from a queue, oldest first, over those that are there (`ibv_poll_cq`).
    ///
    /// - Returns: How many; less than `capacity` means that the queue is empty now.
    /// - Throws: `EIO` when the device fails; nothing was taken then.
    @discardableResult
    @inlinable @inline(__always)
    package mutating func poll(_ target: PollTarget) throws(VerbError) -> Int {
        count = 0
        return try pollOn(target)
    }

    /// Takes further completions, behind those that are there.
    ///
    /// - Returns: How many; fewer than there is room for means that the queue is empty now.
    /// - Throws: `EIO` when the device fails; nothing was taken then.
    @discardableResult
    @inlinable @inline(__always)
    package mutating func pollOn(_ target: PollTarget) throws(VerbError) -> Int {
        let taken = unsafe crdma_poll_cq(
            target.raw, CInt(truncatingIfNeeded: capacity &- count), completions + count)
        guard taken >= 0 else { throw Self.failure }
        count &+= Int(taken)
        return Int(taken)
    }

    /// The verb says no more than that it failed.
    @usableFromInline static var failure: VerbError { VerbError(.pollCompletionQueue, EIO) }

    /// One of the completions.
    @inlinable
    package subscript(index: Int) -> WorkCompletion {
        get {
            check(index)
            return unsafe WorkCompletion(completions[index])
        }
        set {
            check(index)
            unsafe completions[index] = newValue.raw
        }
    }

    @inlinable
    func check(_ index: Int) {
        guard index >= 0, index < count else { fatalError("PollBuffer: no completion \(index)") }
    }

    /// Has completions bear what `label` finds for them, from the oldest to the first for which it finds nothing.
    ///
    /// - Returns: How many were labeled.
    @inlinable @inline(__always)
    package mutating func relabel(_ label: (WorkCompletion) -> CompletionLabel?) -> Int {
        for index in 0..<count {
            guard let label = label(unsafe WorkCompletion(completions[index])) else { return index }
            unsafe completions[index].wr_id = label.identifier
            unsafe completions[index].opcode = ibv_wc_opcode(label.operation)
        }
        return count
    }

    /// Adds a completion that no device reported.
    package mutating func append(_ completion: WorkCompletion) {
        guard count < capacity else { fatalError("PollBuffer: no room for more than \(capacity) completions") }
        count += 1
        self[count - 1] = completion
    }

    /// Has no more than `limit` completions be here at a time, as far as there is room; the newest ones beyond are
    /// forgotten.
    package mutating func limit(to limit: Int) {
        capacity = max(0, min(limit, room))
        count = min(count, capacity)
    }

    /// Forgets all but the oldest ones.
    package mutating func keep(first kept: Int) {
        guard 0...count ~= kept else { fatalError("PollBuffer: \(kept) of \(count) completions") }
        count = kept
    }
}

/// What a completion bears instead of what the device was told.
@usableFromInline
package struct CompletionLabel {
    @usableFromInline let identifier: UInt64
    @usableFromInline let operation: UInt32

    /// Replaces the fields of these names in a `WorkCompletion`.
    @inlinable @inline(__always)
    package init(identifier: UInt64, operation: UInt32) {
        self.identifier = identifier
        self.operation = operation
    }
}
