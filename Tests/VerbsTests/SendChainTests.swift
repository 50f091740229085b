import Glibc
import TestSupport
import Testing
import Verbs

struct SendChainTests {
    @Test func `A chain reaches the device whole, in order, with one call`() throws {
        let fixture = try Fixture()
        var chain = SendChain(capacity: 4, elementsPerRequest: 2)
        chain.setElement(0, address: 0x1000, length: 10, key: 1)
        chain.setElement(1, address: 0x2000, length: 20, key: 2)
        chain.appendSend(identifier: 1, elementCount: 2, flags: [.solicited])
        chain.setElement(0, address: 0x3000, length: 30, key: 3)
        chain.appendWrite(
            identifier: 2, elementCount: 1, flags: [.fence], remoteAddress: 0x9000, remoteKey: 9)
        chain.setElement(0, address: 0x4000, length: 40, key: 4)
        chain.appendRead(
            identifier: 3, elementCount: 1, flags: [], remoteAddress: 0xa000, remoteKey: 10)
        chain.appendSend(identifier: 4, elementCount: 0, flags: [.signaled], invalidatedKey: 11)

        #expect(chain.post(to: fixture.queuePair.postTarget) == .posted)
        #expect(fixture.device.callCount(.postSend) == 1)
        let sends = fixture.device.sends(on: fixture.queuePair.number)
        #expect(sends.map(\.identifier) == [1, 2, 3, 4])
        #expect(
            sends.map(\.operation) == [
                .send(invalidating: nil),
                .write(remoteAddress: 0x9000, remoteKey: 9),
                .read(remoteAddress: 0xa000, remoteKey: 10),
                .send(invalidating: 11),
            ])
        #expect(sends.map(\.flags) == [[.solicited], [.fence], [], [.signaled]])
        #expect(
            sends.map { $0.elements.map(\.address) } == [[0x1000, 0x2000], [0x3000], [0x4000], []])
        #expect(sends.map { $0.elements.map(\.length) } == [[10, 20], [30], [40], []])
        #expect(sends.map { $0.elements.map(\.key) } == [[1, 2], [3], [4], []])
    }

    @Test func `A chain posts again after a reset, and shorter ones end where they should`() throws {
        let fixture = try Fixture()
        var chain = SendChain(capacity: 3, elementsPerRequest: 0)
        for length in [3, 1, 2] {
            chain.reset()
            for identifier in 0..<length {
                chain.appendSend(
                    identifier: UInt64(10 * length + identifier), elementCount: 0, flags: [])
            }
            #expect(chain.post(to: fixture.queuePair.postTarget) == .posted)
        }
        #expect(
            fixture.device.sends(on: fixture.queuePair.number).map(\.identifier)
                == [30, 31, 32, 10, 20, 21])
    }

    @Test func `An empty chain is posted without a call`() throws {
        let fixture = try Fixture()
        var chain = SendChain(capacity: 1, elementsPerRequest: 1)
        #expect(chain.post(to: fixture.queuePair.postTarget) == .posted)
        #expect(fixture.device.callCount(.postSend) == 0)
    }

    @Test(arguments: 0..<4)
    func `A request that does not fit is named, and those before it are posted`(
        index: Int
    ) throws {
        let fixture = try Fixture()
        var chain = SendChain(capacity: 4, elementsPerRequest: 5)
        for request in 0..<4 {
            let elementCount = request == index ? 5 : 0
            for element in 0..<elementCount {
                chain.setElement(element, address: 0, length: 0, key: 0)
            }
            chain.appendSend(
                identifier: UInt64(request), elementCount: elementCount, flags: [])
        }
        #expect(
            chain.post(to: fixture.queuePair.postTarget)
                == .refused(firstUnposted: index, code: EINVAL))
        #expect(fixture.device.sends(on: fixture.queuePair.number).count == index)
    }

    @Test func `A full queue refuses with ENOMEM, and takes more once it has room`() throws {
        let fixture = try Fixture(
            capacity: QueuePairCapacity(sendDepth: 4, receiveDepth: 1))
        let number = fixture.queuePair.number
        var chain = SendChain(capacity: 8, elementsPerRequest: 0)
        for identifier in 0..<8 {
            chain.appendSend(identifier: UInt64(identifier), elementCount: 0, flags: [])
        }
        #expect(fixture.queuePair.capacity.sendDepth == 4)
        #expect(
            chain.post(to: fixture.queuePair.postTarget)
                == .refused(firstUnposted: 7, code: ENOMEM))
        #expect(fixture.device.complete(number, sends: 1) == 1)
        chain.reset()
        chain.appendSend(identifier: 7, elementCount: 0, flags: [])
        #expect(chain.post(to: fixture.queuePair.postTarget) == .posted)
    }

    @Test(arguments: [QueuePairState.reset, .initialized, .readyToReceive])
    func `Below ready to send an error leaves it open what is posted`(
        state: QueuePairState
    ) throws {
        let fixture = try Fixture(upTo: state)
        var chain = SendChain(capacity: 1, elementsPerRequest: 0)
        chain.appendSend(identifier: 1, elementCount: 0, flags: [])
        #expect(
            chain.post(to: fixture.queuePair.postTarget) == .undetermined(code: EINVAL))
        #expect(fixture.device.sends(on: fixture.queuePair.number).count == 1)
    }

    @Test func `A bind and an invalidation carry nothing of what was in their place before`() throws {
        let fixture = try Fixture()
        let number = fixture.queuePair.number
        let pages = Pages()
        let region = try pages.register(in: fixture.domain)
        let window = try MemoryWindow(in: fixture.domain)
        var chain = SendChain(capacity: 2, elementsPerRequest: 1)
        for identifier in 1...2 as ClosedRange<UInt64> {
            chain.setElement(0, address: pages.address, length: 8, key: region.localKey)
            chain.appendSend(
                identifier: identifier, elementCount: 1, flags: [.signaled], invalidatedKey: 77)
        }
        chain.reset()
        let key = window.nextKey
        chain.appendBind(
            identifier: 3, flags: [], window: window, key: key, region: region,
            address: pages.address + 16, length: 32, rights: [.remoteRead])
        chain.appendLocalInvalidate(identifier: 4, flags: [.signaled], key: key)
        #expect(chain.post(to: fixture.queuePair.postTarget) == .posted)

        let sends = fixture.device.sends(on: number)
        let binding = FakeWindow.Binding(
            region: region.localKey, queuePair: number, address: pages.address + 16, length: 32,
            rights: [.remoteRead])
        #expect(sends.first?.operation == .bind(currentKey: window.key, key: key, to: binding))
        #expect(sends.last?.operation == .localInvalidate(key: key))
        #expect(sends.allSatisfy { send in send.elements.isEmpty })
        #expect(sends.map(\.flags) == [[], [.signaled]])

        window.key = key
        #expect(fixture.device.complete(number, sends: 1) == 1)
        #expect(fixture.device.windows.map(\.binding) == [binding])
        #expect(fixture.device.complete(number, sends: 1) == 1)
        #expect(fixture.device.windows.map(\.binding) == [nil])
        window.end()
        region.end()
        #expect(fixture.device.violations == [])
    }

    @Test func `Inline data needs no key`() throws {
        let fixture = try Fixture(
            capacity: QueuePairCapacity(sendDepth: 1, receiveDepth: 1, inlineBytes: 64))
        var chain = SendChain(capacity: 1, elementsPerRequest: 1)
        chain.setElement(0, address: 0x1234, length: 64, key: 0)
        chain.appendSend(identifier: 1, elementCount: 1, flags: [.inline, .signaled])
        #expect(chain.post(to: fixture.queuePair.postTarget) == .posted)
        #expect(fixture.device.complete(fixture.queuePair.number) == 1)
        #expect(try fixture.poll().map(\.status) == [.success])

        chain.reset()
        chain.setElement(0, address: 0x1234, length: 65, key: 0)
        chain.appendSend(identifier: 2, elementCount: 1, flags: [.inline])
        #expect(
            chain.post(to: fixture.queuePair.postTarget)
                == .refused(firstUnposted: 0, code: EINVAL))
    }

    @Test func `An element, a request or a removal too many traps`() async {
        await #expect(processExitsWith: .failure) {
            var chain = SendChain(capacity: 1, elementsPerRequest: 1)
            chain.setElement(1, address: 0, length: 0, key: 0)
        }
        await #expect(processExitsWith: .failure) {
            var chain = SendChain(capacity: 1, elementsPerRequest: 1)
            chain.appendSend(identifier: 0, elementCount: 2, flags: [])
        }
        await #expect(processExitsWith: .failure) {
            var chain = SendChain(capacity: 1, elementsPerRequest: 1)
            chain.appendSend(identifier: 0, elementCount: 0, flags: [])
            chain.appendLocalInvalidate(identifier: 0, flags: [], key: 0)
        }
    }
}
