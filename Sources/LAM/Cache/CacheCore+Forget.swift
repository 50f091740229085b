import Synchronization

/// Memory that is to be unmapped.
extension CacheCore {
    /// Gives up what overlaps `memory`; whether none of it is pinned any more.
    func forget(_ memory: MemoryDescriptor) -> Bool {
        giveUp(overlapping: memory.addresses)
        return index.withLock { $0.leaving(overlapping: memory.addresses).isEmpty }
    }

    /// The same, and suspends until none is.
    func forgotten(_ memory: MemoryDescriptor) async {
        giveUp(overlapping: memory.addresses)
        await withCheckedContinuation { continuation in
            let isDone = index.withLock { index in
                let entries = index.leaving(overlapping: memory.addresses)
                let countdown = Countdown(entries.count) { continuation.resume() }
                for entry in entries { entry.onUnpinned.append { countdown.count() } }
                return entries.isEmpty
            }
            if isDone { continuation.resume() }
        }
    }

    /// Calls somebody at the last of several events.
    private final class Countdown: Sendable {
        private let left: Atomic<Int>
        private let onZero: @Sendable () -> Void

        init(_ count: Int, _ onZero: @escaping @Sendable () -> Void) {
            left = Atomic(count)
            self.onZero = onZero
        }

        func count() {
            if left.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == 0 { onZero() }
        }
    }
}

extension MemoryDescriptor {
    /// The addresses from the first byte to the last. A range that overflows ends with the address space.
    fileprivate var addresses: Range<UInt> {
        let end = address.addingReportingOverflow(UInt(max(0, length)))
        return address..<(end.overflow ? .max : end.partialValue)
    }
}
