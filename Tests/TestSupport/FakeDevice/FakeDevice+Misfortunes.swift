import CRDMA
package import Verbs

/// What a device can do wrong without an answer that says so.
extension FakeDevice {
    /// How often calls of a verb failed because of `inject`.
    package var injectedFailures: [Verb: Int] { withState { state in state.injectedFailures } }

    /// How often each verb was called.
    package var callCounts: [Verb: Int] { withState { state in state.calls } }

    /// Whether a call to come is to fail.
    package func willFail(_ verb: Verb) -> Bool {
        withState { state in
            let next = (state.calls[verb] ?? 0) + 1
            return state.faults[verb]?.contains { fault in fault.calls.upperBound > next } ?? false
        }
    }

    /// How many completions of each queue pair were lost so far.
    package var lostCompletions: [UInt32: Int] { withState { state in state.lostCompletions } }

    /// Loses the next completion of a queue pair, and says nothing.
    package func loseCompletion(of queuePair: UInt32) {
        withState { state in state.losses[queuePair, default: 0] += 1 }
    }

    /// Completes the oldest send request of a queue pair, and carries it out only later.
    package func completeEarly(_ queuePair: UInt32) {
        withState { state in
            guard let request = state.queuePairs[queuePair]?.sends.first, request.flags.contains(.signaled),
                !state.completedEarly.contains(request.identifier)
            else { return }
            state.complete(request, on: queuePair, .success)
            state.completedEarly.insert(request.identifier)
        }
    }

    /// Has the completions of flushed requests come when the test says so, rather than at once.
    package func flushLate() {
        withState { state in state.flushesLate = true }
    }

    /// Lets some of the late completions come, those first that have been late for longest.
    ///
    /// - Returns: How many came.
    @discardableResult
    package func deliverLate(atMost count: Int) -> Int {
        withState { state in
            let coming = state.late.prefix(count)
            state.late.removeFirst(coming.count)
            for late in coming { state.push(late.completion, to: late.queue, isSolicited: late.isSolicited) }
            return coming.count
        }
    }

    /// Has the oldest receive of a queue pair fail, and the queue pair with it.
    ///
    /// - Returns: Whether there was one.
    @discardableResult
    package func failReceive(_ queuePair: UInt32, status: CompletionStatus, at place: Int = 0) -> Bool {
        withState { state in
            guard let request = state.takeReceive(for: queuePair, at: place) else { return false }
            state.failReceive(request, of: queuePair, status)
            return true
        }
    }

    /// Takes the device out of the machine: every queue pair fails, nothing can be created or changed any more, and
    /// until `finishRemoval` what holds memory cannot be destroyed either.
    package func remove() {
        withState { state in
            state.removal = .inProgress
            for number in state.queuePairs.keys.sorted() { state.enterError(number) }
        }
        reportFailureOfDevice()
    }

    /// The kernel has released everything, and destroying succeeds.
    package func finishRemoval() {
        withState { state in
            if state.removal == .inProgress { state.removal = .done }
        }
    }
}

/// How far a device is that is being taken out.
enum FakeRemoval {
    case none
    case inProgress
    case done
}

/// A completion that is to come later.
struct FakeLateCompletion {
    let completion: ibv_wc
    let queue: UInt32
    let isSolicited: Bool
}

extension FakeDevice.State {
    /// What a verb answers on a device that is not there any more.
    func refusalAfterRemoval(_ verb: Verb) -> CInt? {
        switch verb {
        case .getDeviceEvent, .getCompletionEvent: nil
        // Nobody is left to try these again; libibverbs takes such a failure for a success.
        case .closeDevice, .deallocateDomain, .destroyCompletionChannel, .destroyCompletionQueue: nil
        case .deregisterRegion, .deallocateWindow, .destroySharedQueue, .destroyQueuePair:
            removal == .inProgress ? EIO : nil
        default: removal == .none ? nil : EIO
        }
    }

    /// Whether a completion of a queue pair is lost now.
    mutating func takeLoss(of queuePair: UInt32) -> Bool {
        guard let count = losses[queuePair], count > 0 else { return false }
        losses[queuePair] = count - 1
        return true
    }

    /// Counts what a queue pair that goes takes with it, although somebody waits for it.
    mutating func noteEnd(of queuePair: FakeQueuePair, _ number: UInt32) {
        let lateCount = late.count { late in late.completion.qp_num == number }
        late.removeAll { late in late.completion.qp_num == number }
        // Elsewhere this side has seen to it that nothing is left.
        let heldCount =
            queuePair.isErrorRefused || removal != .none
            ? queuePair.sends.count + queuePair.receives.count : 0
        lostCompletions[number, default: 0] += lateCount + heldCount
    }
}
