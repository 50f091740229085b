/// A bug that a run must find.
enum FuzzCanary: String, CaseIterable {
    /// A call returns a status that is not documented for it.
    case answersOddly
    case completesTwice
    case forgetsCompletion
    case losesResult
    case repeatsResult
    /// An object is not closed, though that was asked for.
    case keepsObject
    case crashes
}

extension Program {
    /// Whether a bug shows up this time.
    func has(_ canary: FuzzCanary) -> Bool {
        withLock { state in
            guard state.record.canary == canary else { return false }
            state.record.chances += 1
            return state.record.chances.isMultiple(of: 50)
        }
    }
}
