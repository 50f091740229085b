import AdapterModel
import ArgumentParser
import TrackingModel

/// What can be simulated.
enum Level: String, CaseIterable {
    case tracking
    case adapter

    var usualSteps: Int {
        switch self {
        case .tracking: 10_000_000
        case .adapter: 100_000
        }
    }

    /// How many steps of so many are its own where both levels run.
    func share(of steps: Int) -> Int {
        switch self {
        case .tracking: steps
        case .adapter: max(1, steps / 100)
        }
    }

    /// A few seconds' work.
    var stepsBetweenReports: Int {
        switch self {
        case .tracking: 5_000_000
        case .adapter: 50_000
        }
    }

    var canaries: [String] {
        switch self {
        case .tracking: Canary.allCases.map(\.rawValue)
        case .adapter: AdapterCanary.allCases.map(\.rawValue)
        }
    }
}

/// What to simulate.
enum Levels: String, CaseIterable, ExpressibleByArgument {
    case tracking
    case adapter
    case both

    var levels: [Level] {
        switch self {
        case .tracking: [.tracking]
        case .adapter: [.adapter]
        case .both: Level.allCases
        }
    }
}
