import Dispatch

/// A thread of its own for a task that waits in system calls.
///
/// Waiting for completions blocks the thread, and the threads of Swift's own pool, as few as there are processors, must
/// not be blocked. A task that prefers this executor runs all its parts on one thread.
final class SessionThread: TaskExecutor {
    private let queue = DispatchQueue(label: "lam.session")

    /// Runs a part of the task.
    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
