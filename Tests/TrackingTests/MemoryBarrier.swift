import Glibc

/// `membarrier(2)`: when it returns, every thread of the process has executed a full memory barrier.
enum MemoryBarrier {
    /// False where the kernel, or a sandbox, has none.
    static let isAvailable = call(registerPrivateExpedited) == 0

    /// Issues the barrier.
    static func issue() {
        guard call(privateExpedited) == 0 else { fatalError("membarrier: errno \(errno)") }
    }

    private static let registerPrivateExpedited = 1 << 4
    private static let privateExpedited = 1 << 3

    #if arch(x86_64)
        private static let number = 324
    #else
        private static let number = 283
    #endif

    /// The C library has no wrapper, and Swift imports no variadic function; `syscall` takes its arguments in
    /// registers like any other function on the Linux ABIs.
    private static func call(_ command: Int) -> Int {
        typealias SystemCall = @convention(c) (Int, Int, Int, Int) -> Int
        guard let symbol = unsafe dlsym(nil, "syscall") else { return -1 }
        return unsafe unsafeBitCast(symbol, to: SystemCall.self)(number, command, 0, 0)
    }
}
