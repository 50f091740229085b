/// The model and the tracking under test disagree.
package struct Violation: Error, CustomStringConvertible {
    /// What was found.
    package let finding: String
    /// The step of the run, the first being 1.
    package var step = 0

    package init(_ finding: String) {
        self.finding = finding
    }

    /// The finding and where it happened.
    package var description: String { "step \(step): \(finding)" }
}

/// Throws unless a claim about the tracking under test holds.
package func require(_ claim: Bool, _ finding: @autoclosure () -> String) throws(Violation) {
    guard claim else { throw Violation(finding()) }
}

extension Result {
    /// Why there is no value.
    var error: Failure? {
        if case .failure(let error) = self { error } else { nil }
    }
}
