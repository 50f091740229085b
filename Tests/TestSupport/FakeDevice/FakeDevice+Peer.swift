import CRDMA
package import Verbs

extension FakeDevice {
    /// The table of a device whose network answers whatever is asked.
    package var selfAnswering: ControlVerbs {
        var verbs = self.verbs
        let base = verbs.connections
        unsafe verbs.connections.resolveAddress = { [self] in
            unsafe answer(base.resolveAddress($0, $1, $2, $3), RDMA_CM_EVENT_ADDR_RESOLVED, to: $0)
        }
        unsafe verbs.connections.resolveRoute = { [self] in
            unsafe answer(base.resolveRoute($0, $1), RDMA_CM_EVENT_ROUTE_RESOLVED, to: $0)
        }
        unsafe verbs.connections.connect = { [self] in
            unsafe answer(base.connect($0, $1), RDMA_CM_EVENT_CONNECT_RESPONSE, to: $0)
        }
        unsafe verbs.connections.accept = { [self] in
            unsafe answer(base.accept($0, $1), RDMA_CM_EVENT_ESTABLISHED, to: $0)
        }
        unsafe verbs.connections.disconnect = { [self] in
            unsafe answer(base.disconnect($0), RDMA_CM_EVENT_DISCONNECTED, to: $0)
        }
        return verbs
    }

    private func answer(
        _ code: CInt, _ kind: rdma_cm_event_type, to identifier: ConnectionVerbs.Identifier
    ) -> CInt {
        if code == 0 {
            deliver(kind, to: unsafe number(of: identifier), peerOutboundReads: 4, peerInboundReads: 4)
        }
        return code
    }
}
