import LAM
import Synchronization

/// The context that a program gave each queue pair, by the number that completions name it by.
///
/// A load for the number's upper half and one for the lower: numbers have 24 bits, and those of a device lie close
/// together.
// Sendable: parts are published with release and stay; an entry is written before its queue pair is used.
@safe
final class QueuePairContexts: @unchecked Sendable {
    private typealias Part = UnsafeMutablePointer<UnsafeMutableRawPointer?>

    private static let bits: UInt32 = 12
    private static var length: Int { 1 << bits }

    private let parts: UnsafeMutablePointer<Atomic<Part?>>
    private let growing = Monitor(())

    init() {
        unsafe parts = .allocate(capacity: Self.length)
        for index in 0..<Self.length { unsafe (parts + index).initialize(to: Atomic(nil)) }
    }

    deinit {
        for index in 0..<Self.length { unsafe parts[index].load(ordering: .relaxed)?.deallocate() }
        unsafe parts.deinitialize(count: Self.length)
        unsafe parts.deallocate()
    }

    /// The context of a queue pair; nil for a number that none has.
    subscript(number: UInt32) -> ProgramPointer {
        @inline(__always)
        get {
            let part = unsafe parts[Self.upper(number)].load(ordering: .acquiring)
            return unsafe ProgramPointer(part?[Self.lower(number)])
        }
        set { unsafe part(of: number)[Self.lower(number)] = newValue.value }
    }

    private func part(of number: UInt32) -> Part {
        unsafe growing.withLock { _ in
            let slot = unsafe parts + Self.upper(number)
            if let part = unsafe slot.pointee.load(ordering: .relaxed) { return unsafe part }
            let part = Part.allocate(capacity: Self.length)
            unsafe part.initialize(repeating: nil, count: Self.length)
            unsafe slot.pointee.store(part, ordering: .releasing)
            return unsafe part
        }
    }

    @inline(__always)
    private static func upper(_ number: UInt32) -> Int { Int(number >> bits) & (length - 1) }

    @inline(__always)
    private static func lower(_ number: UInt32) -> Int { Int(number) & (length - 1) }
}
