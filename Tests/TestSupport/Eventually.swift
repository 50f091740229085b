import Glibc

/// Waits until something holds that other threads bring about.
///
/// - Parameters:
///   - limit: for how long at least, on a machine that has better things to do.
///   - condition: what is to hold.
/// - Returns: false after the limit.
package func eventually(within limit: Duration = .seconds(10), _ condition: () -> Bool) -> Bool {
    for _ in 0..<Int(limit / .microseconds(500)) {
        if condition() { return true }
        usleep(500)
    }
    return condition()
}
