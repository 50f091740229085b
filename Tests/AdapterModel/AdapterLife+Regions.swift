import LAM
import TestSupport
import TrackingModel

/// Memory regions, of either kind.
extension AdapterLife {
    func changeRegions() {
        if regions.count < 8, random.chance(60) {
            if random.chance(70) { createRegion() } else { registerRegion() }
        } else if !regions.isEmpty {
            let index = random.below(regions.count)
            if random.chance(50), regions[index].region.kind == .registered { return deregister(regions[index]) }
            regions.remove(at: index)
            counts.add(.regionDropped)
        }
    }

    private func createRegion() {
        do {
            var region = try adapter.createMemoryRegion(.fastRegistered)
            try region.initializeFastRegister(pageCount: 8, remoteAccess: true)
            regions.append(SimulatedRegion(region))
            counts.add(.regionCreated)
        } catch {
            note("  refused: \(error)")
        }
    }

    /// Registers memory with a new region, or with one that was deregistered.
    private func registerRegion() {
        do {
            let buffer = try PageBuffer(count: (1 + random.below(3)) * fakePageSize)
            let unregistered = regions.first { $0.region.kind == .registered && $0.region.element(0..<64) == nil }
            let region = try unregistered ?? SimulatedRegion(try adapter.createMemoryRegion(.registered))
            try region.region.register(over: buffer, access: random.pick([.remoteRead, .remoteWrite, .localWrite])!)
            if unregistered == nil { regions.append(region) }
            counts.add(.regionRegistered)
        } catch {
            note("  refused: \(error)")
        }
    }

    private func deregister(_ region: SimulatedRegion) {
        do throws(RegionError) {
            try region.region.deregister()
            counts.add(.regionDeregistered)
        } catch {
            switch error {
            case .inUse, .notRegistered, .verbFailed: break
            default: objections.append("unexpected: \(error)")
            }
        }
    }

    /// An element of a region, now and then.
    func pickRegionElement() -> ScatterGatherElement? {
        random.chance(15) ? random.pick(regions)?.region.element(0..<64) : nil
    }

    func fastRegister() {
        guard let queuePair = pickQueuePair(), let region = random.pick(regions), let mapping = pickMapping()
        else { return }
        let flags: RequestFlags = random.chance(50) ? .silentSuccess : []
        let own = mapping.element.address.rawValue
        let offset = own % UInt64(fakePageSize)
        let pages = PageArray(firstByte: mapping.element.address, length: Int(mapping.element.length))
        let base = random.chance(50) ? own : 1 << 40 | offset
        let access: RegionAccess = random.pick([.remoteRead, .remoteWrite, .localWrite])!
        let isPosted = post(on: queuePair.number, isSilent: !flags.isEmpty) { context throws(PostError) in
            _ = try queuePair.queuePair?.fastRegister(
                region.region, pages: pages, firstByteOffset: Int(offset), length: 64, baseAddress: base,
                access: access, context: context, flags: flags)
        }
        if isPosted { counts.add(.registrationPosted) }
    }

    func invalidateRegion() {
        let registered = regions.filter { $0.region.kind == .fastRegistered && $0.region.element(0..<64) != nil }
        guard let queuePair = pickQueuePair(), let region = random.pick(random.chance(10) ? regions : registered)
        else { return }
        let isPosted = post(on: queuePair.number) { context throws(PostError) in
            try queuePair.queuePair?.invalidate(region.region, context: context)
        }
        if isPosted { counts.add(.regionInvalidatePosted) }
    }
}
