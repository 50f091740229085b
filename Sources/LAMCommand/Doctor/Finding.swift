/// One thing that `lam doctor` looked at.
package struct Finding: Hashable, Sendable {
    /// How serious it is.
    package enum Verdict: String, Hashable, Sendable {
        /// As it should be.
        case ok
        /// It works, and something may go wrong or be slower than it could.
        case warning
        /// Something cannot work.
        case problem
    }

    /// What was looked at, in a word or two.
    package let check: String
    /// The result.
    package let verdict: Verdict
    /// What was found and what it means.
    package let meaning: String
    /// The command that mends it.
    package let remedy: String?

    /// Finds that all is well.
    static func ok(_ check: String, _ meaning: String) -> Finding {
        Finding(check: check, verdict: .ok, meaning: meaning, remedy: nil)
    }

    /// Finds something that may go wrong.
    static func warning(_ check: String, _ meaning: String, mend remedy: String) -> Finding {
        Finding(check: check, verdict: .warning, meaning: meaning, remedy: remedy)
    }

    /// Finds something that cannot work.
    static func problem(_ check: String, _ meaning: String, mend remedy: String) -> Finding {
        Finding(check: check, verdict: .problem, meaning: meaning, remedy: remedy)
    }
}
