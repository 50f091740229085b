import CRDMA
import TestSupport
import Verbs

extension FakeDevice {
    /// The table of a device whose network answers whatever is asked, one connection at a time.
    var selfAnswering: ControlVerbs {
        var verbs = self.verbs
        let base = verbs.connections
        unsafe verbs.connections.resolveAddress = { [self] in
            unsafe answer(base.resolveAddress($0, $1, $2, $3), RDMA_CM_EVENT_ADDR_RESOLVED)
        }
        unsafe verbs.connections.resolveRoute = { [self] in
            unsafe answer(base.resolveRoute($0, $1), RDMA_CM_EVENT_ROUTE_RESOLVED)
        }
        unsafe verbs.connections.connect = { [self] in
            unsafe answer(base.connect($0, $1), RDMA_CM_EVENT_CONNECT_RESPONSE)
        }
        unsafe verbs.connections.accept = { [self] in
            unsafe answer(base.accept($0, $1), RDMA_CM_EVENT_ESTABLISHED)
        }
        unsafe verbs.connections.disconnect = { [self] in
            unsafe answer(base.disconnect($0), RDMA_CM_EVENT_DISCONNECTED)
        }
        return verbs
    }

    private func answer(_ code: CInt, _ kind: rdma_cm_event_type) -> CInt {
        if code == 0 { deliver(kind, to: identifierNumbers.last!, peerOutboundReads: 4, peerInboundReads: 4) }
        return code
    }
}
