import Glibc
import LAM
import TestSupport
import enum Verbs.Verb

/// Mappings, windows, and what fails.
extension AdapterSimulation {
    func build() throws {
        guard mappings.count < 24 else { return }
        do {
            let pages = Int.random(in: 1...3, using: &random)
            mappings.append(SimulatedMapping(try adapter.map(pages: pages)))
        } catch MappingError.verbFailed {
            // A fault that was injected.
        }
    }

    /// Releases in one of the forms; the element stays for a while, as a stale one.
    func release() {
        guard let index = mappings.indices.randomElement(using: &random) else { return }
        let simulated = mappings[index]
        guard let mapping = simulated.mapping.take() else {
            mappings.remove(at: index)
            return
        }
        switch Int.random(in: 0..<4, using: &random) {
        case 0: mapping.release()
        case 1: adapter.releaseLam(mapping)
        case 2: _ = consume mapping
        default:
            switch mapping.tryRelease() {
            case .released: break
            case .busy(let kept, _):
                simulated.mapping = consume kept
            case .refused(let kept, _): simulated.mapping = consume kept
            }
        }
    }

    func createWindow() throws {
        guard windows.count < 6 else { return }
        do {
            windows.append(SimulatedWindow(try adapter.createMemoryWindow()))
        } catch AdapterError.verbFailed {
            // A fault that was injected.
        }
    }

    func dropWindow() {
        guard let index = windows.indices.randomElement(using: &random) else { return }
        windows.remove(at: index)
    }

    func bind() {
        guard let queuePair = queuePairs.randomElement(using: &random),
            let window = windows.randomElement(using: &random),
            let mapping = mappings.randomElement(using: &random), mapping.mapping != nil
        else { return }
        let flags: RequestFlags = Bool.random(using: &random) ? .silentSuccess : []
        post(isSilent: !flags.isEmpty) { context throws(PostError) in
            _ = try queuePair.queuePair?.bind(
                window.window, over: mapping.mapping!, 0..<64, access: [.read, .write], context: context, flags: flags)
        }
    }

    func invalidate() {
        guard let queuePair = queuePairs.randomElement(using: &random),
            let window = windows.randomElement(using: &random)
        else { return }
        post(isSilent: false) { context throws(PostError) in
            try queuePair.queuePair?.invalidate(window.window, context: context)
        }
    }

    func createRegion() throws {
        guard regions.count < 6 else { return }
        do throws(AdapterError) {
            var region = try adapter.createMemoryRegion(.fastRegistered)
            try? region.initializeFastRegister(pageCount: 8, remoteAccess: true)
            regions.append(SimulatedRegion(region))
        } catch {
            // A fault that was injected.
        }
    }

    func dropRegion() {
        guard let index = regions.indices.randomElement(using: &random) else { return }
        regions.remove(at: index)
    }

    func fastRegister() {
        guard let queuePair = queuePairs.randomElement(using: &random),
            let region = regions.randomElement(using: &random),
            let mapping = mappings.randomElement(using: &random), mapping.mapping != nil
        else { return }
        let flags: RequestFlags = Bool.random(using: &random) ? .silentSuccess : []
        let own = mapping.element.address.rawValue
        let pages = PageArray(firstByte: mapping.element.address, length: Int(mapping.element.length))
        let base = Bool.random(using: &random) ? own : 1 << 40 | own % UInt64(fakePageSize)
        let access: RegionAccess = [[.remoteRead], [.remoteWrite], [.localWrite]].randomElement(using: &random)!
        post(isSilent: !flags.isEmpty) { context throws(PostError) in
            _ = try queuePair.queuePair?.fastRegister(
                region.region, pages: pages, firstByteOffset: Int(own % UInt64(fakePageSize)),
                length: 64, baseAddress: base, access: access, context: context, flags: flags)
        }
    }

    func invalidateRegion() {
        guard let queuePair = queuePairs.randomElement(using: &random),
            let region = regions.randomElement(using: &random)
        else { return }
        post(isSilent: false) { context throws(PostError) in
            try queuePair.queuePair?.invalidate(region.region, context: context)
        }
    }

    /// The peer invalidates a window that is bound, and this side hears of it before it does anything else: what comes
    /// between, no library can prevent (T1).
    func invalidateByPeer() {
        let bound = device.windows.filter { $0.binding != nil }
        guard let target = bound.randomElement(using: &random), let binding = target.binding,
            // One that this side is about to invalidate itself is that race.
            !device.sends(on: binding.queuePair).contains(where: { $0.operation == .localInvalidate(key: target.key) }),
            device.completeReceive(binding.queuePair, byteCount: 0, invalidating: target.key)
        else { return }
        noteTaken(by: binding.queuePair)
        let isHeard = eventually(within: .seconds(5)) {
            completionQueues.forEach { take(from: $0) }
            return !windows.contains { $0.window.remoteMemory?.key == target.key }
                && !regions.contains { $0.region.remoteMemory?.key == target.key }
        }
        if !isHeard { objections.append("the window \(target.key) is still bound for this side") }
    }

    /// Makes something fail soon.
    func injectFault() {
        let verbs: [Verb] = [
            .registerRegion, .deregisterRegion, .deregisterRegion, .allocateWindow, .deallocateWindow,
            .createQueuePair, .destroyQueuePair, .postSend, .postReceive, .pollCompletionQueue,
            .resizeCompletionQueue, .createSharedQueue, .modifySharedQueue, .querySharedQueue, .destroySharedQueue,
            .postSharedReceive,
        ]
        let code: CInt = [EIO, ENOMEM, EBUSY].randomElement(using: &random)!
        switch Int.random(in: 0..<6, using: &random) {
        case 0: device.refuseRequest(Int.random(in: 0..<4, using: &random), ofNext: .postSend, code: ENOMEM)
        case 1: device.leaveUndetermined(next: .postSend, code: EINVAL)
        case 2:
            let verb: Verb = Bool.random(using: &random) ? .postReceive : .postSharedReceive
            device.leaveUndetermined(next: verb, code: EINVAL)
        default:
            let verb = verbs.randomElement(using: &random)!
            note("fault \(verb)")
            device.inject(
                code, into: verb, call: Int.random(in: 1...3, using: &random),
                times: Int.random(in: 1...2, using: &random))
        }
    }
}
