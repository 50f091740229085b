import LAM
import TestSupport
import TrackingModel

/// Mappings, windows and regions.
extension AdapterLife {
    // MARK: Mappings

    func build() {
        guard mappings.count < 24 else { return }
        do throws(MappingError) {
            let buffer = try PageBuffer(count: (1 + random.below(3)) * fakePageSize)
            mappings.append(SimulatedMapping(try adapter.buildLam(over: buffer)))
            counts.add(.built)
        } catch {
            counts.add(.buildRefused)
            switch error {
            // A fault that was injected, or the device is full, or gone.
            case .verbFailed, .pinLimit: break
            default: objections.append("unexpected: \(error)")
            }
        }
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

    /// An element of a mapping that lives, and sometimes of one that is gone; nil if there is none.
    func pickElement() -> ScatterGatherElement? {
        let live = mappings.filter { $0.mapping != nil }
        return random.pick(random.chance(5) || live.isEmpty ? mappings : live)?.element
    }

    /// A mapping that lives.
    func pickMapping() -> SimulatedMapping? {
        random.pick(mappings.filter { $0.mapping != nil })
    }

    // MARK: Windows

    func changeWindows() {
        if windows.count < 6, random.chance(60) {
            do throws(AdapterError) {
                windows.append(SimulatedWindow(try adapter.createMemoryWindow()))
                counts.add(.windowCreated)
            } catch {
                note("  refused: \(error)")
            }
        } else if !windows.isEmpty {
            windows.remove(at: random.below(windows.count))
            counts.add(.windowDropped)
        }
    }

    func bind() {
        guard let queuePair = pickQueuePair(), let window = random.pick(windows), let mapping = pickMapping()
        else { return }
        let flags: RequestFlags = random.chance(50) ? .silentSuccess : []
        let isPosted = post(on: queuePair.number, isSilent: !flags.isEmpty) { context throws(PostError) in
            _ = try queuePair.queuePair?.bind(
                window.window, over: mapping.mapping!, 0..<64, access: [.read, .write], context: context, flags: flags)
        }
        if isPosted { counts.add(.bindPosted) }
    }

    func invalidate() {
        guard let queuePair = pickQueuePair(), let window = random.pick(windows) else { return }
        let isPosted = post(on: queuePair.number) { context throws(PostError) in
            try queuePair.queuePair?.invalidate(window.window, context: context)
        }
        if isPosted { counts.add(.invalidatePosted) }
    }

    /// The peer invalidates a window that is bound, and this side hears of it before it does anything else: what comes
    /// between, no library can prevent (T1).
    func invalidateByPeer() {
        let bound = device.windows.sorted { $0.key < $1.key }.filter { window in
            // Of one that has failed, this side may hear nothing.
            window.binding.map { !failedQueuePairs.contains($0.queuePair) } ?? false
        }
        guard let target = random.pick(bound), let binding = target.binding,
            // One that this side is about to invalidate itself is that race.
            !device.sends(on: binding.queuePair).contains(where: { $0.operation == .localInvalidate(key: target.key) }),
            device.completeReceive(binding.queuePair, byteCount: 0, invalidating: target.key)
        else { return }
        noteTaken(by: binding.queuePair)
        counts.add(.invalidatedByPeer)
        let isHeard = eventually {
            completionQueues.forEach { take(from: $0) }
            return !windows.contains { $0.window.remoteMemory?.key == target.key }
                && !regions.contains { $0.region.remoteMemory?.key == target.key }
        }
        if !isHeard { objections.append("the window \(target.key) is still bound for this side") }
    }

    // MARK: Regions

    func changeRegions() {
        if regions.count < 6, random.chance(60) {
            do {
                var region = try adapter.createMemoryRegion(.fastRegistered)
                try region.initializeFastRegister(pageCount: 8, remoteAccess: true)
                regions.append(SimulatedRegion(region))
                counts.add(.regionCreated)
            } catch {
                note("  refused: \(error)")
            }
        } else if !regions.isEmpty {
            regions.remove(at: random.below(regions.count))
            counts.add(.regionDropped)
        }
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
        guard let queuePair = pickQueuePair(), let region = random.pick(regions) else { return }
        let isPosted = post(on: queuePair.number) { context throws(PostError) in
            try queuePair.queuePair?.invalidate(region.region, context: context)
        }
        if isPosted { counts.add(.regionInvalidatePosted) }
    }
}
