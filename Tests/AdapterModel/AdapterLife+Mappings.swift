import LAM
import TestSupport
import TrackingModel

/// Mappings: of memory of their own, cut from an arena, or of cached registrations.
extension AdapterLife {
    func build() {
        guard mappings.count < 24 else { return }
        let access: MemoryAccess = random.chance(80) ? .readWrite : .readOnly
        do throws(MappingError) {
            switch random.below(4) {
            case 0:
                guard let arena else { return }
                cut(try arena.buildLam(length: random.pick([64, 500, 4096, 9000])!))
            case 1:
                guard let cache, let buffer = random.pick(cachedBuffers) else { return }
                let mapping = try cache.buildLam(over: buffer, access: access)
                if mapping.memory != buffer.descriptor {
                    objections.append("the cache mapped \(mapping.memory) for \(buffer.descriptor)")
                }
                mappings.append(SimulatedMapping(mapping, of: cache))
                counts.add(.builtOfCache)
            default:
                let buffer = try PageBuffer(count: (1 + random.below(3)) * fakePageSize)
                mappings.append(SimulatedMapping(try adapter.buildLam(over: buffer, access: access)))
                counts.add(.built)
            }
        } catch {
            counts.add(.buildRefused)
            switch error {
            // A fault that was injected, or the device is full, or gone.
            case .verbFailed, .pinLimit, .overBudget, .arenaFull: break
            default: objections.append("unexpected: \(error)")
            }
        }
    }

    /// Keeps what an arena gave, which nobody may use any more.
    private func cut(_ mapping: consuming LogicalAddressMapping) {
        let memory = mapping.memory
        let bytes = memory.address..<memory.address + UInt(memory.length)
        if let use = device.use(of: bytes) {
            objections.append("the arena gave \(memory) away, which is in use: \(use)")
        }
        let isMapped = mappings.contains { other in
            guard let other = other.mapping?.memory else { return false }
            return bytes.overlaps(other.address..<other.address + UInt(other.length))
        }
        if isMapped { objections.append("the arena gave \(memory) away, which is mapped") }
        mappings.append(SimulatedMapping(mapping))
        counts.add(.builtOfArena)
    }

    /// Releases in one of the forms; the element stays for a while, as a stale one.
    func release() {
        guard !mappings.isEmpty else { return }
        let index = random.below(mappings.count)
        let simulated = mappings[index]
        guard let mapping = simulated.mapping.take() else {
            mappings.remove(at: index)
            return
        }
        if canary == .keepsAddresses, random.chance(10) { return keptMappings.append(SimulatedMapping(mapping)) }
        switch random.below(4) {
        case 0: mapping.release()
        case 1: adapter.releaseLam(mapping)
        case 2: _ = consume mapping
        default: return releaseAtOnce(mapping, of: simulated)
        }
        counts.add(.released)
    }

    private func releaseAtOnce(_ mapping: consuming LogicalAddressMapping, of simulated: SimulatedMapping) {
        switch mapping.tryRelease() {
        case .released:
            counts.add(.releasedAtOnce)
        case .busy(let kept, _):
            simulated.mapping = consume kept
            counts.add(.busyWhenAsked)
        case .refused(let kept, _):
            simulated.mapping = consume kept
            counts.add(.unpinRefused)
        }
    }

    /// What a request may name: mostly a mapping that lives, and sometimes one that is gone; nil if there is none.
    func pickSource() -> SimulatedMapping? {
        let live = mappings.filter(\.isLive)
        return random.pick(random.chance(5) || live.isEmpty ? mappings : live)
    }

    /// A mapping that lives.
    func pickMapping() -> SimulatedMapping? {
        random.pick(mappings.filter(\.isLive))
    }
}
