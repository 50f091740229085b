import Glibc
import LAM
import TestSupport
import Testing
import enum Verbs.Verb

/// Waits as long as a notification that must not come would take.
func settle() { usleep(20_000) }

@Suite("A completion queue that is armed")
struct ArmingTests {
    @Test("[97] notifies once for each arming, and not without one")
    func once() async throws {
        try await withFakeAdapter { adapter, device in
            let notified = Notified()
            var completions = try adapter.createCompletionQueue(depth: 8) { notified.add($0) }
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            for _ in 0..<8 { try queuePair.receive(into: mapping, 0..<8) }
            device.completeReceive(queuePair.number)
            settle()
            #expect(notified.value == [], "nobody armed it")
            #expect(completions.drain().count == 1)
            for round in 1...3 {
                try completions.arm()
                device.completeReceive(queuePair.number)
                #expect(notified.reaches(round))
                device.completeReceive(queuePair.number)
                settle()
                #expect(notified.value == Array(repeating: .ready, count: round), "it was armed \(round) times")
                #expect(completions.drain().count == 2)
            }
        }
    }

    @Test("[97] also of a result that its user polls before the callback comes")
    func polled() async throws {
        try await withFakeAdapter { adapter, device in
            for _ in 0..<50 {
                let notified = Notified()
                var completions = try adapter.createCompletionQueue(depth: 8) { notified.add($0) }
                var queuePair = try adapter.connectedQueuePair(completions)
                let mapping = try adapter.map()
                try queuePair.receive(into: mapping, 0..<8)
                try completions.arm()
                device.completeReceive(queuePair.number)
                #expect(completions.take(1).count == 1)
                #expect(notified.reaches(1))
                queuePair.close()
                #expect(notified.value == [.ready])
                mapping.releaseNow()
            }
        }
    }

    @Test(
        "[98] notifies at once of what is there and was not told, polled in the user's stead or not",
        arguments: [false, true])
    func unseen(isPending: Bool) async throws {
        try await withFakeAdapter { adapter, device in
            let notified = Notified()
            var completions = try adapter.createCompletionQueue(depth: 8) { notified.add($0) }
            var queuePair = try adapter.connectedQueuePair(completions)
            var mapping = try adapter.map()
            for _ in 0..<4 { try queuePair.receive(into: mapping, 0..<8) }
            device.completeReceive(queuePair.number)
            // A refused release polls in the user's stead.
            if isPending { mapping = try mapping.expectBusy() }
            try completions.arm()
            #expect(notified.reaches(1))
            // The first result is still there. It is told; the second came after that.
            device.completeReceive(queuePair.number)
            if isPending { mapping = try mapping.expectBusy() }
            try completions.arm()
            #expect(notified.reaches(2))
            #expect(completions.take(2).count == 2)
            try completions.arm()
            settle()
            #expect(notified.value.count == 2, "nothing is there")
            device.completeReceive(queuePair.number)
            #expect(notified.reaches(3))
        }
    }

    @Test(
        "[99] twice notifies once, of whichever comes first",
        arguments: [NotificationTrigger.any, .errors, .solicited], [NotificationTrigger.any, .errors, .solicited])
    func merged(first: NotificationTrigger, second: NotificationTrigger) async throws {
        try await withFakeAdapter { adapter, device in
            let notified = Notified()
            var completions = try adapter.createCompletionQueue(depth: 8) { notified.add($0) }
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            for _ in 0..<4 { try queuePair.receive(into: mapping, 0..<8) }
            try completions.arm(for: first)
            try completions.arm(for: second)
            let isForAny = first == .any || second == .any
            let isForSolicited = !isForAny && (first == .solicited || second == .solicited)
            device.completeReceive(queuePair.number)
            #expect(
                isForAny
                    ? notified.reaches(1)
                    : {
                        settle(); return notified.value.isEmpty
                    }())
            device.completeReceive(queuePair.number, isSolicited: true)
            #expect(
                isForAny || isForSolicited
                    ? notified.reaches(1)
                    : {
                        settle(); return notified.value.isEmpty
                    }())
            device.failReceiveQueue(of: queuePair.number)
            if !isForAny, !isForSolicited { #expect(notified.reaches(1)) }
            settle()
            #expect(notified.value == [isForAny || isForSolicited ? .ready : .completionsLost])
        }
    }

    @Test("[100] for solicited ones is silent for others")
    func solicited() async throws {
        try await withFakeAdapter { adapter, device in
            let notified = Notified()
            var completions = try adapter.createCompletionQueue(depth: 16) { notified.add($0) }
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            for _ in 0..<4 { try queuePair.receive(into: mapping, 0..<8) }
            for _ in 0..<2 {
                try completions.arm(for: .solicited)
                try queuePair.send(mapping, 0..<8)
                device.complete(queuePair.number)
                device.completeReceive(queuePair.number)
                settle()
                #expect(notified.value == [])
                #expect(completions.take(2).count == 2)
            }
            device.completeReceive(queuePair.number, isSolicited: true)
            #expect(notified.reaches(1))
            #expect(completions.take(1).count == 1)
            try completions.arm(for: .solicited)
            device.completeReceive(queuePair.number)
            settle()
            #expect(notified.value == [.ready])
        }
    }

    @Test("[100] for solicited ones notifies of a failure, on either side (T46)", arguments: [false, true])
    func failure(isReceive: Bool) async throws {
        try await withFakeAdapter { adapter, device in
            let notified = Notified()
            var completions = try adapter.createCompletionQueue(depth: 16) { notified.add($0) }
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            try completions.arm(for: .solicited)
            if isReceive {
                try queuePair.receive(into: mapping, 0..<8)
                device.completeReceive(queuePair.number, byteCount: 9)
            } else {
                try queuePair.send(mapping, 0..<8)
                device.fail(queuePair.number)
            }
            #expect(notified.reaches(1))
            settle()
            #expect(notified.value == [.ready])
            #expect(completions.take(1).map(\.status.rawValue) == [isReceive ? 2 : 12])
        }
    }

    @Test("[100] for solicited ones notifies of a failure that its user polls itself")
    func polledFailure() async throws {
        try await withFakeAdapter { adapter, device in
            let notified = Notified()
            var completions = try adapter.createCompletionQueue(depth: 16) { notified.add($0) }
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            try queuePair.send(mapping, 0..<8)
            try completions.arm(for: .solicited)
            device.fail(queuePair.number)
            #expect(completions.take(1).count == 1)
            #expect(notified.reaches(1))
        }
    }

    @Test("[101] for errors is silent until the queue fails, which is told whatever it is armed for")
    func errors() async throws {
        try await withFakeAdapter { adapter, device in
            let notified = Notified()
            var completions = try adapter.createCompletionQueue(depth: 16) { notified.add($0) }
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            for _ in 0..<2 { try queuePair.receive(into: mapping, 0..<8) }
            try completions.arm(for: .errors)
            try queuePair.send(mapping, 0..<8)
            device.complete(queuePair.number)
            device.completeReceive(queuePair.number, isSolicited: true)
            #expect(completions.take(2).count == 2)
            settle()
            #expect(notified.value == [])
            device.failReceiveQueue(of: queuePair.number)
            #expect(notified.reaches(1))
            for trigger in [NotificationTrigger.any, .solicited, .errors] {
                let count = notified.value.count
                try completions.arm(for: trigger)
                #expect(notified.reaches(count + 1))
            }
            #expect(notified.value == Array(repeating: .completionsLost, count: 4))
        }
    }

    @Test("[101] is not told of a failure that nobody asked for")
    func unasked() async throws {
        try await withFakeAdapter { adapter, device in
            let notified = Notified()
            var completions = try adapter.createCompletionQueue(depth: 16) { notified.add($0) }
            let queuePair = try adapter.connectedQueuePair(completions)
            try completions.arm()
            device.failReceiveQueue(of: queuePair.number)
            #expect(notified.reaches(1))
            settle()
            #expect(notified.value == [.completionsLost])
            queuePair.close()
        }
    }

    @Test("[103] never notifies of silent successes, nor of what the library posts itself")
    func silent() async throws {
        try await withFakeAdapter(over: FakeDevice(carriesOutSendsAtOnce: true)) { adapter, device in
            let notified = Notified()
            var completions = try adapter.createCompletionQueue(depth: 16) { notified.add($0) }
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            let other = try adapter.map()
            try completions.arm()
            var sent = 0
            while sent < 1000 {
                do throws(PostError) {
                    try queuePair.send(mapping, 0..<8, flags: .silentSuccess)
                    sent += 1
                } catch {
                    // The notifier polls them.
                    #expect(error == .queueFull(depth: 8))
                    sched_yield()
                }
            }
            // Has a marker posted behind the last ones.
            await mapping.released()
            settle()
            #expect(notified.value == [])
            try queuePair.send(other, 0..<8, context: 7)
            #expect(notified.reaches(1))
            #expect(completions.take(1).map(\.context) == [7])
            settle()
            #expect(notified.value == [.ready])
        }
    }

    @Test("stays armed as it was when the device refuses to be")
    func refused() async throws {
        try await withFakeAdapter { adapter, device in
            let notified = Notified()
            var completions = try adapter.createCompletionQueue(depth: 16) { notified.add($0) }
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            for _ in 0..<2 { try queuePair.receive(into: mapping, 0..<8) }
            device.inject(EIO, into: .armCompletionQueue)
            do throws(AdapterError) {
                try completions.arm()
                Issue.record("it was armed")
            } catch {
                #expect(error == .verbFailed(verb: "ibv_req_notify_cq", errno: EIO))
            }
            device.completeReceive(queuePair.number)
            settle()
            #expect(notified.value == [])
            #expect(completions.take(1).count == 1)
            try completions.arm()
            device.completeReceive(queuePair.number)
            #expect(notified.reaches(1))
        }
    }

    @Test("does not keep its user from waiting, nor the user's wait the notification")
    func waiting() async throws {
        try await withFakeAdapter { adapter, device in
            let notified = Notified()
            var completions = try adapter.createCompletionQueue(depth: 16) { notified.add($0) }
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            var batch = CompletionBatch()
            for round in 1...50 {
                try queuePair.receive(into: mapping, 0..<8, context: UInt64(round))
                if round.isMultiple(of: 2) { try completions.arm() }
                let number = queuePair.number
                let arriving = TestThread {
                    usleep(UInt32.random(in: 0...300))
                    device.completeReceive(number)
                }
                #expect(try completions.wait(into: &batch, atMost: .seconds(10)) == 1)
                #expect(batch[0].context == UInt64(round))
                #expect(notified.reaches(round / 2))
                arriving.join()
            }
            #expect(notified.value.count == 25)
        }
    }
}
