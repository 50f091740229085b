import CNDK
import Tracking
import TrackingModel

/// A program that uses the interface, with all that it has to remember: threads of it call, and are called back.
final class Program: Sendable {
    struct State {
        var objects: [Kind: [Object]] = [:]
        var mappings: [Mapping] = []
        /// Requests that were posted and have no result yet.
        var requests: [UInt: Posted] = [:]
        var calls: [UInt: PendingCall] = [:]
        var events: [UInt: EventSource] = [:]
        /// Adapters that are being closed, which waits for all that was made of them.
        var ending: [Object] = []
        var record: Record
        /// Found in this life.
        var finding: String?
    }

    /// What outlasts a life.
    struct Record {
        var tally = Tally()
        var lastToken: UInt = 0x1000
        /// Addresses of objects that are closed, as far as the library tells them from those that have their memory now.
        var closed: [UInt] = []
        var nextClosed = 0
        let canary: FuzzCanary?
        /// How often the canary could have shown up.
        var chances = 0

        init(_ canary: FuzzCanary?) {
            self.canary = canary
        }

        fileprivate static let closedCount = 512

        mutating func add(closed address: UInt) {
            guard closed.count == Self.closedCount else { return closed.append(address) }
            closed[nextClosed] = address
            nextClosed = (nextClosed + 1) % Self.closedCount
        }
    }

    /// A request on a queue.
    struct Posted {
        /// Or of a shared receive queue.
        let queuePair: Object
        let isSilent: Bool
        let entry: EntryPoint
    }

    let memory: ProgramMemory
    private let state: Locked<State>

    init(_ record: Record) {
        memory = ProgramMemory()
        state = Locked(State(record: record))
    }

    func withLock<Result>(_ body: (inout State) -> Result) -> Result {
        state.withLock { body(&$0) }
    }

    /// Remembers the first thing that is not as it should be.
    func note(_ finding: String) {
        withLock { $0.note(finding) }
    }

    /// What was found.
    var finding: String? { withLock { $0.finding } }

    /// How many calls there were.
    var calls: Int { withLock { $0.record.tally.count } }

    var record: Record { withLock { $0.record } }
}

extension Program.State {
    mutating func note(_ finding: String) {
        if self.finding == nil { self.finding = finding }
    }

    mutating func require(_ claim: Bool, _ finding: @autoclosure () -> String) {
        if !claim { note(finding()) }
    }

    /// A number that nothing had before.
    mutating func nextToken() -> UInt {
        record.lastToken += 16
        return record.lastToken
    }

    mutating func add(_ object: Object) {
        objects[object.kind, default: []].append(object)
    }

    /// From now on the program has no business with it.
    mutating func remove(_ object: Object) {
        objects[object.kind]?.removeAll { $0 === object }
        record.add(closed: object.address)
        // Its results may stay away; those of shared receives come as long as there are queue pairs.
        guard object.kind == .qp else { return }
        for (token, posted) in requests where posted.queuePair === object { requests[token] = nil }
    }

    func isOpen(_ object: Object) -> Bool { objects[object.kind]?.contains { $0 === object } ?? false }

    /// Open objects of an adapter, without itself.
    func objects(of adapter: Object) -> [Object] {
        Kind.allCases.flatMap { objects[$0] ?? [] }.filter { $0 !== adapter && $0.adapter === adapter }
    }
}
