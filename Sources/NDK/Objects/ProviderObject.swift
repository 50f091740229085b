import CNDK
import LAM

/// An object of the interface: what a program has as a C structure, and what the library knows of it.
///
/// Closing follows one rule for all kinds (ndkpi.h). An object ends when nobody needs it: its successors, the objects that were made of it or use it, have been closed
/// and their completions have returned, and so have the completions of its own calls. Then it is torn down, away from the program's threads; its close completion, the last
/// of its callbacks, follows; and only when that has returned is it gone for those that it needed itself.
class ProviderObject: @unchecked Sendable {
    let handle: ObjectHandle
    private let antecedents: [ProviderObject]
    private let life = Monitor(Life())

    private struct Life {
        /// Successors that live, and calls whose completions have not returned.
        var holds = 0
        var close: Finish?
        var isEnding = false

        /// Whether the moment has come to tear the object down; true once.
        mutating func beginsToEnd() -> Bool {
            guard close != nil, holds == 0, !isEnding else { return false }
            isEnding = true
            return true
        }
    }

    /// What a close calls when it is over.
    typealias Finish = @Sendable () -> Void

    init(_ handle: ObjectHandle, needs antecedents: [ProviderObject]) {
        self.handle = handle
        self.antecedents = antecedents
        for antecedent in antecedents { antecedent.hold() }
        handle.bind(self)
    }

    /// The adapter that runs the object's errands and callbacks.
    var adapter: AdapterObject { fatalError("ProviderObject: \(type(of: self)) has no adapter") }

    /// Ends what is going on, so that the calls that are pending end. Runs once, during the close call.
    func cancel() {}

    /// Gives up what the object has of the device; may wait for it.
    func tearDown() {}

    // MARK: Lifetime

    /// Has a close of the object wait for a `release`.
    func hold() {
        life.withLock { $0.holds += 1 }
    }

    /// The same for a call of the program, which may come too late.
    func beginCall() throws(StatusError) {
        let isOpen = life.withLock { life in
            guard life.close == nil else { return false }
            life.holds += 1
            return true
        }
        guard isOpen else { throw StatusError(.invalidDeviceState, "the object is being closed") }
    }

    func release() {
        if life.withLock({ life in
            life.holds -= 1
            return life.beginsToEnd()
        }) {
            end()
        }
    }

    /// Closes the object; a second close changes nothing.
    func close(_ finish: @escaping Finish) {
        let isFirst = life.withLock { life in
            guard life.close == nil else { return false }
            life.close = finish
            return true
        }
        guard isFirst else { return }
        cancel()
        if life.withLock({ $0.beginsToEnd() }) { end() }
    }

    private func end() {
        adapter.errands.run { [self] in
            tearDown()
            let finish = life.withLock { $0.close }
            handle.unbind()
            adapter.callbacks.run { [self] in
                finish?()
                for antecedent in antecedents { antecedent.release() }
            }
        }
    }
}
