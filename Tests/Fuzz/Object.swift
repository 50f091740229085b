/// What the interface has objects of.
enum Kind: CaseIterable {
    case adapter, pd, cq, srq, qp, mr, mw, sharedEndpoint, connector, listener

    /// So many at most are open at a time.
    var most: Int {
        switch self {
        case .adapter: 2
        case .qp, .connector: 16
        case .pd: 2
        default: 8
        }
    }
}

/// What the program knows of an object.
// Sendable: what changes does so under the program's lock.
final class Object: @unchecked Sendable {
    let kind: Kind
    let address: UInt
    private let parent: Object?
    /// The protection domain that it was made of.
    let domain: Object?
    /// By which results name a queue pair.
    let token: UInt

    /// Of a queue pair: where its results arrive.
    var queues: [Object] = []
    /// Of a connector.
    var queuePair: Object?
    /// Some thread calls a function of it that nobody else may call at the same time.
    var isClaimed = false
    var phase = Phase.fresh
    /// Of a connector: it came with a connect event.
    var isPassive = false
    /// Of a region: for fast registrations.
    var isFast = false
    /// Of a region that is registered: what it is over.
    var registered: Range<UInt>?
    /// Of a queue pair: regions and windows for which a peer was given a token by it.
    var named: [Object] = []
    /// Of an adapter that is being closed: nothing is made of it any more.
    var isEnding = false
    /// Of an adapter: a thread dispatches its callbacks.
    var loop: CallbackLoop?
    /// Of a domain that was asked, of a region that is registered: by which elements name memory.
    var localToken: UInt32 = 0

    enum Phase {
        case fresh
        /// A connection is being made.
        case underWay
        /// It is there; of a connector that connects, the peer has accepted.
        case answered
        case connected
        /// Of a region: memory is registered, or it is ready for fast registrations.
        case ready
    }

    init(_ kind: Kind, at address: UInt, of parent: Object?, token: UInt = 0) {
        self.kind = kind
        self.address = address
        self.parent = parent?.adapter
        domain = parent.flatMap { $0.kind == .pd ? $0 : nil }
        self.token = token
    }

    var adapter: Object { parent ?? self }

    /// The queue pair has given a peer a token for another object, or has taken it back.
    func note(_ entry: EntryPoint, of other: Object?) {
        guard let other else { return }
        if entry == .invalidate { named.removeAll { $0 === other } } else { named.append(other) }
    }
}

/// What a program passes for an object.
struct Choice {
    let address: UInt
    /// nil if the address is not that of an open object of the right kind.
    let object: Object?
    /// What nobody else may close or post to meanwhile.
    let held: Object?

    /// What is open, and of the right kind or not.
    init(_ object: Object, isRight: Bool = true) {
        address = object.address
        self.object = isRight ? object : nil
        held = object.kind == .adapter ? nil : object
    }

    /// What is not open.
    init(address: UInt) {
        self.address = address
        (object, held) = (nil, nil)
    }

    /// As a function of the interface takes it.
    func pointer<Structure>() -> UnsafeMutablePointer<Structure>? {
        unsafe UnsafeMutablePointer(bitPattern: address)
    }
}
