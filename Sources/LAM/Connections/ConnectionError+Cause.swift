import Glibc
import Verbs

extension ConnectionError {
    init(_ error: VerbError) {
        self = .verbFailed(verb: error.verb.description, errno: error.code)
    }

    init(_ error: AdapterError) {
        switch error {
        case .closed: self = .adapterClosed
        case .verbFailed(let verb, let code): self = .verbFailed(verb: verb, errno: code)
        default: fatalError("\(error) does not concern connections")
        }
    }

    /// What a refused use of a local address means.
    init(_ error: VerbError, binding address: SocketAddress) {
        switch error.code {
        case EADDRINUSE: self = .addressInUse(address)
        case EADDRNOTAVAIL, ENODEV: self = .addressNotAvailable(address)
        case EACCES: self = .portNotAllowed(address)
        default: self.init(error)
        }
    }

    /// What a refused first step of a connect means; the local address is used in it too.
    init(_ error: VerbError, from source: SocketAddress?, to destination: SocketAddress) {
        switch (error.code, source) {
        case (EADDRINUSE, let source?), (EADDRNOTAVAIL, let source?), (EACCES, let source?):
            self.init(error, binding: source)
        case (ENETUNREACH, _), (ENODEV, _), (EHOSTUNREACH, _):
            self.init(resolution: -error.code, to: destination)
        default: self.init(error)
        }
    }

    /// What the status of an event means when no way to the peer was found.
    ///
    /// A host that does not tell its hardware address in time is not there: the kernel then says `ETIMEDOUT`.
    init(resolution status: Int32, to destination: SocketAddress) {
        switch status {
        case -ENETUNREACH, -ENODEV: self = .networkUnreachable(destination)
        default: self = .hostUnreachable(destination)
        }
    }
}
