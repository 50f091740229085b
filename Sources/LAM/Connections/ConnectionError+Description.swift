extension ConnectionError: CustomStringConvertible {
    /// What was asked, what the limit is, and what to do.
    public var description: String {
        switch self {
        case .refused(let address, let reason, _): reason.text(address)
        case .networkUnreachable(let address):
            "no RDMA route leads to \(address.address); `ip route get \(address.address)` names the interface it would take"
        case .hostUnreachable(let address):
            "no host answers at \(address.address); is the address right, and is the host up?"
        case .timedOut(let address, let limit):
            "\(address) did not answer within \(limit); is the peer's program still running?"
        case .aborted(let address, _): "\(address) gave the connection up while it was being made"
        case .cancelled: "the task was cancelled"
        case .addressInUse(let address):
            "\(address) is in use; choose another port, or 0 to have one chosen"
        case .addressAlreadyExists(let local, let peer):
            "\(local) is connected with \(peer) already; end that connection, or connect from another port"
        case .noPortLeft(let address): "no port from 49152 on is free at \(address.address); choose another one"
        case .endpointClosed(let address): "the shared endpoint at \(address) is closed"
        case .addressNotAvailable(let address):
            "\(address.address) is not an address of the adapter; `lam devices` lists the addresses that there are"
        case .portNotAllowed(let address):
            "port \(address.port) is reserved; choose one from 1024 on, or grant the program CAP_NET_BIND_SERVICE"
        case .otherDevice(let address, let device, let port):
            "the way to \(address.address) leads through port \(port) of \(device); open an adapter on that device"
        case .privateDataTooLong(let asked, let limit):
            "\(asked) bytes of private data asked, the transport carries \(limit); send the rest as a message"
        case .wrongState(let call, let state): "\(call) is not possible: the connector \(state.clause)"
        case .queuePairNotUsable(let number):
            "queue pair \(number) was connected before or is of another adapter; create a new one for each connection"
        case .deviceRemoved: "the device was removed"
        case .adapterClosed: "the adapter is closed"
        case .verbFailed(let verb, let code): "\(verb) failed with errno \(code)"
        }
    }
}

extension RefusalReason {
    fileprivate func text(_ address: SocketAddress) -> String {
        switch self {
        case .noListener: "no one listens at \(address)"
        case .peer: "the program at \(address) refused the connection"
        case .staleConnection:
            "\(address) still remembers an earlier connection of this queue pair; try again with a new queue pair"
        case .transport(let number): "\(address) refused the connection with reason \(number) of the transport"
        }
    }
}
