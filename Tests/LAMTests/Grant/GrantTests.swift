import Glibc
import LAM
import TestSupport
import Testing
import struct Verbs.AccessRights
import enum Verbs.Verb

@Suite("A grant")
struct GrantTests {
    /// Devices that differ in how they confine a peer.
    enum Kind: CaseIterable {
        case confining, soft, withoutWindows

        var device: FakeDevice {
            FakeDevice(
                carriesOutSendsAtOnce: true, vendorID: self == .confining ? 0x02_c9 : 0xff_ffff,
                hasWindows: self != .withoutWindows)
        }
    }

    @Test(
        "opens the bytes that were asked for, with the rights that were asked for, and no more",
        arguments: Kind.allCases)
    func opens(kind: Kind) async throws {
        try await withFakeAdapter(over: kind.device) { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map(pages: 4)
            let rights: [(RemoteAccess, AccessRights)] = [
                (.read, .remoteRead), (.write, .remoteWrite), ([.read, .write], [.remoteRead, .remoteWrite]),
            ]
            for (access, expected) in rights {
                let regions = device.regions
                let grant = try await mapping.grant(access, bytes: 100..<5000, to: &queuePair)
                #expect(grant.isLive == true)
                #expect(grant.remoteMemory.address == mapping.baseAddress.rawValue + 100)
                let own = device.regions.dropFirst(regions.count).first
                #expect((own == nil) == (kind == .confining))
                if let own {
                    #expect(own.deviceAddress == grant.remoteMemory.address)
                    #expect(own.length == 4900)
                    #expect(own.base == mapping.memory.address + 100)
                }
                if kind == .withoutWindows {
                    #expect(own?.key == grant.remoteMemory.key)
                    #expect(own?.rights.subtracting(.localWrite) == expected)
                } else {
                    let window = try #require(device.windows.first)
                    #expect(window.key == grant.remoteMemory.key)
                    #expect(window.binding?.rights == expected)
                    #expect(window.binding?.address == grant.remoteMemory.address)
                    #expect(window.binding?.length == 4900)
                    #expect(window.binding?.queuePair == queuePair.number)
                    #expect(own?.rights.isDisjoint(with: [.remoteRead, .remoteWrite]) ?? true)
                }
                grant.revoke()
                #expect(device.regions == regions)
                #expect(device.windows.isEmpty)
            }
            #expect(completions.drain().isEmpty, "nobody hears of a grant's own requests")
            mapping.releaseNow()
        }
    }

    @Test("uses its mapping until it is revoked or dropped", arguments: Kind.allCases)
    func use(kind: Kind) async throws {
        try await withFakeAdapter(over: kind.device) { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            var mapping = try adapter.map()
            let grant = try await mapping.grant(.read, bytes: 0..<8, to: &queuePair)
            mapping = try mapping.expectBusy()
            #expect(adapter.survivors.grants == 1)
            grant.revoke()
            #expect(adapter.survivors.grants == 0)
            do {
                let dropped = try await mapping.grant(.read, bytes: 0..<8, to: &queuePair)
                mapping = try mapping.expectBusy()
                _ = consume dropped
            }
            mapping.releaseNow()
        }
    }

    @Test("is revoked though its queue is full, or has failed", arguments: [true, false])
    func revokedWithoutPost(isFull: Bool) async throws {
        let device = FakeDevice()
        try await withFakeAdapter(over: device) { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            let other = try adapter.map()
            let grant = try await withCarrier(device, queuePair.number) {
                try await mapping.grant(.read, bytes: 0..<8, to: &queuePair)
            }
            if isFull {
                while true { do { try queuePair.send(other, 0..<8) } catch { break } }
            } else {
                try queuePair.send(other, 0..<8)
                device.fail(queuePair.number)
                #expect(completions.take(1).map(\.status) == [.retriesExceeded])
                #expect(eventually { !grant.isLive })
            }
            grant.revoke()
            #expect(device.windows.isEmpty)
            mapping.releaseNow()
            queuePair.close()
            _ = completions.drain()
        }
    }

    @Test("ends by itself when its time is over, and only then", arguments: [true, false])
    func deadline(hasTime: Bool) async throws {
        try await withFakeAdapter(over: Kind.soft.device) { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            let long = try await mapping.grant(.read, bytes: 0..<8, to: &queuePair, lasting: .seconds(3600))
            let grant = try await mapping.grant(
                .read, bytes: 0..<8, to: &queuePair, lasting: hasTime ? .milliseconds(1) : nil)
            if hasTime {
                #expect(eventually { !grant.isLive })
                #expect(eventually { device.windows.count == 1 })
            } else {
                usleep(20_000)
                #expect(grant.isLive == true)
            }
            #expect(long.isLive == true)
            await long.revoked()
            await grant.revoked()
            #expect(device.windows.isEmpty)
            mapping.releaseNow()
        }
    }

    @Test("ends with its queue pair, or when the peer invalidates it", arguments: [true, false])
    func ends(withQueuePair: Bool) async throws {
        try await withFakeAdapter(over: Kind.soft.device) { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let number = queuePair.number
            let mapping = try adapter.map()
            let sink = try adapter.map()
            let grant = try await mapping.grant(.write, bytes: 0..<8, to: &queuePair)
            if withQueuePair {
                queuePair.close()
            } else {
                try queuePair.receive(into: sink, 0..<8)
                device.completeReceive(number, byteCount: 1, invalidating: grant.remoteMemory.key)
                #expect(completions.take(1).map(\.operation) == [.receiveAndInvalidate])
            }
            #expect(grant.isLive == false)
            mapping.releaseNow()
            await grant.revoked()
            #expect(device.windows.isEmpty)
        }
    }

    @Test(
        "holds its mapping until the device has let go of everything",
        arguments: [Verb.deallocateWindow, .deregisterRegion])
    func refused(verb: Verb) async throws {
        try await withFakeAdapter(over: Kind.soft.device) { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            var mapping = try adapter.map()
            let regions = device.regions.count
            let grant = try await mapping.grant(.write, bytes: 0..<8, to: &queuePair)
            device.inject(EBUSY, into: verb, times: 20)
            mapping = try mapping.expectBusy()
            await grant.revoked()
            #expect(device.windows.isEmpty)
            #expect(device.regions.count == regions)
            #expect(adapter.statistics.refusedDestructions == 20)
            mapping.releaseNow()
        }
    }

    @Test("that cannot be given leaves nothing behind")
    func refusals() async throws {
        try await withFakeAdapter(over: Kind.soft.device) { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.createQueuePair(completions: completions)
            let mapping = try adapter.map()
            let regions = device.regions.count
            let readOnly = try adapter.buildLam(over: PageBuffer(count: fakePageSize), access: .readOnly)
            await expectRefused(.notConnected) { () throws(PostError) in
                try await mapping.grant(.read, bytes: 0..<8, to: &queuePair)
            }
            try queuePair.connect(to: queuePair.address)
            await expectRefused(.window(.noRights)) { () throws(PostError) in
                try await mapping.grant([], bytes: 0..<8, to: &queuePair)
            }
            await expectRefused(.window(.emptyRange)) { () throws(PostError) in
                try await mapping.grant(.read, bytes: 8..<8, to: &queuePair)
            }
            await expectRefused(.beyondMapping(element: 0)) { () throws(PostError) in
                try await mapping.grant(.read, bytes: 8..<fakePageSize + 1, to: &queuePair)
            }
            await expectRefused(.window(.notWritable)) { () throws(PostError) in
                try await readOnly.grant(.read, bytes: 0..<8, to: &queuePair)
            }
            device.inject(ENOMEM, into: .postSend)
            await expectRefused(.verbFailed(verb: "ibv_post_send", errno: ENOMEM)) { () throws(PostError) in
                try await mapping.grant(.read, bytes: 0..<8, to: &queuePair)
            }
            device.inject(ENOMEM, into: .allocateWindow)
            await expectRefused(.verbFailed(verb: "ibv_alloc_mw", errno: ENOMEM)) { () throws(PostError) in
                try await mapping.grant(.read, bytes: 0..<8, to: &queuePair)
            }
            #expect(device.regions.count == regions + 1)
            #expect(device.windows.isEmpty)
            mapping.releaseNow()
            readOnly.releaseNow()
        }
    }

    @Test("whose bind fails is none, and the queue pair has ended")
    func failedBind() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let number = queuePair.number
            let mapping = try adapter.map()
            let failing = Task.detached {
                while device.sends(on: number).isEmpty { usleep(100) }
                device.fail(number, status: .windowBindError)
            }
            await expectRefused(.ended) { () throws(PostError) in
                try await mapping.grant(.read, bytes: 0..<8, to: &queuePair)
            }
            await failing.value
            #expect(completions.take(1).map(\.status) == [.windowBindError])
            #expect(device.windows.isEmpty)
            mapping.releaseNow()
        }
    }

    @Test("is given though the task that waits for it is cancelled, and goes with what holds it")
    func cancelled() async throws {
        try await withFakeAdapter { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 8)
            let number: UInt32
            do {
                var queuePair = try adapter.connectedQueuePair(completions)
                number = queuePair.number
                let mapping = try adapter.map()
                let task = Task {
                    let grant = try await mapping.grant(.read, bytes: 0..<8, to: &queuePair)
                    return grant.isLive
                }
                task.cancel()
                #expect(eventually { device.complete(number) > 0 })
                #expect(try await task.value)
            }
            #expect(eventually { device.windows.isEmpty })
        }
    }
}

/// Expects that there is no grant, for this reason.
private func expectRefused(
    _ expected: PostError, sourceLocation: SourceLocation = #_sourceLocation,
    _ grant: () async throws(PostError) -> Grant
) async {
    do {
        _ = try await grant()
        Issue.record("it was given", sourceLocation: sourceLocation)
    } catch {
        #expect(error == expected, sourceLocation: sourceLocation)
    }
}

/// Has a device carry out what is posted meanwhile.
private func withCarrier(
    _ device: FakeDevice, _ number: UInt32, _ body: () async throws -> Grant
) async throws -> Grant {
    let carrier = Task.detached {
        while !Task.isCancelled {
            device.complete(number)
            try? await Task.sleep(for: .microseconds(100))
        }
    }
    defer { carrier.cancel() }
    return try await body()
}
