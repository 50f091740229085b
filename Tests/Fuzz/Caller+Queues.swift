import CNDK
import TrackingModel

/// Completion queues, shared receive queues, queue pairs and domains, apart from posting.
extension Caller {
    func createPd() {
        let adapter = choose(.adapter)
        unsafe create(.createPd, .pd, of: [adapter]) {
            unsafe Tables.adapter.NdkCreatePd(adapter.pointer(), $0, $1, $2)
        }
    }

    func createCq() {
        let adapter = choose(.adapter)
        let depth = number(16...256)
        let events = program.expectEvents("a notification of a completion queue", limit: 0)
        let affinity = Cell(GROUP_AFFINITY(Mask: random.next(), Group: 0, Reserved: (0, 0, 0)))
        unsafe create(.createCq, .cq, of: [adapter], token: events) { state, queue in
            state.events[events]?.object = queue
        } _: {
            unsafe Tables.adapter.NdkCreateCq(
                adapter.pointer(), depth, rarely() ? nil : Callbacks.notified, opaque(events),
                random.chance(50) ? nil : affinity.pointer, $0, $1, $2)
        }
    }

    func createSrq() {
        let domain = choose(.pd)
        let events = program.expectEvents("a notification of a shared receive queue", limit: 0)
        let threshold = random.chance(50) ? 0 : number(1...16)
        unsafe create(.createSrq, .srq, of: [domain], token: events) { state, queue in
            state.events[events]?.object = queue
        } _: {
            program.allow(events)
            return unsafe Tables.pd.NdkCreateSrq(
                domain.pointer(), number(16...64), number(1...4), threshold, rarely(4) ? nil : Callbacks.notified,
                opaque(events), nil, $0, $1, $2)
        }
    }

    func createQp() {
        let domain = choose(.pd)
        let (receives, sends) = (chooseQueue(beside: domain), random.chance(50) ? chooseQueue(beside: domain) : nil)
        let token = program.withLock { $0.nextToken() }
        let queues = [receives, sends ?? receives].compactMap(\.object)
        unsafe create(.createQp, .qp, of: [domain, receives] + (sends.map { [$0] } ?? []), token: token) {
            $1.queues = queues
        } _: {
            unsafe Tables.pd.NdkCreateQp(
                domain.pointer(), receives.pointer(), (sends ?? receives).pointer(), opaque(token), number(1...16),
                number(1...16), number(1...4), number(1...4), number(0...128), $0, $1, $2)
        }
    }

    func createQpWithSrq() {
        let domain = choose(.pd)
        let queue = chooseQueue(beside: domain)
        let shared = choose(.srq) { $0.adapter === domain.object?.adapter }
        let token = program.withLock { $0.nextToken() }
        let queues = [queue].compactMap(\.object)
        unsafe create(.createQpWithSrq, .qp, of: [domain, queue, shared], token: token) {
            $1.queues = queues
        } _: {
            unsafe Tables.pd.NdkCreateQpWithSrq(
                domain.pointer(), queue.pointer(), queue.pointer(), shared.pointer(), opaque(token), number(1...16),
                number(1...4), number(0...128), $0, $1, $2)
        }
    }

    private func chooseQueue(beside domain: Choice) -> Choice {
        choose(.cq) { $0.adapter === domain.object?.adapter }
    }

    func getPrivilegedToken() {
        let domain = choose(.pd)
        let token = Cell<UInt32>(0)
        let isNull = rarely()
        ask(.getPrivilegedToken, [domain], isGood: !isNull) {
            unsafe Tables.pd.NdkGetPrivilegedMemoryRegionToken(domain.pointer(), isNull ? nil : token.pointer)
        }
        guard let adapter = domain.object?.adapter, token.value != 0 else { return }
        let known = token.value
        program.withLock { _ in adapter.localToken = known }
    }

    // MARK: Completion queues

    func resizeCq() {
        let queue = choose(.cq)
        let (isThere, context) = completion(.resizeCq, on: queue)
        let status = call(.resizeCq, [queue]) {
            unsafe Tables.cq.NdkResizeCq(
                queue.pointer(), number(16...256), isThere ? Callbacks.request : nil, opaque(context))
        }
        if isThere { program.returned(context, status) }
    }

    func armCq() {
        let queue = choose(.cq)
        let type = rarely() ? ULONG(truncatingIfNeeded: random.next()) : ULONG(random.below(3))
        if let token = queue.object?.token, type <= 2 { program.allow(token) }
        ask(.armCq, [queue], isGood: type <= 2) { unsafe Tables.cq.NdkArmCq(queue.pointer(), type) }
    }

    func moderate() {
        let queue = choose(.cq)
        call(.controlCqInterruptModeration, [queue]) {
            unsafe Tables.cq.NdkControlCqInterruptModeration(queue.pointer(), number(0...100), number(0...100))
        }
    }

    func getResults() {
        let queue = choose(.cq)
        let (room, asked) = roomForResults()
        let buffer = unsafe Buffer(room * MemoryLayout<NDK_RESULT>.stride)
        let results = unsafe buffer.start.assumingMemoryBound(to: NDK_RESULT.self)
        let isNull = rarely()
        let count = ask(.getCqResults, [queue], isGood: !isNull) {
            unsafe Tables.cq.NdkGetCqResults(queue.pointer(), isNull ? nil : results, asked)
        }
        for index in 0..<min(Int(count), room) {
            let result = unsafe results[index]
            unsafe program.take(result.Status, of: result.RequestContext, on: result.QPContext)
        }
        judge(count, atMost: asked, queue)
    }

    func getResultsEx() { getResultsEx(of: choose(.cq)) }

    /// Empties all completion queues.
    func takeAllResults() {
        for queue in program.withLock({ $0.objects[.cq] ?? [] }) {
            let isFree = program.withLock { _ in
                defer { queue.isClaimed = true }
                return !queue.isClaimed
            }
            if isFree { getResultsEx(of: Choice(queue)) }
        }
    }

    private func getResultsEx(of queue: Choice) {
        let (room, asked) = roomForResults()
        let buffer = unsafe Buffer(room * MemoryLayout<NDK_RESULT_EX>.stride)
        let results = unsafe buffer.start.assumingMemoryBound(to: NDK_RESULT_EX.self)
        let count = ask(.getCqResultsEx, [queue]) {
            unsafe Tables.cq.NdkGetCqResultsEx(queue.pointer(), results, asked)
        }
        for index in 0..<min(Int(count), room) {
            let result = unsafe results[index]
            unsafe program.take(result.Status, of: result.RequestContext, on: result.QPContext)
        }
        judge(count, atMost: asked, queue)
    }

    private func roomForResults() -> (Int, ULONG) {
        let room = random.below(rarely() ? 300 : 32)
        return (room, ULONG(room))
    }

    private func judge(_ count: ULONG, atMost asked: ULONG, _ queue: Choice) {
        program.withLock { state in
            state.require(count <= asked, "\(count) results were taken where there is room for \(asked)")
            state.require(count == 0 || queue.object != nil, "\(count) results came from no queue")
        }
    }

    // MARK: Shared receive queues

    func modifySrq() {
        let queue = choose(.srq)
        let threshold = random.chance(50) ? 0 : number(1...16)
        if let token = queue.object?.token, threshold > 0 { program.allow(token) }
        let (isThere, context) = completion(.modifySrq, on: queue)
        let status = call(.modifySrq, [queue]) {
            unsafe Tables.srq.NdkModifySrq(
                queue.pointer(), random.chance(50) ? 0 : number(16...64), threshold,
                isThere ? Callbacks.request : nil, opaque(context))
        }
        if isThere { program.returned(context, status) }
    }
}

extension Program {
    /// One event more may come.
    func allow(_ token: UInt) {
        withLock { $0.events[token]?.limit? += 1 }
    }

    /// A result of a request.
    fileprivate func take(
        _ status: NTSTATUS, of request: UnsafeMutableRawPointer?, on queuePair: UnsafeMutableRawPointer?
    ) {
        let (request, queuePair) = (UInt(bitPattern: request), UInt(bitPattern: queuePair))
        if has(.losesResult) { return }
        take(status, of: request, on: queuePair)
        if has(.repeatsResult) { take(status, of: request, on: queuePair) }
    }

    private func take(_ status: NTSTATUS, of request: UInt, on queuePair: UInt) {
        withLock { state in
            state.require(
                KnownStatus(status).map(EntryPoint.results.contains) ?? false, "a result says \(name(status))")
            guard let posted = state.requests.removeValue(forKey: request) else {
                // Those of queues that were closed may still come.
                let isOpen = state.objects[.qp]?.contains { $0.token == queuePair } ?? false
                return state.require(!isOpen, "a result names request \(request), which was not posted or had one")
            }
            let isItsOwn = posted.queuePair.kind == .srq || posted.queuePair.token == queuePair
            state.require(isItsOwn, "the result of request \(request) names queue pair \(queuePair)")
        }
    }
}
