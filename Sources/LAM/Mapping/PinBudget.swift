import Synchronization

/// What an adapter may have pinned at a time, and what it has.
final class PinBudget: Sendable {
    let limit: Int
    private let source: PinBudgetReport.Source
    private let pinned = Atomic<Int>(0)

    /// Takes the user's budget or, where there is none, the limit of the control group: pinned memory cannot be
    /// reclaimed, so that going over that one ends in the killing of a process.
    init(_ options: AdapterOptions, controlGroupLimit: HostLimits.Limit) {
        if let budget = options.pinBudget {
            (limit, source) = (budget, .option)
        } else if case .bytes(let bytes) = controlGroupLimit {
            (limit, source) = (bytes, .controlGroup)
        } else {
            (limit, source) = (.max, .option)
        }
    }

    /// The bytes that are claimed now.
    var pinnedBytes: Int { pinned.load(ordering: .relaxed) }

    /// Claims `bytes` before they are pinned.
    ///
    /// - Returns: false, and nothing is claimed, if that is over the limit.
    func claim(_ bytes: Int) -> Bool {
        var current = pinned.load(ordering: .relaxed)
        while current <= limit - bytes {
            let (exchanged, found) = pinned.weakCompareExchange(
                expected: current, desired: current + bytes, ordering: .relaxed)
            if exchanged { return true }
            current = found
        }
        return false
    }

    /// Gives bytes back that are not pinned any more.
    func giveBack(_ bytes: Int) {
        pinned.subtract(bytes, ordering: .relaxed)
    }

    /// What stands between a build and its memory.
    func report(asked bytes: Int) -> PinBudgetReport {
        PinBudgetReport(askedBytes: bytes, pinnedBytes: pinnedBytes, limit: limit, source: source)
    }
}

/// What stood between a build and the memory it was to pin, as far as the adapter's own budget is concerned.
public struct PinBudgetReport: Hashable, Sendable, CustomStringConvertible {
    /// Where a budget comes from.
    public enum Source: Hashable, Sendable {
        /// From ``AdapterOptions/pinBudget``.
        case option
        /// From the memory limit of the process's control group.
        case controlGroup
    }

    /// What the refused build would have added: the pages it touches, in bytes.
    public let askedBytes: Int
    /// What the adapter's mappings had pinned when it was refused; a page that two of them have counts twice.
    public let pinnedBytes: Int
    /// The budget.
    public let limit: Int
    /// Where the budget comes from.
    public let source: Source

    /// What was asked, what is pinned, the limit, and how to raise it.
    public var description: String {
        let numbers = "\(pinnedBytes) bytes are pinned of \(limit) bytes"
        return switch source {
        case .option:
            """
            pinning \(askedBytes) bytes goes over the adapter's budget: \(numbers); release mappings first, or open the \
            adapter with a larger AdapterOptions.pinBudget
            """
        case .controlGroup:
            """
            pinning \(askedBytes) bytes goes over the memory limit of the control group: \(numbers); raise memory.max \
            (`systemctl set-property UNIT MemoryMax=…`), or release mappings first
            """
        }
    }
}
