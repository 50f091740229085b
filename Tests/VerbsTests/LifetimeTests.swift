import Glibc
import TestSupport
import Testing
import Verbs

/// An owner of a C object, with the verbs that create and destroy it.
struct OwnerKind: Sendable, CustomTestStringConvertible {
    let created: Verb
    let destroyed: Verb
    let make: @Sendable (FakeDevice) throws -> any Closable

    var testDescription: String { created.description }

    static let all = [
        OwnerKind(created: .openDevice, destroyed: .closeDevice) { device in
            try device.open()
        },
        OwnerKind(created: .allocateDomain, destroyed: .deallocateDomain) { device in
            try ProtectionDomain(in: device.open())
        },
        OwnerKind(created: .createCompletionChannel, destroyed: .destroyCompletionChannel) {
            device in
            try CompletionChannel(in: device.open())
        },
        OwnerKind(created: .createCompletionQueue, destroyed: .destroyCompletionQueue) { device in
            try CompletionQueue(in: device.open(), depth: 8)
        },
        OwnerKind(created: .createQueuePair, destroyed: .destroyQueuePair) { device in
            try Fixture(device: device, upTo: .reset).queuePair
        },
        OwnerKind(created: .createIdentifier, destroyed: .destroyIdentifier) { device in
            try ConnectionIdentifier(on: EventChannel(verbs: device.verbs))
        },
    ]
}

/// What every owner that is a class has.
protocol Closable: Sendable {
    func close() throws(VerbError)
}

extension DeviceContext: Closable {}
extension ProtectionDomain: Closable {}
extension CompletionChannel: Closable {}
extension CompletionQueue: Closable {}
extension QueuePair: Closable {}
extension ConnectionIdentifier: Closable {}

struct LifetimeTests {
    let device = FakeDevice()

    @Test(arguments: OwnerKind.all)
    func `Dropping an owner destroys its object once, and its parents after it`(
        kind: OwnerKind
    ) throws {
        do { _ = try kind.make(device) }
        #expect(device.callCount(kind.created) == 1)
        #expect(device.callCount(kind.destroyed) == 1)
        #expect(device.liveObjectCount == 0)
        #expect(device.violations == [])
        #expect(device.abandoned == [])
    }

    @Test(arguments: OwnerKind.all)
    func `Closing twice and dropping destroys once`(kind: OwnerKind) throws {
        do {
            let owner = try kind.make(device)
            try owner.close()
            try owner.close()
        }
        #expect(device.callCount(kind.destroyed) == 1)
        #expect(device.liveObjectCount == 0)
        #expect(device.violations == [])
    }

    @Test(arguments: OwnerKind.all)
    func `A refused close leaves the object, and can be repeated`(kind: OwnerKind) throws {
        do {
            let owner = try kind.make(device)
            device.inject(EBUSY, into: kind.destroyed)
            #expect(throws: VerbError(kind.destroyed, EBUSY)) { try owner.close() }
            try owner.close()
        }
        #expect(device.callCount(kind.destroyed) == 2)
        #expect(device.liveObjectCount == 0)
        #expect(device.violations == [])
    }

    @Test(arguments: OwnerKind.all)
    func `What cannot be destroyed on dropping is reported`(kind: OwnerKind) throws {
        device.inject(EIO, into: kind.destroyed, times: .max / 2)
        do { _ = try kind.make(device) }
        #expect(device.abandoned.first == VerbError(kind.destroyed, EIO))
    }

    @Test(arguments: OwnerKind.all)
    func `A failed creation throws the verb and its code, and destroys nothing`(
        kind: OwnerKind
    ) throws {
        device.inject(EMFILE, into: kind.created)
        #expect(throws: VerbError(kind.created, EMFILE)) { try kind.make(device) }
        #expect(device.callCount(kind.destroyed) == 0)
        #expect(device.liveObjectCount == 0)
    }

    @Test func `Parents outlive their children`() throws {
        var queuePair: QueuePair? = try Fixture(device: device).queuePair
        #expect(device.callCount(.destroyCompletionQueue) == 0)
        #expect(device.callCount(.deallocateDomain) == 0)
        #expect(try queuePair?.state() == .readyToSend)
        queuePair = nil
        #expect(device.liveObjectCount == 0)
        #expect(device.violations == [])
    }

    @Test func `A parent with a child cannot be closed, and works on`() throws {
        let fixture = try Fixture(device: device)
        #expect(throws: VerbError(.deallocateDomain, EBUSY)) { try fixture.domain.close() }
        #expect(throws: VerbError(.destroyCompletionQueue, EBUSY)) { try fixture.queue.close() }
        #expect(throws: VerbError(.destroyCompletionChannel, EBUSY)) {
            try fixture.channel.close()
        }
        try fixture.queuePair.close()
        try fixture.queue.close()
        try fixture.channel.close()
        try fixture.domain.close()
        try fixture.context.close()
        #expect(device.liveObjectCount == 0)
        #expect(device.violations == [])
    }
}
