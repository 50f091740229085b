import Glibc
import Verbs

/// A small number that no other living thread has: where a thread finds what belongs to it alone.
///
/// A thread gets the lowest free one when it asks first, and the next thread gets it when that one has ended. What
/// was kept under a number is then the next thread's, which sees all that the former one did.
enum ThreadNumber {
    /// Numbers are below this; threads beyond it have none.
    static let limit = 1024

    /// The calling thread's number plus one; zero for a thread that has none, and perhaps never asked.
    ///
    /// - Complexity: a load from the thread's own memory.
    @inline(__always)
    static var word: UInt { ThreadWord.current }

    /// The calling thread's number; nil while more threads than ``limit`` have one.
    static var current: Int? {
        let word = word
        return word != 0 ? Int(bitPattern: word &- 1) : assign()
    }

    @inline(never)
    private static func assign() -> Int? {
        guard let number = numbers.withLock({ $0.take() }) else { return nil }
        // The key is there for its destructor alone.
        guard unsafe pthread_setspecific(key, UnsafeRawPointer(bitPattern: number + 1)) == 0 else {
            numbers.withLock { $0.give(number) }
            return nil
        }
        ThreadWord.current = UInt(number + 1)
        return number
    }

    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        let code = unsafe pthread_key_create(&key) { kept in
            // The thread ends; should it ask once more, it is given a new one.
            ThreadWord.current = 0
            let number = Int(bitPattern: kept) - 1
            numbers.withLock { $0.give(number) }
        }
        guard code == 0 else { fatalError("ThreadNumber: pthread_key_create failed with \(code)") }
        return key
    }()

    private static let numbers = Monitor(Numbers())

    /// Which numbers are taken.
    private struct Numbers {
        private var isTaken = [Bool](repeating: false, count: limit)

        mutating func take() -> Int? {
            guard let number = isTaken.firstIndex(of: false) else { return nil }
            isTaken[number] = true
            return number
        }

        mutating func give(_ number: Int) {
            isTaken[number] = false
        }
    }
}
