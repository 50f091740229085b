import CRDMA
import Glibc
import Synchronization
import TestSupport
import Testing
import Verbs

struct QueuePairTests {
    @Test func `What is granted is at least what was asked for`() throws {
        let asked = QueuePairCapacity(
            sendDepth: 16, receiveDepth: 4, sendElements: 2, receiveElements: 3, inlineBytes: 100)
        let granted = try Fixture(capacity: asked).queuePair.capacity
        #expect(
            granted
                == QueuePairCapacity(
                    sendDepth: 16, receiveDepth: 4, sendElements: 6, receiveElements: 3,
                    inlineBytes: 100))
    }

    @Test(arguments: [
        QueuePairCapacity(sendDepth: 1 << 21, receiveDepth: 1),
        QueuePairCapacity(sendDepth: 1, receiveDepth: .max),
        QueuePairCapacity(sendDepth: 1, receiveDepth: 1, sendElements: 33),
        QueuePairCapacity(sendDepth: 1, receiveDepth: 1, inlineBytes: 513),
    ])
    func `A capacity beyond the device is refused`(capacity: QueuePairCapacity) {
        #expect(throws: VerbError(.createQueuePair, EINVAL)) { _ = try Fixture(capacity: capacity) }
    }

    @Test func `The steps lead to ready to send, and each step only from the one before`() throws {
        let fixture = try Fixture(upTo: .reset)
        let queuePair = fixture.queuePair
        #expect(try queuePair.state() == .reset)
        #expect(throws: VerbError(.modifyQueuePair, EINVAL)) {
            try queuePair.modify(.readyToSend(firstPacket: 0))
        }
        try queuePair.step(upTo: .readyToSend)
        #expect(try queuePair.state() == .readyToSend)
        try queuePair.modify(.error)
        #expect(try queuePair.state() == .error)
    }

    @Test func `The attributes reach C as they were set`() throws {
        let device = FakeDevice()
        let seen = Mutex<[(ibv_qp_attr, CInt)]>([])
        var verbs = device.verbs
        let modify = unsafe verbs.queues.modifyQueuePair
        unsafe verbs.queues.modifyQueuePair = { queuePair, attributes, mask in
            let copy = unsafe attributes.pointee
            seen.withLock { seen in seen.append((copy, mask)) }
            return unsafe modify(queuePair, attributes, mask)
        }
        let context = try #require(try DeviceList(verbs: verbs).devices.first).open()
        let domain = try ProtectionDomain(in: context)
        let queue = try CompletionQueue(in: context, depth: 8)
        let queuePair = try QueuePair(
            in: domain, sendQueue: queue, receiveQueue: queue,
            capacity: QueuePairCapacity(sendDepth: 1, receiveDepth: 1))
        try queuePair.modify(.initialized(port: 1, peerRights: [.remoteRead]))
        var receive = QueuePairAttributes.readyToReceive(from: .fake)
        receive.inboundReads = 16
        receive.receiverNotReadyTimer = 1
        try queuePair.modify(receive)
        var send = QueuePairAttributes.readyToSend(firstPacket: 5)
        send.outboundReads = 4
        send.acknowledgementTimeout = 18
        send.retries = 3
        send.receiverNotReadyRetries = 2
        try queuePair.modify(send)

        let steps = seen.withLock { seen in seen }
        #expect(steps.map(\.0.qp_state) == [IBV_QPS_INIT, IBV_QPS_RTR, IBV_QPS_RTS])
        #expect(steps[0].0.qp_access_flags == IBV_ACCESS_REMOTE_READ.rawValue)
        #expect(steps[1].0.dest_qp_num == 99)
        #expect(steps[1].0.ah_attr.is_global == 1)
        #expect(steps[1].0.ah_attr.grh.sgid_index == 1)
        #expect(steps[1].0.path_mtu == IBV_MTU_1024)
        #expect(steps[1].0.max_dest_rd_atomic == 16)
        #expect(steps[1].0.min_rnr_timer == 1)
        #expect(steps[2].0.sq_psn == 5)
        #expect(steps[2].0.max_rd_atomic == 4)
        #expect(steps[2].0.timeout == 18)
        #expect(steps[2].0.retry_cnt == 3)
        #expect(steps[2].0.rnr_retry == 2)
    }

    @Test func `A peer without a global address is reached by its local one`() throws {
        var peer = QueuePairPeer.fake
        peer.identifier = nil
        peer.localIdentifier = 12
        let fixture = try Fixture(upTo: .initialized)
        try fixture.queuePair.modify(.readyToReceive(from: peer))
        #expect(try fixture.queuePair.state() == .readyToReceive)
    }
}
