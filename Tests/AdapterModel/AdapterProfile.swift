import TrackingModel

/// What a step of an adapter's life can be about.
enum AdapterSubject: Int, CaseIterable {
    case build, release, send, receive, sharedReceive, bind, invalidate, register, invalidateRegion, invalidateByPeer
    case carryOut, arrive, poll, wait, arm, rest, flush, moderate
    case queuePairs, completionQueues, sharedQueues, windows, regions, stores
    case failure, misfortune, fault
}

/// The proportions of one life.
struct AdapterProfile {
    private let weights: [Int]
    private let totalWeight: Int

    init(_ random: inout RandomSource) {
        let usual = [50, 40, 60, 30, 30, 16, 16, 16, 16, 6, 80, 30, 40, 4, 4, 3, 1, 2, 30, 12, 8, 8, 8, 4, 5, 2, 6]
        let weights = usual.map { [$0, $0, 3 * $0, ($0 + 3) / 4][random.below(4)] }
        self.weights = weights
        totalWeight = weights.reduce(0, +)
    }

    func pick(_ random: inout RandomSource) -> AdapterSubject {
        var rest = random.below(totalWeight)
        for subject in AdapterSubject.allCases {
            rest -= weights[subject.rawValue]
            if rest < 0 { return subject }
        }
        return .rest
    }
}
