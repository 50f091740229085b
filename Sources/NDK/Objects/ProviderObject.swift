import CNDK
import LAM

/// An object of the interface: what a program has as a C structure, and what the library knows of it.
///
/// Closing follows one rule for all kinds (ndkpi.h). An object ends when nobody needs it: its successors, the objects
/// that were made of it or use it, have been closed and their completions have returned, and so have the completions of
/// its own calls, and the callback that runs just then. Then it is torn down, away from the program's threads; its close
/// completion, the last of its callbacks, follows; and only when that has returned is it gone for those that it needed
/// itself.
// Sendable: `handle` does not change, the rest is in a monitor.
class ProviderObject: @unchecked Sendable {
    let handle: ObjectHandle
    private let life: Monitor<Life>

    private struct Life: ~Copyable {
        /// What the object needs.
        var antecedents: Antecedents
        /// Successors that live, and calls whose completions have not returned.
        var holds = 0
        var close: Finish?
        var isEnding = false

        init(_ antecedents: consuming Antecedents) {
            self.antecedents = antecedents
        }

        /// Whether the moment has come to tear the object down; true once.
        mutating func beginsToEnd() -> Bool {
            guard close != nil, holds == 0, !isEnding else { return false }
            isEnding = true
            return true
        }
    }

    /// What a close calls when it is over.
    typealias Finish = @Sendable () -> Void

    /// Makes the structure for an object of a kind, which `antecedents` wait for from now on.
    init(_ kind: NDK_OBJECT_TYPE, needs antecedents: consuming sending Antecedents) {
        handle = ObjectHandle(kind)
        life = Monitor(Life(antecedents))
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

    /// The same for whoever may come too late.
    ///
    /// - Throws: ``StatusError`` with `invalidDeviceState` once the object is being closed.
    func holdOpen() throws(StatusError) {
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

    /// Needs another object as well, until its own end.
    func require(_ other: ProviderObject) throws(StatusError) {
        try life.withLock { (life) throws(StatusError) in try life.antecedents.add(other) }
    }

    /// Closes the object.
    ///
    /// - Returns: false if it is being closed already, which changes nothing.
    func close(_ finish: @escaping Finish) -> Bool {
        let isFirst = life.withLock { life in
            guard life.close == nil else { return false }
            life.close = finish
            // For what follows.
            life.holds += 1
            return true
        }
        guard isFirst else { return false }
        cancel()
        release()
        return true
    }

    private func end() {
        // A callback that runs already may be using the object.
        adapter.callbacks.afterCurrent { [self] in
            adapter.errands.run { [self] in
                tearDown()
                handle.unbind()
                adapter.callbacks.run { [self] in
                    life.withLock { $0.close }?()
                    life.withLock { $0.antecedents.takeAll() }.forEach { $0.release() }
                }
            }
        }
    }
}

/// The objects that one object needs, and whose close it therefore holds up.
struct Antecedents: ~Copyable, Sendable {
    private var objects: [ProviderObject] = []

    /// - Throws: ``StatusError`` where one of them is being closed; the others are as they were.
    init(_ objects: [ProviderObject]) throws(StatusError) {
        for object in objects { try add(object) }
    }

    deinit { objects.forEach { $0.release() } }

    mutating func add(_ object: ProviderObject) throws(StatusError) {
        if objects.contains(where: { $0 === object }) { return }
        try object.holdOpen()
        objects.append(object)
    }

    /// The caller releases them.
    mutating func takeAll() -> [ProviderObject] {
        defer { objects = [] }
        return objects
    }
}
