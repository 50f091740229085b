import CNDK
import Glibc
import TrackingModel

/// Making and closing objects of all kinds.
extension Caller {
    typealias Creation<Structure> = (
        NDK_FN_CREATE_COMPLETION?, UnsafeMutableRawPointer?, UnsafeMutablePointer<UnsafeMutablePointer<Structure>?>?
    ) -> NTSTATUS

    /// Whether there are as many of a kind as there may be: one goes then.
    func isFull(_ kind: Kind) -> Bool {
        let count = program.withLock { $0.objects[kind]?.count ?? 0 }
        return count >= kind.most
    }

    /// Calls a function that makes an object.
    func create<Structure>(
        _ entry: EntryPoint, _ kind: Kind, of choices: [Choice], token: UInt = 0,
        then: @escaping @Sendable (inout Program.State, Object) -> Void = { _, _ in },
        _ body: Creation<Structure>
    ) {
        let parent = choices[0].object
        let made: @Sendable (inout Program.State, NTSTATUS, UInt) -> Void = { state, status, address in
            guard let parent, status == STATUS_SUCCESS else { return }
            state.require(address != 0, "\(entry.rawValue) made nothing")
            let object = Object(kind, at: address, of: parent, token: token)
            state.add(object)
            then(&state, object)
        }
        let room = unsafe Cell<UnsafeMutablePointer<Structure>?>(nil)
        let (isThere, context) = completion(entry, on: choices[0], then: made)
        let status = call(entry, choices) {
            unsafe body(isThere ? Callbacks.created : nil, opaque(context), rarely() ? nil : room.pointer)
        }
        if isThere { program.returned(context, status) }
        let address = unsafe UInt(bitPattern: room.value)
        program.withLock { made(&$0, status, address) }
    }

    /// Closes some object of a kind.
    func close(_ entry: EntryPoint, _ kind: Kind) {
        // Objects live for a while, and the function is the same for all kinds.
        let isWanted = random.chance(12) || isFull(kind)
        let kinds = Kind.allCases.filter { $0 != .adapter }
        let object = isWanted ? claim(rarely() ? random.pick(kinds)! : kind) : nil
        close(entry, object.map { Choice($0) } ?? (rarely() ? wrongAdapter() : stale()), with: kind)
    }

    /// An adapter has a function of its own.
    private func wrongAdapter() -> Choice {
        claim(.adapter).map { Choice($0, isRight: false) } ?? stale()
    }

    /// Closes everything that belongs to an adapter, in any order, and releases its mappings.
    func closeEverything(of adapter: Object) {
        while let object = claimOne(of: adapter) { close(object) }
        while let mapping = takeOne(of: adapter) {
            ask(.releaseLam, [Choice(adapter)]) {
                unsafe Tables.adapter.NdkReleaseLAM(Choice(adapter).pointer(), mapping.description)
            }
        }
    }

    /// An open object of an adapter, once nobody is in a call on it; nil if there is none.
    private func claimOne(of adapter: Object) -> Object? {
        while true {
            let seed = random.next()
            let (object, isLast): (Object?, Bool) = program.withLock { state in
                var random = RandomSource(seed: seed)
                let objects = state.objects(of: adapter)
                let object = random.pick(objects.filter { !$0.isClaimed })
                object?.isClaimed = true
                return (object, objects.isEmpty)
            }
            if object != nil || isLast || isInside { return object }
            usleep(10)
        }
    }

    private func takeOne(of adapter: Object) -> Mapping? {
        program.withLock { state in
            let mapping = state.mappings.first { $0.isLive && $0.adapter === adapter }
            mapping?.isLive = false
            return mapping
        }
    }

    private func close(_ object: Object) {
        let entry = EntryPoint.allCases.first { $0 == Self.closing[object.kind] }!
        close(entry, Choice(object), with: object.kind)
    }

    private static let closing: [Kind: EntryPoint] = [
        .pd: .closePd, .cq: .closeCq, .srq: .closeSrq, .qp: .closeQp, .mr: .closeMr, .mw: .closeMw,
        .sharedEndpoint: .closeSharedEndpoint, .connector: .closeConnector, .listener: .closeListener,
    ]

    private func close(_ entry: EntryPoint, _ choice: Choice, with kind: Kind) {
        let object = choice.object
        if let object { program.withLock { $0.remove(object) } }
        let gone: @Sendable (inout Program.State, NTSTATUS, UInt) -> Void = { state, _, _ in
            if let object { state.endEvents(of: object) }
        }
        let (isThere, context) = completion(entry, on: choice, then: gone)
        let status = call(entry, [choice]) {
            if object != nil, program.has(.keepsObject) { return STATUS_SUCCESS }
            return unsafe Tables.common(of: kind).close!(
                choice.pointer(), isThere ? Callbacks.closed : nil, opaque(context))
        }
        if isThere { program.returned(context, status) }
        program.withLock { state in
            state.require(object != nil || status == STATUS_SUCCESS, "\(entry.rawValue) of nothing pends")
        }
    }

    func queryExtension(_ entry: EntryPoint, of kind: Kind) {
        let choice = choose(kind)
        let (identifier, interface) = unsafe (Cell(GUID()), Cell(NDK_EXTENSION_INTERFACE()))
        call(entry, [choice]) {
            unsafe Tables.common(of: kind).extend(
                choice.pointer(), identifier.pointer, NDK_VERSION(Major: 1, Minor: 0),
                rarely() ? nil : interface.pointer)
        }
    }
}
