import LAM
import TestSupport

/// Mappings that cost no registration each: of an arena, and of a cache.
extension AdapterSimulation {
    /// Cuts a mapping, whose bytes nobody may have, and no request name.
    func cut() throws {
        guard mappings.count < 24 else { return }
        do throws(MappingError) {
            let mapping = try arena.buildLam(length: [512, 1024].randomElement(using: &random)!)
            let memory = mapping.memory.range
            if device.memoryInUse.contains(where: memory.overlaps) {
                objections.append("\(mapping.memory) is handed out while a request names it")
            }
            if mappings.contains(where: { $0.isCut && $0.mapping?.memory.range.overlaps(memory) ?? false }) {
                objections.append("\(mapping.memory) is handed out twice")
            }
            mappings.append(SimulatedMapping(mapping, isCut: true))
        } catch {
            try passOver(error)
        }
    }

    func buildCached() throws {
        guard mappings.count < 24, let buffer = cachedBuffers.randomElement(using: &random) else { return }
        do throws(MappingError) {
            let mapping = try cache.buildLam(over: buffer, access: .readWrite)
            if mapping.memory != buffer.descriptor {
                objections.append("\(mapping.memory) is not \(buffer.descriptor)")
            }
            mappings.append(SimulatedMapping(mapping))
        } catch {
            try passOver(error)
        }
    }

    /// No room, or a fault that was injected.
    private func passOver(_ error: MappingError) throws {
        switch error {
        case .arenaFull, .verbFailed: break
        default: throw error
        }
    }

    func forget() {
        guard let buffer = cachedBuffers.randomElement(using: &random) else { return }
        let memory = buffer.descriptor
        guard cache.forget(memory) else { return }
        // What the cache had no room for is the adapter's own, and not the cache's to forget.
        if mappings.contains(where: { !$0.isCut && $0.mapping?.memory == memory }), cache.statistics.bypasses == 0 {
            objections.append("\(memory) may be unmapped while it is mapped")
        }
    }

    func trim() {
        arena.trim()
        cache.trim()
    }
}
