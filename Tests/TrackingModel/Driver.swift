import Synchronization
import Tracking

/// The seam between the model and the tracking under test: every call passes here, and a canary breaks it here.
final class Driver {
    let queues = QueueTable(ownerFences: false)
    let mappings: MappingTable
    private let canary: Canary?

    /// For the canaries: the mapping that has a slot now, and the address it really has.
    private var occupants: [UInt32: (id: MappingID, base: UInt64)] = [:]
    /// For the canaries: shared receives in the order of their posts.
    private var sharedReceives: [SharedRequest] = []

    init(canary: Canary?) {
        mappings = MappingTable(queues: queues)
        self.canary = canary
    }

    // MARK: Mappings

    func map(memory: UInt64, length: UInt64, key: UInt32) -> (id: MappingID, base: UInt64)? {
        guard let mapping = mappings.reserve(memory: memory, length: length) else { return nil }
        mappings.publish(mapping.id, length: length, key: key)
        guard canary == .addressReusedAtOnce || canary == .staleCloseAccepted else { return mapping }
        occupants[mapping.id.slot] = mapping
        return (mapping.id, canary == .addressReusedAtOnce ? withoutGeneration(mapping.base) : mapping.base)
    }

    func close(_ id: MappingID) -> Bool {
        if mappings.close(id) { return true }
        guard canary == .staleCloseAccepted, let occupant = occupants[id.slot] else { return false }
        return mappings.close(occupant.id)
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

    func isIdle(_ id: MappingID) -> Bool {
        guard canary == .countedUsesIgnored else { return mappings.isIdle(id) }
        let holders = mappings.holders(of: id)
        return mappings.isIdle(id) || holders.queues.isEmpty && holders.windows == 0
    }

    private func withoutGeneration(_ base: UInt64) -> UInt64 {
        base & 1 << 62 == 0 ? base & 0x000F_FFFF_FFFF_FFFF : base & 0x47FF_FFFF_FFFF_FFFF
    }

    private func realAddress(_ address: UInt64) -> UInt64 {
        guard canary == .addressReusedAtOnce, let occupant = occupants[AddressLayout.slot(of: address)] else {
            return address
        }
        return occupant.base &+ (address &- withoutGeneration(occupant.base))
    }

    // MARK: Requests

    func use(
        _ address: UInt64, length: UInt32, element: Int, of expected: ModelMapping?, by queue: ModelQueue
    ) -> Result<UInt32, UseError> {
        if canary == .firstElementOnly, element > 0, let expected, expected.contains(address + UInt64(length) - 1) {
            return .success(expected.key)
        }
        do throws(UseError) {
            return .success(try queue.poster.use(address: realAddress(address), length: length))
        } catch {
            return .failure(error)
        }
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
        leakingCounts(of: requests, if: .withdrawnCountsLeak) {
            queue.poster.withdraw(UInt64(requests.count)) { contexts.append($0.context) }
        }
        return contexts
    }

    /// Whether a post that failed without saying where is to be taken back.
    var takesBackUndetermined: Bool { canary == .undeterminedTakenBack }

    func complete(_ completion: Completion, of request: ModelRequest, on queue: ModelQueue) -> RetiredRequest? {
        let retired = mappings.complete(request.wire)
        if canary == .retiresOneTooMany { _ = mappings.complete(WireID(raw: request.wire.raw + 1)) }
        if canary == .flushRetiresReceives, completion.isFailure, let last = queue.receives?.timeline.last {
            _ = mappings.complete(last.wire)
        }
        return retired
    }

    // MARK: Queues

    func openQueue(depth: Int, from position: UInt64) -> RequestPoster? {
        guard let queue = queues.open(depth: depth, elements: 4, from: position) else { return nil }
        return RequestPoster(queue: queue, depth: depth, mappings: mappings)
    }

    /// Keeps a queue's poster out; the caller lets it in again.
    func holdAlone(_ queue: ModelQueue) -> Bool {
        guard queues.hold(queue.id) else { return false }
        if canary == .holderIgnoresPoster || !queues.isPosting(queue.id) { return true }
        queues.release(queue.id)
        return false
    }

    /// The device begins to destroy a queue that is shut.
    func destroying(_ queue: ModelQueue) {
        if canary == .closedBeforeDestroyed { mappings.closeQueue(queue.id) }
    }

    func closeQueue(_ queue: ModelQueue) {
        leakingCounts(of: queue.timeline.all, if: .closeForgetsCounts) {
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

    // MARK: Shared receive queue

    func holdShared(_ mapping: ModelMapping) -> Result<MappingID, UseError> {
        do throws(UseError) {
            return .success(try mappings.holdRequest(address: realAddress(mapping.base), length: 1).id)
        } catch {
            return .failure(error)
        }
    }

    func postedShared(_ request: SharedRequest) {
        if canary == .sharedReceivesInOrder { sharedReceives.append(request) }
    }

    func completeShared(_ request: SharedRequest) {
        guard canary == .sharedReceivesInOrder else { return drop(request) }
        guard let index = sharedReceives.firstIndex(where: { $0 === request }) else { return }
        for earlier in sharedReceives[...index] { drop(earlier) }
        sharedReceives.removeFirst(index + 1)
    }

    private func drop(_ request: SharedRequest) {
        for use in request.uses { mappings.dropRequest(use.id) }
    }

    // MARK: Leaks

    /// Runs `body`, and counts again what it dropped, if the canary is the one.
    private func leakingCounts(of requests: ArraySlice<ModelRequest>, if leak: Canary, _ body: () -> Void) {
        guard canary == leak else { return body() }
        let mappings = requests.flatMap(\.uses).filter { $0.stage == .live }
        let before = mappings.map { self.mappings.holders(of: $0.id).countedUses }
        body()
        for (mapping, count) in zip(mappings, before)
        where self.mappings.holders(of: mapping.id).countedUses < count {
            _ = try? self.mappings.holdRequest(address: mapping.base, length: 1)
        }
    }
}
