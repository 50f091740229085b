import CNDK
import Synchronization
import Tracking
import TrackingModel

/// A call that may pend.
struct PendingCall {
    let entry: EntryPoint
    let adapter: Object?
    var hasReturned = false
    var hasEnded = false
    /// What the program does with the outcome; the object's address for those that make one.
    let then: @Sendable (inout Program.State, NTSTATUS, UInt) -> Void
}

/// What calls back of itself.
struct EventSource {
    let name: String
    var object: Object?
    /// How often it may still be called with STATUS_SUCCESS; nil for any number.
    var limit: Int?
    var isRunning = false
    /// Never again.
    var isOver = false
}

// MARK: Beginning

extension Program {
    /// Announces a call that may pend.
    ///
    /// - Returns: the context to pass.
    func expect(
        _ entry: EntryPoint, on adapter: Object?,
        then: @escaping @Sendable (inout State, NTSTATUS, UInt) -> Void = { _, _, _ in }
    ) -> UInt {
        withLock { state in
            let token = state.nextToken()
            state.calls[token] = PendingCall(entry: entry, adapter: adapter, then: then)
            return token
        }
    }

    /// The call has returned: from now on its completion is awaited, or must not come.
    func returned(_ token: UInt, _ status: NTSTATUS) {
        withLock { state in
            guard let call = state.calls[token] else { return }
            if status == STATUS_PENDING {
                if call.hasEnded { state.calls[token] = nil } else { state.calls[token]?.hasReturned = true }
            } else {
                state.require(
                    !call.hasEnded, "\(call.entry.rawValue) returned \(name(status)), and its completion came")
                state.calls[token] = nil
            }
        }
    }

    /// Announces that something will call back of itself.
    func expectEvents(_ name: String, limit: Int? = nil) -> UInt {
        withLock { state in
            let token = state.nextToken()
            state.events[token] = EventSource(name: name, limit: limit)
            return token
        }
    }

    /// No event comes any more.
    func endEvents(_ token: UInt) {
        withLock { $0.events[token]?.isOver = true }
    }
}

extension Program.State {
    /// The events of an object have ended with it.
    mutating func endEvents(of object: Object) {
        for (token, source) in events where source.object === object { events[token]?.isOver = true }
    }
}

// MARK: Being called

extension Program {
    /// The completion of a call.
    fileprivate func ended(_ token: UInt, _ status: NTSTATUS, _ object: UInt = 0) {
        withLock { state in
            guard let call = state.calls[token], !call.hasEnded else {
                return state.note("a completion came for call \(token), which is not awaited: \(name(status))")
            }
            state.record.tally.add(status, of: call.entry)
            state.require(
                call.entry.mayReturn(status) && status != STATUS_PENDING,
                "the completion of \(call.entry.rawValue) says \(name(status))")
            if status == STATUS_SUCCESS { state.record.tally.add(success: call.entry) }
            if call.hasReturned { state.calls[token] = nil } else { state.calls[token]?.hasEnded = true }
            call.then(&state, status, object)
        }
        Caller.callFromWithin(self)
    }

    /// Something that comes of itself.
    fileprivate func happened(_ token: UInt, _ status: NTSTATUS) {
        let isExpected = withLock { state in
            guard let source = state.events[token] else {
                state.note("an event came for \(token), which there is not")
                return false
            }
            state.require(!source.isOver, "\(source.name) came after the end")
            state.require(!source.isRunning, "\(source.name) came while it ran")
            if status == STATUS_SUCCESS, let limit = source.limit {
                state.require(limit > 0, "\(source.name) came once too often")
                state.events[token]?.limit = limit - 1
            }
            state.events[token]?.isRunning = true
            return true
        }
        guard isExpected else { return }
        Caller.callFromWithin(self)
        withLock { $0.events[token]?.isRunning = false }
    }

    /// A peer wants a connection.
    fileprivate func wanted(_ token: UInt, _ connector: UInt) {
        let isKnown = withLock { state in
            guard let listener = state.events[token]?.object else { return false }
            let object = Object(.connector, at: connector, of: listener)
            object.phase = .answered
            object.isPassive = true
            state.add(object)
            return true
        }
        guard isKnown else { return note("a connect event came for a listener that is closed") }
        happened(token, STATUS_SUCCESS)
    }
}

/// What the interface calls.
enum Callbacks {
    /// Whose they are.
    static let program = Mutex<Program?>(nil)

    private static func withProgram(_ body: (Program) -> Void) {
        // Not under the lock, because callbacks call.
        if let program = program.withLock({ $0 }) { body(program) }
    }

    private static func token(_ context: UnsafeMutableRawPointer?) -> UInt { UInt(bitPattern: context) }

    static let request: NDK_FN_REQUEST_COMPLETION = { context, status in
        withProgram { program in
            if program.has(.forgetsCompletion) { return }
            unsafe program.ended(token(context), status)
            if program.has(.completesTwice) { unsafe program.ended(token(context), status) }
        }
    }
    static let created: NDK_FN_CREATE_COMPLETION = { context, status, object in
        withProgram { unsafe $0.ended(token(context), status, UInt(bitPattern: object)) }
    }
    static let closed: NDK_FN_CLOSE_COMPLETION = { context in
        withProgram { unsafe $0.ended(token(context), STATUS_SUCCESS) }
    }
    static let notified: NDK_FN_CQ_NOTIFICATION_CALLBACK = { context, status in
        withProgram { unsafe $0.happened(token(context), status) }
    }
    static let disconnected: NDK_FN_DISCONNECT_EVENT_CALLBACK = { context in
        withProgram { unsafe $0.happened(token(context), STATUS_SUCCESS) }
    }
    static let disconnectedEx: NDK_FN_DISCONNECT_EVENT_CALLBACK_EX = { context, _ in
        withProgram { unsafe $0.happened(token(context), STATUS_SUCCESS) }
    }
    static let wanted: NDK_FN_CONNECT_EVENT_CALLBACK = { context, connector in
        withProgram { unsafe $0.wanted(token(context), UInt(bitPattern: connector)) }
    }
}
