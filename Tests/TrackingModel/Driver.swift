import Synchronization
import Tracking

/// The seam between the model and the tracking under test: every call passes here, and a canary breaks it here.
final class Driver {
    let queues = QueueTable(ownerFences: false)
    let mappings: MappingTable
    private let retirer: RequestRetirer
    let canary: Canary?

    /// For the canaries: the mapping that has a slot now, and the address it really has.
    private var occupants: [UInt32: (id: MappingID, base: UInt64)] = [:]

    init(canary: Canary?) {
        mappings = MappingTable(queues: queues)
        retirer = RequestRetirer(mappings: mappings)
        self.canary = canary
    }

    // MARK: Mappings

    func map(memory: UInt64, length: UInt64, key: UInt32) -> ModelMapping? {
        guard let (id, base) = mappings.reserve(memory: memory, length: length) else { return nil }
        let place = mappings.publish(id, length: length, key: key)
        if canary == .addressReusedAtOnce || canary == .staleCloseAccepted { occupants[id.slot] = (id, base) }
        let shown = canary == .addressReusedAtOnce ? withoutGeneration(base) : base
        return ModelMapping(id: id, base: shown, length: length, key: key, place: place)
    }

    func close(_ mapping: ModelMapping) -> Bool {
        guard let cut = mapping.cut?.cut else { return close(mapping.id) }
        cut.close()
        return true
    }

    func close(_ id: MappingID) -> Bool {
        if mappings.close(id) { return true }
        guard canary == .staleCloseAccepted, let occupant = occupants[id.slot] else { return false }
        return mappings.close(occupant.id)
    }

    func reopen(_ mapping: ModelMapping) {
        if let cut = mapping.cut?.cut {
            cut.reopen(length: mapping.length)
        } else {
            mappings.reopen(mapping.id, length: mapping.length)
        }
    }

    func retire(_ id: MappingID) {
        mappings.retire(id)
        guard canary == .latePosterLosesFence, let slot = unsafe mappings.slots.element(at: id.slot) else { return }
        for index in 0..<4 { unsafe slot.pointee.fences[index].queue.store(0, ordering: .relaxed) }
    }

    /// Whether posters that came late to a former mapping left fences in its slot.
    func hasFences(in slot: UInt32) -> Bool {
        guard let slot = unsafe mappings.slots.element(at: slot) else { return false }
        return (0..<4).contains { unsafe slot.pointee.fences[$0].queue.load(ordering: .relaxed) != 0 }
    }

    func isIdle(_ mapping: ModelMapping) -> Bool {
        guard let cut = mapping.cut?.cut else { return isIdle(mapping.id) }
        return mappings.settle(cut) || canary == .cutNotAsked
    }

    private func isIdle(_ id: MappingID) -> Bool {
        guard canary == .countedUsesIgnored else { return mappings.isIdle(id) }
        let holders = mappings.holders(of: id)
        return mappings.isIdle(id) || holders.queues.isEmpty && holders.windows == 0
    }

    // MARK: Cuts

    func reserveCut(memory: UInt64, device: UInt64, key: UInt32) -> ModelCut? {
        let device = KeyedAddress(address: device, key: key)
        guard let cut = mappings.reserveCut(memory: memory, room: ModelCut.length, device: device) else { return nil }
        occupants[cut.id.slot] = nil
        return ModelCut(cut, key: key, device: device.address, hasLooseFences: hasFences(in: cut.id.slot))
    }

    func map(_ cut: ModelCut, length: UInt64) -> ModelMapping {
        if canary == .cutAddressRepeats, cut.cut.id.generation > 1 {
            cut.cut.reopen(length: length)
        } else {
            cut.cut.open(length: length)
        }
        let place = cut.cut.place
        return ModelMapping(
            id: cut.cut.id, base: place.address, length: length, key: cut.key, place: place, cut: cut)
    }

    func retire(_ cut: ModelCut) {
        mappings.retire(cut.cut)
    }

    private func withoutGeneration(_ base: UInt64) -> UInt64 {
        base & 1 << 62 == 0 ? base & 0x000F_FFFF_FFFF_FFFF : base & 0x47FF_FFFF_FFFF_FFFF
    }

    func realAddress(_ address: UInt64) -> UInt64 {
        guard canary == .addressReusedAtOnce, let occupant = occupants[AddressLayout.slot(of: address)] else {
            return address
        }
        return occupant.base &+ (address &- withoutGeneration(occupant.base))
    }

    // MARK: Requests

    func use(
        _ address: UInt64, length: UInt32, element: Int, of expected: ModelMapping?, by queue: ModelQueue
    ) -> Result<KeyedAddress, UseError> {
        if canary == .firstElementOnly, element > 0, let expected, expected.contains(address + UInt64(length) - 1) {
            return .success(expected.target(of: address))
        }
        do throws(UseError) {
            return .success(try queue.poster.use(address: realAddress(address), length: length))
        } catch {
            return .failure(error)
        }
    }

    /// Why the element of a request would be refused.
    func check(_ address: UInt64, length: UInt32, by queue: ModelQueue) -> UseError? {
        do throws(UseError) {
            try queue.poster.check(address: realAddress(address), length: length)
            return nil
        } catch {
            return error
        }
    }

    func disown(_ mapping: ModelMapping, by queue: ModelQueue) {
        queue.poster.disown(address: realAddress(mapping.base))
    }

    func abandon(_ queue: ModelQueue) {
        if canary == .abandonForgotten {
            _ = queue.poster.commit(context: 0, tag: 0)
        } else {
            queue.poster.abandon()
        }
    }

    /// Takes back the last `count` requests; returns their contexts.
    func withdraw(_ requests: ArraySlice<ModelRequest>, of queue: ModelQueue) -> [UInt64] {
        var contexts: [UInt64] = []
        leakingCounts(of: requests.flatMap(\.uses), if: .withdrawnCountsLeak) {
            queue.poster.withdraw(UInt64(requests.count)) { contexts.append($0.context) }
        }
        return contexts
    }

    /// Whether a post that failed without saying where is to be taken back.
    var takesBackUndetermined: Bool { canary == .undeterminedTakenBack }

    /// Retires what a completion names; `isInShort` as a poller does that looks for the ordinary case first.
    func complete(
        _ completion: Completion, of request: ModelRequest, on queue: ModelQueue, isInShort: Bool
    ) -> (context: UInt64, tag: UInt32)? {
        let retired = isInShort ? completeInShort(request.wire) : mappings.complete(request.wire)?.request
        if canary == .retiresOneTooMany { _ = mappings.complete(WireID(raw: request.wire.raw + 1)) }
        if canary == .flushRetiresReceives, completion.isFailure, let last = queue.receives?.timeline.last {
            _ = mappings.complete(last.wire)
        }
        return retired.map { ($0.context, $0.tag) }
    }

    private func completeInShort(_ wire: WireID) -> Request? {
        guard let ordinary = retirer.ordinaryRequest(wire) else { return retirer.retire(wire)?.request }
        ordinary.retire()
        return ordinary.request
    }

    // MARK: Queues

    /// Keeps a queue's poster out; the caller lets it in again.
    func holdAlone(_ queue: ModelQueue, evenIfBarred: Bool = false) -> Bool {
        guard queues.hold(queue.id, evenIfBarred: evenIfBarred) else { return false }
        if canary == .holderIgnoresPoster || !queues.isPosting(queue.id) { return true }
        queues.release(queue.id)
        return false
    }

    /// Whoever holds the queue learns what its poster posted.
    func catchUp(_ queue: ModelQueue) {
        if canary != .holderIsBehind { queue.markers.catchUp() }
    }

    /// The device begins to destroy a queue that is shut.
    func destroying(_ queue: ModelQueue) {
        if canary == .closedBeforeDestroyed { mappings.closeQueue(queue.id) }
    }

    func closeQueue(_ queue: ModelQueue, beside sharedQueues: [ModelSharedQueue]) {
        if canary == .sharedReceivesEndWithQueuePair {
            for request in sharedQueues.flatMap(\.outstanding) { _ = mappings.complete(request.wire) }
        }
        leakingCounts(of: queue.timeline.all.flatMap(\.uses), if: .closeForgetsCounts) {
            mappings.closeQueue(queue.id)
        }
    }

    // MARK: Windows

    func holdWindow(over mapping: ModelMapping) -> Result<MappingID, UseError> {
        do throws(UseError) {
            let id = try mappings.holdWindow(address: realAddress(mapping.base), length: mapping.length).id
            if canary == .windowNotCounted { mappings.dropWindow(id) }
            return .success(id)
        } catch {
            return .failure(error)
        }
    }

    /// The invalidation of a window is posted.
    func invalidating(_ window: ModelWindow) {
        guard canary == .windowDroppedEarly, !window.isDropped else { return }
        mappings.dropWindow(window.id)
        window.isDropped = true
    }

    /// The window is certainly dead.
    func dropWindow(_ window: ModelWindow) {
        let isSpared =
            switch canary {
            case .windowNotCounted: true
            case .windowDroppedEarly: window.isDropped
            case .failedBindForgotten: window.stage == .binding
            default: false
            }
        if !isSpared { mappings.dropWindow(window.id) }
    }

    // MARK: Leaks

    /// Runs `body`, and counts again what it dropped, if the canary is the one.
    func leakingCounts(of uses: [ModelMapping], if leak: Canary, _ body: () -> Void) {
        guard canary == leak else { return body() }
        let mappings = uses.filter { $0.stage == .live }
        let before = mappings.map { self.mappings.holders(of: $0.id).countedUses }
        body()
        for (mapping, count) in zip(mappings, before)
        where self.mappings.holders(of: mapping.id).countedUses < count {
            _ = try? self.mappings.holdRequest(address: mapping.base, length: 1)
        }
    }
}
