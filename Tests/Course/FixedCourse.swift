import Glibc
import Turns

/// Sees to it that nothing but the seed decides what happens.
///
/// The order of what is in a set or a dictionary follows from a seed of the process and, for keys that are addresses,
/// from where the system puts memory. Both are fixed at the start of a process, so that it starts once more.
package enum FixedCourse {
    /// Returns in a process whose course is fixed, as far as the system lets it.
    ///
    /// - Parameter program: who says so where it does not.
    package static func require(_ program: String) {
        guard unsafe getenv(variable) == nil else { return }
        let code = turns_fix_addresses()
        if code != 0 {
            // Containers may forbid it.
            warn("\(program): the places of memory cannot be fixed (errno \(code)); a replay may differ")
        }
        unsafe setenv(variable, "1", 1)
        unsafe execv("/proc/self/exe", CommandLine.unsafeArgv)
        fatalError("\(program): it does not start once more: errno \(errno)")
    }

    /// What the runtime library of Swift looks for.
    private static let variable = "SWIFT_DETERMINISTIC_HASHING"
}
