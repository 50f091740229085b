import Dispatch
import Glibc
import LAM
import TestSupport
import Testing
import enum Verbs.Verb

@Suite("The notification of a shared receive queue")
struct SharedQueueNotificationTests {
    /// Waits as long as a notification that must not come would take.
    private func settle() { usleep(20_000) }

    @Test("[104] comes strictly below the threshold, and once", arguments: [false, true])
    func below(isPolled: Bool) async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 4)
            let notifications = Notifications()
            var shared = try adapter.createSharedReceiveQueue(depth: 8, threshold: 3) { notifications.add($0) }
            let queuePair = try adapter.connectedQueuePair(completions, receivesFrom: shared)
            let mapping = try adapter.map()
            for _ in 0..<5 { try shared.receive(into: mapping, 0..<8) }
            for _ in 0..<2 { device.completeReceive(queuePair.number) }
            if isPolled { _ = completions.drain() }
            settle()
            #expect(notifications.list == [], "three are left, which is not fewer than three")
            device.completeReceive(queuePair.number)
            #expect(eventually { notifications.list == [.runsLow] })
            if isPolled { _ = completions.drain() }
            device.completeReceive(queuePair.number)
            _ = completions.drain()
            settle()
            #expect(notifications.list == [.runsLow], "nobody asked again")
        }
    }

    @Test("[104] comes at once where fewer are left already, polled or not", arguments: [false, true])
    func already(isPolled: Bool) async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 4)
            let notifications = Notifications()
            var shared = try adapter.createSharedReceiveQueue(depth: 8) { notifications.add($0) }
            let queuePair = try adapter.connectedQueuePair(completions, receivesFrom: shared)
            let mapping = try adapter.map()
            for _ in 0..<3 { try shared.receive(into: mapping, 0..<8) }
            device.completeReceive(queuePair.number)
            if isPolled { #expect(completions.drain().count == 1) }
            try shared.modify(threshold: 2)
            settle()
            #expect(notifications.list == [], "two are left, which is not fewer than two")
            try shared.modify(threshold: 3)
            #expect(eventually { notifications.list == [.runsLow] })
            #expect(completions.drain().count == (isPolled ? 0 : 1), "what was polled in the user's stead is kept")
        }
    }

    @Test("[104] is not changed by a modification to (0, 0)")
    func unchanged() async throws {
        try await withFakeAdapter { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 4)
            let notifications = Notifications()
            var shared = try adapter.createSharedReceiveQueue(depth: 8, threshold: 2) { notifications.add($0) }
            let queuePair = try adapter.connectedQueuePair(completions, receivesFrom: shared)
            let mapping = try adapter.map()
            for _ in 0..<2 { try shared.receive(into: mapping, 0..<8) }
            let calls = device.callCount(.modifySharedQueue)
            try shared.modify(depth: 0, threshold: 0)
            #expect(device.callCount(.modifySharedQueue) == calls)
            #expect(shared.depth == 8)
            settle()
            #expect(notifications.list == [])
            device.completeReceive(queuePair.number)
            #expect(eventually { notifications.list == [.runsLow] }, "it is armed as before")
            try shared.modify()
            device.completeReceive(queuePair.number)
            settle()
            #expect(notifications.list == [.runsLow], "nor was it armed")
        }
    }

    @Test("[104] an event of the device that belongs to a former threshold does not count for the present one")
    func stale() async throws {
        let device = FakeDevice()
        let gate = EventGate()
        do {
            let adapter = try Adapter.open(over: gate.guarding(device.verbs))
            var completions = try adapter.createCompletionQueue(depth: 4)
            let notifications = Notifications()
            var shared = try adapter.createSharedReceiveQueue(depth: 8, threshold: 4) { notifications.add($0) }
            let queuePair = try adapter.connectedQueuePair(completions, receivesFrom: shared)
            let mapping = try adapter.map()
            for _ in 0..<4 { try shared.receive(into: mapping, 0..<8) }
            gate.shut()
            // Three are left. The event is there, and nobody has read it.
            device.completeReceive(queuePair.number)
            _ = completions.drain()
            try shared.modify(threshold: 2)
            gate.open()
            // That of the first threshold, which the poll has noticed.
            #expect(eventually { notifications.list.count == 1 })
            settle()
            #expect(notifications.list == [.runsLow], "three are left, and the present threshold is two")
            device.completeReceive(queuePair.number)
            device.completeReceive(queuePair.number)
            #expect(eventually { notifications.list == [.runsLow, .runsLow] })
            queuePair.close()
            try shared.close()
            mapping.releaseNow()
        }
        expectNothingLeft(of: device)
    }

    @Test("[104] changes of depth: more, fewer, and not fewer than are posted")
    func depth() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 4)
            var shared = try adapter.createSharedReceiveQueue(depth: 2)
            let queuePair = try adapter.connectedQueuePair(completions, receivesFrom: shared)
            let mapping = try adapter.map()
            for _ in 0..<2 { try shared.receive(into: mapping, 0..<8) }
            try shared.modify(depth: 5)
            for _ in 0..<3 { try shared.receive(into: mapping, 0..<8) }
            #expect(throws: PostError.queueFull(depth: 5)) { try shared.receive(into: mapping, 0..<8) }
            #expect(throws: AdapterError.limitExceeded(what: "posted receives", asked: 5, limit: 4)) {
                try shared.modify(depth: 4)
            }
            device.inject(ENOMEM, into: .modifySharedQueue)
            #expect(throws: AdapterError.verbFailed(verb: "ibv_modify_srq", errno: ENOMEM)) {
                try shared.modify(depth: 9)
            }
            #expect(shared.depth == 5)
            #expect(throws: AdapterError.limitExceeded(what: "notification threshold", asked: 6, limit: 5)) {
                try shared.modify(threshold: 6)
            }
            #expect(throws: AdapterError.limitExceeded(what: "shared receive queue depth", asked: -1, limit: 1_048_576))
            {
                try shared.modify(depth: -1)
            }
            for _ in 0..<2 { device.completeReceive(queuePair.number) }
            #expect(completions.drain().count == 2)
            try shared.modify(depth: 3)
            #expect(throws: PostError.queueFull(depth: 3)) { try shared.receive(into: mapping, 0..<8) }
        }
    }

    @Test("[107] may close the queue that it is about")
    func closeInside() async throws {
        try await withFakeAdapter { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 4)
            let box = BoxedSharedQueue()
            let notifications = Notifications()
            var shared = try adapter.createSharedReceiveQueue(depth: 8, threshold: 2) {
                try? box.take()?.close(waiting: .zero)
                notifications.add($0)
            }
            let queuePair = try adapter.connectedQueuePair(completions, receivesFrom: shared)
            let mapping = try adapter.map()
            try shared.receive(into: mapping, 0..<8)
            try shared.receive(into: mapping, 0..<8)
            box.put(shared)
            device.completeReceive(queuePair.number)
            #expect(eventually { notifications.list == [.runsLow] })
            queuePair.close()
            mapping.releaseNow()
        }
    }

    @Test("[108] does not come after the queue is closed, and is waited for while it is going on")
    func closed() async throws {
        try await withFakeAdapter { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 4)
            for _ in 0..<50 {
                let notifications = Notifications()
                var shared = try adapter.createSharedReceiveQueue(depth: 8, threshold: 2) {
                    usleep(100)
                    notifications.add($0)
                }
                let queuePair = try adapter.connectedQueuePair(completions, receivesFrom: shared)
                let mapping = try adapter.map()
                try shared.receive(into: mapping, 0..<8)
                device.completeReceive(queuePair.number)
                usleep(UInt32.random(in: 0...200))
                try? shared.close(waiting: .zero)
                let count = notifications.list.count
                queuePair.close()
                usleep(300)
                #expect(notifications.list.count == count)
                mapping.releaseNow()
            }
        }
    }

    @Test("[108] does not come after the queue is dropped, however much later the drop is carried out")
    func dropped() async throws {
        try await withFakeAdapter { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 4)
            let notifications = Notifications()
            let shared = try adapter.createSharedReceiveQueue(depth: 8, threshold: 2) { notifications.add($0) }
            let queuePair = try adapter.connectedQueuePair(completions, receivesFrom: shared)
            let (isBusy, mayGoOn) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
            adapter.errands.run {
                isBusy.signal()
                mayGoOn.wait()
            }
            isBusy.wait()
            _ = consume shared
            device.failSharedQueue(of: queuePair.number)
            settle()
            mayGoOn.signal()
            #expect(notifications.list == [])
        }
    }

    @Test("of one queue does not come for another, nor for a port that changes")
    func other() async throws {
        try await withFakeAdapter { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 4)
            let notifications = Notifications()
            let silent = Notifications()
            var shared = try adapter.createSharedReceiveQueue(depth: 8, threshold: 1) { notifications.add($0) }
            let other = try adapter.createSharedReceiveQueue(depth: 8, threshold: 1) { silent.add($0) }
            let queuePair = try adapter.connectedQueuePair(completions, receivesFrom: shared)
            let mapping = try adapter.map()
            try shared.receive(into: mapping, 0..<8)
            device.reportPort(isActive: true)
            device.completeReceive(queuePair.number)
            #expect(eventually { notifications.list == [.runsLow] })
            #expect(silent.list == [])
            _ = consume other
        }
    }
}
