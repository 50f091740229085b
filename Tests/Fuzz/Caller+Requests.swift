import CNDK
import TrackingModel

/// Posting.
extension Caller {
    private static let all = NDK_OP_FLAG_SILENT_SUCCESS | NDK_OP_FLAG_READ_FENCE | NDK_OP_FLAG_DEFER
    private static let rights = NDK_OP_FLAG_ALLOW_REMOTE_READ | NDK_OP_FLAG_ALLOW_REMOTE_WRITE

    func postSend(_ entry: EntryPoint) {
        let queuePair = chooseConnected()
        var legal = Self.all
        if entry != .read { legal |= NDK_OP_FLAG_INLINE }
        if entry == .send || entry == .sendAndInvalidate { legal |= NDK_OP_FLAG_SEND_AND_SOLICIT_EVENT }
        let flags = flags(legal)
        let elements = Elements(for: self, on: queuePair, isInline: flags & ULONG(NDK_OP_FLAG_INLINE) != 0)
        let (pair, list, count) = unsafe (
            queuePair.pointer() as UnsafeMutablePointer<NDK_QP>?, elements.list, elements.count
        )
        let (address, token) = (random.next(), UInt32(truncatingIfNeeded: random.next()))
        unsafe post(entry, queuePair, flags: flags) {
            switch entry {
            case .send: unsafe Tables.qp.NdkSend(pair, $0, list, count, flags)
            case .sendAndInvalidate: unsafe Tables.qp.NdkSendAndInvalidate(pair, $0, list, count, flags, token)
            case .read: unsafe Tables.qp.NdkRead(pair, $0, list, count, address, token, flags)
            default: unsafe Tables.qp.NdkWrite(pair, $0, list, count, address, token, flags)
            }
        }
        withExtendedLifetime(elements) {}
    }

    func postReceive() {
        let queuePair = choose(.qp)
        let elements = Elements(for: self, on: queuePair, isInline: false)
        unsafe post(.receive, queuePair, flags: 0) {
            unsafe Tables.qp.NdkReceive(queuePair.pointer(), $0, elements.list, elements.count)
        }
    }

    func postSharedReceive() {
        let queue = choose(.srq)
        let elements = Elements(for: self, on: queue, isInline: false)
        unsafe post(.srqReceive, queue, flags: 0) {
            unsafe Tables.srq.NdkSrqReceive(queue.pointer(), $0, elements.list, elements.count)
        }
    }

    func bind() {
        let queuePair = chooseConnected()
        let domain = queuePair.object?.domain
        let region = choose(.mr) { $0.domain === domain && $0.registered != nil }
        let window = choose(.mw) { $0.domain === domain }
        let flags = random.chance(50) ? ULONG(bitPattern: NDK_OP_FLAG_ALLOW_REMOTE_READ) : flags(Self.all | Self.rights)
        let range = program.withLock { _ in region.object?.registered } ?? program.memory.range(&random)
        let length = rarely(5) ? random.pick([0, range.count + 1, -1, .max])! : range.count
        unsafe post(.bind, queuePair, region, window, flags: flags) {
            unsafe Tables.qp.NdkBind(
                queuePair.pointer(), $0, region.pointer(), window.pointer(), opaque(range.lowerBound), length, flags)
        }
    }

    func fastRegister() {
        let regions = program.withLock { $0.objects[.mr] ?? [] }.filter { $0.isFast && $0.phase == .ready }
        let queuePair = choose(.qp) { pair in
            pair.phase == .connected && regions.contains { $0.domain === pair.domain }
        }
        let region = choose(.mr) { region in
            region.domain === queuePair.object?.domain && regions.contains { $0 === region }
        }
        let flags = flags(Self.all | Self.rights | NDK_OP_FLAG_RDMA_READ_SINK)
        let (pages, offset, length) = pages(of: queuePair.object?.adapter)
        let base = unsafe UInt64(bitPattern: pages.first?.QuadPart ?? 0)
        let isNull = rarely(30)
        unsafe post(.fastRegister, queuePair, region, flags: flags) { context in
            unsafe pages.withUnsafeBufferPointer { list in
                unsafe Tables.qp.NdkFastRegister(
                    queuePair.pointer(), context, region.pointer(), ULONG(pages.count), isNull ? nil : list.baseAddress,
                    offset, length, opaque(UInt(base) + UInt(offset)), flags)
            }
        }
    }

    /// Pages of some mapping, all or a few, and where something in them is.
    private func pages(of adapter: Object?) -> (pages: [NDK_LOGICAL_ADDRESS], offset: ULONG, length: Int) {
        let mapping = mapping(of: adapter)
        var pages = mapping?.pages ?? []
        if rarely(5), !pages.isEmpty { pages.swapAt(0, random.below(pages.count)) }
        if rarely(5) { pages.append(NDK_LOGICAL_ADDRESS(QuadPart: Int64(bitPattern: random.next()))) }
        pages = Array(pages.prefix(1 + random.below(8)))
        let offset = number(0...4095)
        let length =
            rarely(8) ? random.pick([0, -1, .max])! : 1 + random.below(max(1, 4096 * pages.count - Int(offset & 4095)))
        return (pages, offset, length)
    }

    func invalidate() {
        let queuePair = choose(.qp) { $0.phase == .connected && !$0.named.isEmpty }
        let named = program.withLock { _ in queuePair.object?.named ?? [] }
        let target = choose(random.pick(named)?.kind ?? .mr) { object in named.contains { $0 === object } }
        let flags = flags(Self.all)
        unsafe post(.invalidate, queuePair, target, flags: flags) {
            unsafe Tables.qp.NdkInvalidate(queuePair.pointer(), $0, target.pointer(), flags)
        }
    }

    func flush() {
        // It ends a queue pair.
        let queuePair = random.chance(30) ? choose(.qp) : stale()
        ask(.flush, [queuePair]) { unsafe Tables.qp.NdkFlush(queuePair.pointer()) }
    }

    private func chooseConnected() -> Choice { choose(.qp) { $0.phase == .connected } }

    /// Some mapping of an adapter, mostly one that was not released.
    func mapping(of adapter: Object?) -> Mapping? {
        let isAny = rarely(10)
        let known = program.withLock { state in
            state.mappings.filter { ($0.isLive && $0.adapter === adapter) || isAny && $0.isBuilt }
        }
        return random.pick(known)
    }

    /// Posts a request: it has a result if it was not refused, and only then.
    private func post(
        _ entry: EntryPoint, _ choices: Choice..., flags: ULONG, _ body: (UnsafeMutableRawPointer?) -> NTSTATUS
    ) {
        let isSilent = flags & ULONG(NDK_OP_FLAG_SILENT_SUCCESS) != 0
        let token: UInt = program.withLock { state in
            let token = state.nextToken()
            guard let queuePair = choices[0].object else { return token }
            state.requests[token] = Program.Posted(queuePair: queuePair, isSilent: isSilent, entry: entry)
            return token
        }
        let status = call(entry, choices) { unsafe body(opaque(token)) }
        guard status != STATUS_SUCCESS else {
            if choices.count > 1 { program.withLock { _ in choices[0].object?.note(entry, of: choices.last?.object) } }
            return
        }
        program.withLock { state in
            // A callback may have closed it since, and forgotten its requests.
            let isOpen = choices[0].object.map(state.isOpen) ?? false
            let isUnanswered = state.requests.removeValue(forKey: token) != nil
            state.require(!isOpen || isUnanswered, "\(entry.rawValue) was refused, \(name(status)), and a result came")
        }
    }
}

/// Elements of a request, of exactly as many as the interface is told.
@safe
private final class Elements {
    private let buffer: Buffer
    let count: ULONG
    private let isNull: Bool

    init(for caller: Caller, on queue: Choice, isInline: Bool) {
        let limit = caller.rarely(15) ? 100 : 4
        let room = caller.random.below(limit)
        buffer = unsafe Buffer(room * MemoryLayout<NDK_SGE>.stride)
        isNull = caller.rarely()
        // An inline request may have any number.
        let isWrong = caller.rarely(40) && !isInline
        count = isWrong ? ULONG.max - ULONG(caller.random.below(3)) : ULONG(room)
        for index in 0..<room {
            let element = unsafe Self.element(for: caller, on: queue.object?.adapter, isInline)
            unsafe buffer.start.storeBytes(
                of: element, toByteOffset: index * MemoryLayout<NDK_SGE>.stride, as: NDK_SGE.self)
        }
    }

    var list: UnsafePointer<NDK_SGE>? {
        unsafe isNull ? nil : UnsafePointer(buffer.start.assumingMemoryBound(to: NDK_SGE.self))
    }

    private static func element(for caller: Caller, on adapter: Object?, _ isInline: Bool) -> NDK_SGE {
        var element = unsafe NDK_SGE()
        // What an address of the process is read from must be there.
        let range = caller.program.memory.range(&caller.random)
        unsafe element.VirtualAddress = opaque(range.lowerBound)
        unsafe element.Length = ULONG(min(range.count, isInline ? 24 : range.count))
        unsafe element.MemoryRegionToken = UInt32(truncatingIfNeeded: caller.random.next())
        switch caller.random.below(20) {
        case 0: break
        case 1..<5:
            let regions = caller.program.withLock { $0.objects[.mr]?.filter { $0.registered != nil } ?? [] }
            guard let region = caller.random.pick(regions), let range = region.registered else { break }
            unsafe element.VirtualAddress = opaque(range.lowerBound)
            unsafe element.Length = ULONG(caller.random.below(range.count + 1))
            unsafe element.MemoryRegionToken = region.localToken
        default:
            // Without the privileged token a logical address would be taken for one of the process.
            guard let mapping = caller.mapping(of: adapter), let token = adapter?.localToken, token != 0 else { break }
            unsafe element.LogicalAddress.QuadPart = Int64(
                bitPattern: mapping.address &+ UInt64(caller.random.below(64)))
            unsafe element.Length = caller.rarely() ? .max : ULONG(caller.random.below(isInline ? 40 : 2000))
            unsafe element.MemoryRegionToken = token
        }
        return unsafe element
    }
}
