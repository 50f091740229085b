import LAM
import TestSupport
import Testing

extension OnDevice {
    /// What must not reach the device, because it answers with the end of the connection, or of the machine.
    @Suite("A refused bind or invalidation")
    struct WindowRefusalTests {
        private static let page = DeviceMemory.pageSize

        @Test("[77] a window that is not bound, not yet bound or no longer bound is not invalidated")
        func invalidation() throws {
            var pair = try Pair()
            let window = try pair.adapter.createMemoryWindow()
            let mapping = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            expectRefused(.window(.notBound)) { () throws(PostError) in
                try pair.far.queuePair.invalidate(window)
            }
            _ = try pair.far.queuePair.bind(window, over: mapping, 0..<8, access: .read)
            expectRefused(.window(.stillBinding)) { () throws(PostError) in
                try pair.far.queuePair.invalidate(window)
            }
            _ = try pair.far.completions.next()
            expectRefused(.window(.boundElsewhere)) { () throws(PostError) in
                try pair.near.queuePair.invalidate(window)
            }
            try pair.far.queuePair.invalidate(window)
            expectRefused(.window(.notBound)) { () throws(PostError) in
                try pair.far.queuePair.invalidate(window)
            }
            _ = try pair.far.completions.next()
            expectRefused(.window(.notBound)) { () throws(PostError) in
                try pair.far.queuePair.invalidate(window)
            }
            try expectUsable(&pair)
            expectIdle(mapping)
            drop(window)
            try pair.close()
        }

        @Test("[80] a bind without rights, without bytes, outside the mapping or of a bound window is refused")
        func bind() throws {
            var pair = try Pair()
            let target = try pair.openTarget()
            let window = try pair.adapter.createMemoryWindow()
            let mapping = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            expectRefused(.window(.noRights)) { () throws(PostError) in
                _ = try pair.far.queuePair.bind(window, over: mapping, 0..<8, access: [])
            }
            expectRefused(.window(.emptyRange)) { () throws(PostError) in
                _ = try pair.far.queuePair.bind(window, over: mapping, 8..<8, access: .read)
            }
            expectRefused(.beyondMapping(element: 0)) { () throws(PostError) in
                _ = try pair.far.queuePair.bind(window, over: mapping, 0..<Self.page + 1, access: .read)
            }
            expectRefused(.beyondMapping(element: 0)) { () throws(PostError) in
                _ = try pair.far.queuePair.bind(window, over: mapping, -1..<8, access: .read)
            }
            expectRefused(.window(.alreadyBound)) { () throws(PostError) in
                _ = try pair.far.queuePair.bind(target.window, over: mapping, 0..<8, access: .read)
            }
            expectIdle(mapping)
            try expectUsable(&pair)
            drop(window)
            target.close()
            try pair.close()
        }

        @Test("[80] a window or a mapping of another adapter is refused")
        func otherAdapter() throws {
            var pair = try Pair()
            let other = try Pair.openAdapter()
            let foreignWindow = try other.createMemoryWindow()
            let buffer = try PageBuffer(count: Self.page)
            let foreignMapping = try other.buildLam(over: buffer)
            let window = try pair.adapter.createMemoryWindow()
            let mapping = try pair.adapter.buildLam(over: buffer)
            // Both adapters number their mappings alike, so that the address alone does not tell.
            let isSameAddress = mapping.baseAddress == foreignMapping.baseAddress
            #expect(isSameAddress)
            expectRefused(.unknownAddress(element: 0)) { () throws(PostError) in
                _ = try pair.far.queuePair.bind(window, over: foreignMapping, 0..<8, access: .read)
            }
            expectRefused(.window(.otherAdapter)) { () throws(PostError) in
                _ = try pair.far.queuePair.bind(foreignWindow, over: mapping, 0..<8, access: .read)
            }
            expectRefused(.window(.notBound)) { () throws(PostError) in
                try pair.far.queuePair.invalidate(foreignWindow)
            }
            expectIdle(foreignMapping)
            expectIdle(mapping)
            try expectUsable(&pair)
            drop(window)
            try pair.close()
        }

        @Test("before the queue pair is connected, or after it has ended, holds nothing")
        func notConnected() throws {
            var pair = try Pair(isConnected: false)
            let window = try pair.adapter.createMemoryWindow()
            let mapping = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            expectRefused(.notConnected) { () throws(PostError) in
                _ = try pair.far.queuePair.bind(window, over: mapping, 0..<8, access: .read)
            }
            #expect(window.remoteMemory == nil)
            expectIdle(mapping)
            drop(window)
            try pair.close()
        }

        /// Expects that a message still arrives.
        private func expectUsable(_ pair: inout Pair, sourceLocation: SourceLocation = #_sourceLocation) throws {
            let sink = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            try pair.near.queuePair.receive(into: sink, 0..<8)
            try pair.far.sendInline([1])
            #expect(try pair.near.completions.next()[0].status == .success, sourceLocation: sourceLocation)
            #expect(try pair.far.completions.next()[0].status == .success, sourceLocation: sourceLocation)
            expectIdle(sink, sourceLocation: sourceLocation)
        }
    }
}
