import CNDK
import TrackingModel

/// Mappings, regions and windows.
extension Caller {
    func buildLam() {
        let adapter = choose(.adapter)
        let range = program.memory.range(&random)
        let chain = Chain(over: range, &random)
        let pages = rarely(6) ? random.below(3) : range.count / 4096 + 2
        let mapping = Mapping(chain, on: adapter.object ?? Object(.adapter, at: 0, of: nil), pages: pages)
        let isNull = rarely()
        let built: @Sendable (inout Program.State, NTSTATUS, UInt) -> Void = { state, status, _ in
            guard status == STATUS_SUCCESS, !isNull else { return }
            state.require(!mapping.pages.isEmpty, "a mapping without pages was built")
            mapping.isBuilt = true
            mapping.isLive = true
            state.mappings.append(mapping)
        }
        let (isThere, context) = completion(.buildLam, on: adapter, then: built)
        let status = call(.buildLam, [adapter]) {
            unsafe Tables.adapter.NdkBuildLAM(
                adapter.pointer(), chain.first, chain.length, isThere ? Callbacks.request : nil, opaque(context),
                isNull ? nil : mapping.description, rarely(40) ? nil : mapping.size,
                rarely(40) ? nil : mapping.firstByteOffset)
        }
        if isThere { program.returned(context, status) }
        program.withLock { built(&$0, status, 0) }
    }

    /// Gives up to the library what may be in use, or what was given up before.
    func releaseLam() {
        let adapter = choose(.adapter)
        let isAny = rarely(10)
        let picked = random.next()
        let mapping: Mapping? = program.withLock { state in
            var random = RandomSource(seed: picked)
            let known = state.mappings.filter { $0.isLive && $0.adapter === adapter.object || isAny }
            let mapping = random.pick(known)
            if mapping?.adapter === adapter.object { mapping?.isLive = false }
            return mapping
        }
        let isRight = mapping?.adapter === adapter.object && adapter.object != nil
        ask(.releaseLam, [adapter], isGood: isRight) {
            unsafe Tables.adapter.NdkReleaseLAM(adapter.pointer(), mapping?.description)
        }
        forgetMappings()
    }

    /// Keeps a few of those that were released.
    private func forgetMappings() {
        program.withLock { state in
            if state.mappings.count > 64 { state.mappings.removeAll { !$0.isLive } }
        }
    }

    // MARK: Regions and windows

    func createMr() {
        let domain = choose(.pd)
        let isFast: BOOLEAN = random.chance(50) ? UInt8(1 + random.below(255)) : 0
        unsafe create(.createMr, .mr, of: [domain]) { _, region in
            region.isFast = isFast != 0
        } _: {
            unsafe Tables.pd.NdkCreateMr(domain.pointer(), isFast, $0, $1, $2)
        }
    }

    func createMw() {
        let domain = choose(.pd)
        unsafe create(.createMw, .mw, of: [domain]) { unsafe Tables.pd.NdkCreateMw(domain.pointer(), $0, $1, $2) }
    }

    func registerMr() {
        let region = choose(.mr) { !$0.isFast && $0.phase == .fresh }
        let range = program.memory.range(&random)
        let chain = Chain(over: range, &random)
        let legal = NDK_MR_FLAG_ALLOW_REMOTE_READ | NDK_MR_FLAG_ALLOW_REMOTE_WRITE | NDK_MR_FLAG_RDMA_READ_SINK
        let flags = random.chance(50) ? ULONG(bitPattern: legal) : flags(legal)
        let registered: @Sendable (inout Program.State, NTSTATUS, UInt) -> Void = { _, status, _ in
            guard status == STATUS_SUCCESS, let region = region.object else { return }
            region.phase = .ready
            region.registered =
                unsafe chain.first == nil ? nil : range.lowerBound..<range.lowerBound + UInt(max(0, chain.length))
        }
        let (isThere, context) = completion(.registerMr, on: region, then: registered)
        let status = call(.registerMr, [region]) {
            unsafe Tables.mr.NdkRegisterMr(
                region.pointer(), chain.first, chain.length, flags, isThere ? Callbacks.request : nil, opaque(context))
        }
        if isThere { program.returned(context, status) }
        program.withLock { registered(&$0, status, 0) }
        if status != STATUS_PENDING { getLocalToken(of: region.object) }
        withExtendedLifetime(chain) {}
    }

    /// Elements are to name the region.
    private func getLocalToken(of region: Object?) {
        guard let region, region.registered != nil else { return }
        let choice = Choice(region)
        let token = ask(.getLocalTokenFromMr, [choice]) { unsafe Tables.mr.NdkGetLocalTokenFromMr(choice.pointer()) }
        program.withLock { _ in region.localToken = token }
    }

    func deregisterMr() {
        let region = random.chance(50) ? choose(.mr) { $0.phase == .ready } : stale()
        let (isThere, context) = completion(.deregisterMr, on: region)
        let status = call(.deregisterMr, [region]) {
            unsafe Tables.mr.NdkDeregisterMr(region.pointer(), isThere ? Callbacks.request : nil, opaque(context))
        }
        if isThere { program.returned(context, status) }
        guard status == STATUS_SUCCESS else { return }
        program.withLock { _ in
            region.object?.phase = .fresh
            region.object?.registered = nil
        }
    }

    func initializeFastRegisterMr() {
        let region = choose(.mr) { $0.isFast }
        let (isThere, context) = completion(.initializeFastRegisterMr, on: region)
        let status = call(.initializeFastRegisterMr, [region]) {
            unsafe Tables.mr.NdkInitializeFastRegisterMr(
                region.pointer(), number(1...16), random.chance(80) ? 1 : 0, isThere ? Callbacks.request : nil,
                opaque(context))
        }
        if isThere { program.returned(context, status) }
        if status == STATUS_SUCCESS { program.withLock { _ in region.object?.phase = .ready } }
    }

    func getToken(_ entry: EntryPoint) {
        let region = choose(.mr)
        ask(entry, [region]) {
            unsafe entry == .getLocalTokenFromMr
                ? Tables.mr.NdkGetLocalTokenFromMr(region.pointer())
                : Tables.mr.NdkGetRemoteTokenFromMr(region.pointer())
        }
    }

    func getWindowToken() {
        let window = choose(.mw)
        ask(.getRemoteTokenFromMw, [window]) { unsafe Tables.mw.NdkGetRemoteTokenFromMw(window.pointer()) }
    }
}
