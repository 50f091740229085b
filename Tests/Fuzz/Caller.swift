import CNDK
import CallLog
import TrackingModel
import Turns

/// A thread of the program, or a callback, that calls one function after the other.
final class Caller {
    let program: Program
    var random: RandomSource
    /// Within a callback.
    let isInside: Bool

    init(_ program: Program, seed: UInt64, isInside: Bool = false) {
        self.program = program
        random = RandomSource(seed: seed)
        self.isInside = isInside
    }

    /// Makes a call or two from within a callback, or none, and closes what has come since an adapter is being closed.
    static func callFromWithin(_ program: Program) {
        let seed = UInt64(program.withLock { $0.nextToken() })
        let caller = Caller(program, seed: seed, isInside: true)
        if caller.random.chance(25) {
            for _ in 0...caller.random.below(2) { caller.step() }
        }
        program.withLock { $0.ending }.forEach(caller.closeEverything)
    }

    /// Opens an adapter, and makes what a program begins with, as far as it is not refused.
    func begin() {
        call(.openAdapter)
        let entries: [EntryPoint] = [
            .createPd, .createCq, .createMr, .createMr, .createMw, .createSrq, .createQp, .createQp, .createQpWithSrq,
            .createConnector, .createConnector, .connect, .connect, .createListener, .listen,
        ]
        for entry in entries { for _ in 0...random.below(3) { call(entry) } }
    }

    /// Calls any function.
    func step() { call(EntryPoint.any(&random)) }

    // MARK: Objects

    /// What to pass for an object of a kind: mostly one that is open, and best one that fits.
    ///
    /// The program keeps to the rule that nobody closes an object, or posts to it, during another call on it.
    func choose(_ kind: Kind, where isFitting: (Object) -> Bool = { _ in true }) -> Choice {
        switch random.below(100) {
        case 0..<2: return Choice(address: 0)
        case 2..<5: return stale()
        // What can be told apart by its kind.
        case 5..<8:
            return claim(random.pick(Kind.allCases.filter { $0 != kind })!).map { Choice($0, isRight: false) }
                ?? stale()
        default: return claim(kind, where: isFitting).map { Choice($0) } ?? stale()
        }
    }

    /// An open object that nobody uses, best one that fits.
    func claim(_ kind: Kind, where isFitting: (Object) -> Bool = { _ in true }) -> Object? {
        var random = RandomSource(seed: random.next())
        return program.withLock { state in
            let free = (state.objects[kind] ?? []).filter { !$0.isClaimed && !$0.adapter.isEnding }
            let fitting = free.filter(isFitting)
            let picked = random.pick(fitting.isEmpty || random.chance(10) ? free : fitting)
            if kind != .adapter { picked?.isClaimed = true }
            return picked
        }
    }

    /// One that is closed.
    func stale() -> Choice {
        Choice(address: random.pick(program.withLock { $0.record.closed }) ?? 0)
    }

    /// Others may call functions of these again.
    func letGo(_ choices: [Choice]) {
        program.withLock { _ in for choice in choices { choice.held?.isClaimed = false } }
    }

    // MARK: Calls

    /// Calls a function that returns a status, with objects that were chosen for it.
    ///
    /// - Returns: the status.
    @discardableResult
    func call(_ entry: EntryPoint, _ choices: [Choice] = [], _ body: () -> NTSTATUS) -> NTSTATUS {
        note(entry)
        let status = program.has(.answersOddly) ? NTSTATUS(0x7777_7777) : body()
        letGo(choices)
        let isGood = choices.allSatisfy { $0.object != nil }
        program.withLock { state in
            state.record.tally.add(status, of: entry)
            let statuses = entry.statuses ?? []
            state.require(entry.mayReturn(status), "\(entry.rawValue) returned \(name(status))")
            let isDone = isGood && (status == STATUS_SUCCESS || statuses.count == 1)
            // A pending one succeeds when its completion says so.
            if isDone { state.record.tally.add(success: entry) }
            let isRefused = isGood || statuses.isSubset(of: [.success, .pending]) || status < 0
            state.require(isRefused, "\(entry.rawValue) took an object that is none, and returned \(name(status))")
        }
        return status
    }

    /// Calls a function that returns something else; it is a success if all objects are what they should be.
    @discardableResult
    func ask<Result>(_ entry: EntryPoint, _ choices: [Choice], isGood: Bool = true, _ body: () -> Result) -> Result {
        note(entry)
        let result = body()
        letGo(choices)
        if isGood, choices.allSatisfy({ $0.object != nil }) {
            program.withLock { $0.record.tally.add(success: entry) }
        }
        return result
    }

    private func note(_ entry: EntryPoint) {
        let count = program.withLock { $0.record.tally.add(call: entry) }
        turns_progress()
        unsafe call_log_note(UInt64(count), entry.cName)
        if program.has(.crashes) { unsafe UnsafeMutablePointer<Int>(bitPattern: 8)!.pointee = 1 }
    }

    /// The function and context to pass for the completion of a call; mostly there is one.
    func completion(
        _ entry: EntryPoint, on choice: Choice, isNeeded: Bool = false,
        then: @escaping @Sendable (inout Program.State, NTSTATUS, UInt) -> Void = { _, _, _ in }
    ) -> (isThere: Bool, context: UInt) {
        guard random.chance(isNeeded ? 95 : 70) else { return (false, 0) }
        return (true, program.expect(entry, on: choice.object?.adapter, then: then))
    }

    // MARK: Arguments

    /// In 1 of so many cases.
    func rarely(_ count: Int = 20) -> Bool { random.below(count) == 0 }

    /// A number that makes sense, or seldom one that does not.
    func number(_ range: ClosedRange<Int>) -> ULONG {
        if rarely(40) { return random.pick([0, 1, ULONG.max, ULONG.max / 2, 0x1_0000, 1 << 20])! }
        return ULONG(range.lowerBound + random.below(range.count))
    }

    /// Legal flags, or seldom any.
    func flags(_ legal: CInt) -> ULONG {
        if rarely() { return ULONG(truncatingIfNeeded: random.next()) }
        // Most requests have none.
        if random.chance(40) { return 0 }
        return ULONG(truncatingIfNeeded: random.next()) & ULONG(bitPattern: legal)
    }
}

/// A pointer that the interface passes on and never follows, or an address that it is about.
func opaque(_ value: UInt) -> UnsafeMutableRawPointer? { unsafe UnsafeMutableRawPointer(bitPattern: value) }
