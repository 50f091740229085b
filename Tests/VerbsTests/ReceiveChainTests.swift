import Glibc
import TestSupport
import Testing
import Verbs

struct ReceiveChainTests {
    @Test func `Receives are posted in order with one call`() throws {
        let fixture = try Fixture(upTo: .initialized)
        var chain = ReceiveChain(capacity: 3, elementsPerRequest: 2)
        chain.setElement(0, address: 0x1000, length: 10, key: 1)
        chain.setElement(1, address: 0x2000, length: 20, key: 2)
        chain.append(identifier: 1, elementCount: 2)
        chain.setElement(0, address: 0x3000, length: 30, key: 3)
        chain.append(identifier: 3, elementCount: 1)
        #expect(chain.post(to: fixture.queuePair.postTarget) == .posted)
        let receives = fixture.device.receives(on: fixture.queuePair.number)
        #expect(receives.map(\.identifier) == [1, 3])
        #expect(receives.map { $0.elements.map(\.address) } == [[0x1000, 0x2000], [0x3000]])
        #expect(fixture.device.callCount(.postReceive) == 1)
    }

    @Test func `A queue pair in the reset state refuses the first`() throws {
        let fixture = try Fixture(upTo: .reset)
        var chain = ReceiveChain(capacity: 1, elementsPerRequest: 0)
        chain.append(identifier: 1, elementCount: 0)
        #expect(
            chain.post(to: fixture.queuePair.postTarget)
                == .refused(firstUnposted: 0, code: EINVAL))
    }

    @Test func `A full queue names the first that is too many`() throws {
        let fixture = try Fixture()
        var chain = ReceiveChain(capacity: 9, elementsPerRequest: 0)
        for identifier in 0..<9 { chain.append(identifier: UInt64(identifier), elementCount: 0) }
        #expect(
            chain.post(to: fixture.queuePair.postTarget)
                == .refused(firstUnposted: 7, code: ENOMEM))
        #expect(fixture.device.receives(on: fixture.queuePair.number).count == 7)
    }

    @Test func `An element or a request too many traps`() async {
        await #expect(processExitsWith: .failure) {
            var chain = ReceiveChain(capacity: 1, elementsPerRequest: 0)
            chain.setElement(0, address: 0, length: 0, key: 0)
        }
        await #expect(processExitsWith: .failure) {
            var chain = ReceiveChain(capacity: 1, elementsPerRequest: 0)
            chain.append(identifier: 0, elementCount: 0)
            chain.append(identifier: 1, elementCount: 0)
        }
    }
}
