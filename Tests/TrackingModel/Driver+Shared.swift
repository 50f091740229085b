import Tracking

/// Shared receive queues.
extension Driver {
    func use(_ address: UInt64, length: UInt32, by queue: ModelSharedQueue) -> Result<KeyedAddress, UseError> {
        do throws(UseError) {
            return .success(try queue.poster.use(address: realAddress(address), length: length))
        } catch {
            return .failure(error)
        }
    }

    /// Why the element of a request would be refused.
    func check(_ address: UInt64, length: UInt32, by queue: ModelSharedQueue) -> UseError? {
        do throws(UseError) {
            try queue.poster.check(address: realAddress(address), length: length)
            return nil
        } catch {
            return error
        }
    }

    func complete(_ request: SharedRequest) -> RetiredRequest? {
        let outstanding = request.queue.outstanding
        switch canary {
        case .sharedReceivesMixedUp:
            return outstanding.first.flatMap { mappings.complete($0.wire) }
        case .sharedReceivesInOrder:
            for earlier in outstanding.prefix(while: { $0 !== request }) { _ = mappings.complete(earlier.wire) }
        case .sharedReceiveRetiredTwice:
            return mappings.complete(request.wire) ?? mappings.complete(request.queue.nextTurn(of: request.wire))
        default: break
        }
        return mappings.complete(request.wire)
    }

    /// The device begins to destroy a shared receive queue.
    func destroying(_ queue: ModelSharedQueue) {
        if canary == .sharedQueueClosedTooEarly { mappings.close(queue.requests) }
    }

    func closeShared(_ queue: ModelSharedQueue) {
        if canary == .sharedQueueClosedTooEarly, queue.stage == .destroying { return }
        leakingCounts(of: queue.outstanding.flatMap(\.uses), if: .sharedQueueForgotten) {
            mappings.close(queue.requests)
        }
    }
}

extension ModelSharedQueue {
    /// What the request carries that has the place of a retired one now.
    fileprivate func nextTurn(of wire: WireID) -> WireID {
        outstanding.first { $0.wire.raw & 0xF_FFFF == wire.raw & 0xF_FFFF }?.wire ?? wire
    }
}
