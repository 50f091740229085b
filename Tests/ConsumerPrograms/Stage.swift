// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation
// The entry points are documented in ndkpi.h and ndk.h.

import CRDMA
import LAM
import NDK
public import NDKConsumer
import Synchronization
import TestSupport
import Verbs

/// The device that the programs work with, and the peer.
enum Stage {
    private static let current = Mutex<FakeDevice?>(nil)

    /// Has adapters be opened on a device, whose network answers whatever is asked.
    static func set(_ device: FakeDevice) {
        current.withLock { $0 = device }
        Provider.verbs.withLock { $0 = device.selfAnswering }
    }

    fileprivate static var device: FakeDevice { current.withLock { $0! } }
}

@c @implementation
public func stage_message(_ byteCount: ULONG, _ token: UINT32) {
    guard let number = Stage.device.queuePairNumbers.max() else { return }
    Stage.device.completeReceive(number, byteCount: byteCount, invalidating: token == 0 ? nil : token)
}

@c @implementation
public func stage_failure() {
    guard let number = Stage.device.queuePairNumbers.max() else { return }
    Stage.device.fail(number)
}

@c @implementation
public func stage_request(_ privateData: UnsafePointer<CChar>?) {
    Stage.device.deliver(
        RDMA_CM_EVENT_CONNECT_REQUEST, to: Stage.device.identifierNumbers.first!, peerQueuePair: 77,
        peerOutboundReads: 4, peerInboundReads: 4, privateData: Array(unsafe String(cString: privateData!).utf8))
}

@c @implementation
public func stage_refused_request(_ privateData: UnsafePointer<CChar>?) -> CBool {
    let former = Stage.device.identifierNumbers
    unsafe stage_request(privateData)
    return eventually { Stage.device.identifierNumbers == former }
}

@c @implementation
public func stage_disconnect() {
    Stage.device.deliver(RDMA_CM_EVENT_DISCONNECTED, to: Stage.device.identifierNumbers.last!)
}
