/// One of the children that a closing adapter waits for and only counts, as long as this is kept.
final class CountedChild: Sendable {
    private let core: AdapterCore
    private let kind: Kind

    /// What it is.
    enum Kind {
        case window
        case region
        case grant
    }

    init(_ kind: Kind, of core: AdapterCore) {
        self.kind = kind
        self.core = core
        core.children.withLock { $0.counts[kind, default: 0] += 1 }
    }

    deinit {
        core.childGone { [kind] in $0.counts[kind, default: 0] -= 1 }
    }
}
