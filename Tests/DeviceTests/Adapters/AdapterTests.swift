import LAM
import TestSupport
import Testing

extension OnDevice {
    /// What belongs to an adapter, and how it ends.
    @Suite("An adapter")
    struct AdapterTests {
        private static let page = DeviceMemory.pageSize

        @Test("is opened by its name, by its address, or as the first active one")
        func open() throws {
            let first = try Pair.openAdapter()
            let byName = try Adapter.open(.device(first.name, port: first.info.port))
            let byAddress = try Adapter.open(.localAddress(first.info.address))
            #expect(byName.info == first.info)
            #expect(byAddress.info == first.info)
        }

        @Test("that does not exist is refused with what is there")
        func unknown() throws {
            let present = try Pair.openAdapter()
            #expect(throws: AdapterError.unknownDevice("nothing9", available: [present.name])) {
                try Adapter.open(.device("nothing9"))
            }
            let address = try #require(IPAddress("192.0.2.77"))
            #expect(throws: AdapterError.noDeviceWithAddress(address)) { try Adapter.open(.localAddress(address)) }
        }

        @Test("[53] releases a mapping of another adapter at that adapter, where it is unpinned once")
        func releaseElsewhere() async throws {
            // A mapping knows its adapter; the C interface, whose handles do not say so, answers invalidParameter.
            let adapter = try Pair.openAdapter()
            let other = try Pair.openAdapter()
            other.releaseLam(try adapter.buildLam(over: PageBuffer(count: Self.page)))
            try adapter.close(waiting: .seconds(10))
            #expect(adapter.statistics.releases == 1)
            #expect(other.statistics.releases == 0)
        }

        @Test("[53] refuses a post that names a mapping of another adapter")
        func postElsewhere() throws {
            var pair = try Pair()
            let other = try Pair.openAdapter()
            let foreign = try other.buildLam(over: PageBuffer(count: Self.page))
            let own = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            expectRefused(.unknownAddress(element: 0)) { () throws(PostError) in
                try pair.near.queuePair.send(foreign, 0..<8)
            }
            expectRefused(.unknownAddress(element: 0)) { () throws(PostError) in
                try pair.near.queuePair.receive(into: foreign, 0..<8)
            }
            expectIdle(foreign)
            expectIdle(own)
            try pair.close()
        }

        @Test("[54] does not close over a live mapping, and says where that was built")
        func closeWithMapping() throws {
            let adapter = try Pair.openAdapter()
            let line = UInt32(#line + 1)
            let mapping = try adapter.buildLam(over: PageBuffer(count: 3 * Self.page))
            let survivors = try survivorsOfClose(adapter)
            #expect(survivors.mappings.map(\.site.line) == [line])
            #expect(survivors.mappings.map(\.site.file.description) == ["DeviceTests/AdapterTests.swift"])
            #expect(survivors.mappings.map(\.memory.length) == [3 * Self.page])
            let expected = "mapping of \(3 * Self.page) bytes built at DeviceTests/AdapterTests.swift:\(line)"
            #expect(survivors.description == expected + ", used by nothing")
            expectIdle(mapping)
            try adapter.close(waiting: .seconds(10))
        }

        @Test("[54] does not close over queue pairs, windows or released mappings in use, and names them")
        func closeWithEverything() throws {
            var pair = try Pair()
            let target = try pair.openTarget()
            let mapping = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            try pair.near.queuePair.receive(into: mapping, 0..<8)
            mapping.release()
            let numbers = [pair.near.queuePair.number, pair.far.queuePair.number].sorted()
            let survivors = try survivorsOfClose(pair.adapter)
            #expect(survivors.queuePairs == numbers)
            #expect(survivors.completionQueues == 2)
            #expect(survivors.windows == 1)
            #expect(survivors.connections == 0)
            let uses = survivors.mappings.map(\.use.description).sorted()
            let receiving = "1 request on the receive queue of queue pair \(pair.near.queuePair.number)"
            #expect(uses == [receiving, "1 window"].sorted())
            target.close()
            try pair.close()
        }

        @Test("that is closing creates nothing new")
        func nothingNew() throws {
            let adapter = try Pair.openAdapter()
            let mapping = try adapter.buildLam(over: PageBuffer(count: Self.page))
            _ = try survivorsOfClose(adapter)
            #expect(throws: AdapterError.closed) { _ = try adapter.createCompletionQueue(depth: 1) }
            #expect(throws: AdapterError.closed) { _ = try adapter.createMemoryWindow() }
            let memory = try DeviceMemory(pages: 1)
            try expectRefused([memory.descriptor()], in: memory, by: adapter, .closed)
            expectIdle(mapping)
            try adapter.close(waiting: .seconds(10))
            try expectRefused([memory.descriptor()], in: memory, by: adapter, .closed)
        }

        @Test("refuses queue pairs beyond its limits with the numbers")
        func limits() throws {
            let adapter = try Pair.openAdapter()
            let queue = try adapter.createCompletionQueue(depth: 1)
            let limit = adapter.info.maxInlineBytes
            do {
                _ = try adapter.createQueuePair(
                    completions: queue, capacity: QueuePairCapacity(inlineBytes: limit + 1))
                Issue.record("it was created")
            } catch {
                #expect(error == .limitExceeded(what: "inline bytes", asked: limit + 1, limit: limit))
                #expect(error.description.contains("\(limit + 1)") && error.description.contains("\(limit)"))
            }
            let depth = adapter.info.maxCompletionQueueDepth + 1
            #expect(throws: AdapterError.limitExceeded(what: "completion queue depth", asked: depth, limit: depth - 1))
            {
                _ = try adapter.createCompletionQueue(depth: depth)
            }
        }

        /// Tries to close, and gives what is in the way.
        private func survivorsOfClose(_ adapter: Adapter) throws -> Survivors {
            do {
                try adapter.close(waiting: .milliseconds(50))
            } catch .survivors(let survivors) {
                return survivors
            }
            Issue.record("it closed")
            return adapter.survivors
        }
    }
}
