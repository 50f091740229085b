import CNDK
import LAM
import Synchronization

/// `NDK_ADAPTER`: an open adapter, with the threads that serve it.
final class AdapterObject: ProviderObject, @unchecked Sendable {
    let lam: Adapter
    /// Tells adapters apart in the names of their mappings.
    let number = AdapterObject.numbers.wrappingAdd(1, ordering: .relaxed).newValue
    let callbacks: CallbackQueue
    let errands: ErrandThread
    /// What completions name queue pairs by.
    let contexts = QueuePairContexts()
    /// Releases of what is no mapping of the adapter, or was released before.
    let strayReleases = Atomic<UInt64>(0)

    init(_ lam: Adapter, callbacks: CallbackQueue) throws(StatusError) {
        self.lam = lam
        self.callbacks = callbacks
        do { errands = try ErrandThread() } catch {
            callbacks.stop()
            throw StatusError(.insufficientResources, "a thread for the adapter could not be started: \(error)")
        }
        super.init(NdkObjectTypeAdapter, needs: try Antecedents([]))
    }

    private static let numbers = Atomic<UInt32>(0)

    override var adapter: AdapterObject { self }

    override func tearDown() {
        // Waits for mappings that were not released yet. There is no limit of time that could throw.
        try? lam.close()
    }

    /// Closes the adapter and waits until it is gone.
    func closeAndWait() throws(StatusError) {
        guard !callbacks.isInside else {
            throw StatusError(
                .invalidDeviceRequest,
                "an adapter cannot be closed from within a callback, for which the close would wait")
        }
        let isGone = Monitor(false)
        let isFirst = close {
            isGone.withLock { $0 = true }
            isGone.signal()
        }
        guard isFirst else { throw StatusError(.invalidDeviceState, "the adapter is being closed") }
        while isGone.wait(atMost: callbacks.descriptor < 0 ? nil : .milliseconds(1), until: { $0 ? true : nil }) == nil
        {
            _ = callbacks.dispatch()
        }
        errands.stop()
        callbacks.stop()
    }
}
