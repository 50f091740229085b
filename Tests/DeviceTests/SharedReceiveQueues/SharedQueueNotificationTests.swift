import LAM
import TestSupport
import Testing

extension OnDevice {
    /// When a shared receive queue says that it runs low. Rule 2.11.
    @Suite("The notification of a shared receive queue")
    struct SharedQueueNotificationTests {
        private static let page = DeviceMemory.pageSize

        @Test("[104] comes strictly below the threshold, once, polled or not", arguments: [false, true])
        func below(isPolled: Bool) throws {
            let notifications = Notifications()
            var pairs = try SharedPairs(threshold: 3) { notifications.add($0) }
            let mapping = try pairs.adapter.buildLam(over: PageBuffer(count: Self.page))
            for _ in 0..<6 { try pairs.shared.receive(into: mapping, 0..<8) }
            for _ in 0..<3 { try pairs.first.send([1]) }
            if isPolled { _ = try pairs.first.far.completions.next(3) }
            #expect(notifications.settled(at: 0), "three are left, which is not fewer than three")
            try pairs.second.send([1])
            #expect(notifications.settled(at: 1))
            try pairs.second.send([1])
            if isPolled { _ = try pairs.second.far.completions.next(2) }
            #expect(notifications.settled(at: 1), "nobody asked again")
            let adapter = try pairs.close()
            #expect(notifications.list == [.runsLow])
            expectIdle(mapping)
            try adapter.close(waiting: .seconds(10))
        }

        @Test(
            "[104] comes at once where fewer are left already, though the device is silent", arguments: [false, true])
        func already(isPolled: Bool) throws {
            let notifications = Notifications()
            var pairs = try SharedPairs { notifications.add($0) }
            let mapping = try pairs.adapter.buildLam(over: PageBuffer(count: Self.page))
            for _ in 0..<5 { try pairs.shared.receive(into: mapping, 0..<8) }
            for _ in 0..<2 { try pairs.first.send([1]) }
            if isPolled { _ = try pairs.first.far.completions.next(2) }
            try pairs.shared.modify(threshold: 3)
            #expect(notifications.settled(at: 0), "three are left, which is not fewer than three")
            try pairs.shared.modify(threshold: 4)
            #expect(notifications.settled(at: 1))
            try pairs.shared.modify(threshold: 4)
            #expect(notifications.settled(at: 2))
            let adapter = try pairs.close()
            expectIdle(mapping)
            try adapter.close(waiting: .seconds(10))
        }

        @Test("[104] is not changed by a modification to (0, 0), nor by a new depth")
        func unchanged() throws {
            let notifications = Notifications()
            var pairs = try SharedPairs(threshold: 2) { notifications.add($0) }
            let mapping = try pairs.adapter.buildLam(over: PageBuffer(count: Self.page))
            for _ in 0..<2 { try pairs.shared.receive(into: mapping, 0..<8) }
            try pairs.shared.modify(depth: 0, threshold: 0)
            try pairs.shared.modify(depth: 40)
            #expect(pairs.shared.depth == 40)
            #expect(notifications.settled(at: 0))
            try pairs.first.send([1])
            #expect(notifications.settled(at: 1))
            try pairs.shared.modify()
            try pairs.first.send([1])
            #expect(notifications.settled(at: 1))
            let adapter = try pairs.close()
            expectIdle(mapping)
            try adapter.close(waiting: .seconds(10))
        }

        @Test("[104] a threshold beyond the depth is refused, and changes nothing")
        func refused() throws {
            let pairs = try SharedPairs(depth: 5)
            do throws(AdapterError) {
                try pairs.shared.modify(threshold: 6)
                Issue.record("it was taken")
            } catch {
                #expect(error == .limitExceeded(what: "notification threshold", asked: 6, limit: 5))
            }
            try pairs.shared.modify(threshold: 5)
            try pairs.close().close(waiting: .seconds(10))
        }
    }
}
