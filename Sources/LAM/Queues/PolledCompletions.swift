import Verbs

/// What the threads that poll a completion queue share: results that wait for the user, and what the queue is armed for.
///
/// Touched only by the one who is inside the queue's turnstile or holds it.
struct PolledCompletions: ~Copyable {
    /// For whoever polls in the user's stead.
    var buffer = PollBuffer(capacity: 32)
    /// What others polled in the user's stead, oldest first. Delivered before anything newer.
    private var pending: [WorkCompletion] = [] {
        didSet { noteCare() }
    }
    private var deliveredCount = 0
    /// Where in `pending` begins what came after the last notification.
    private var unseenStart = 0
    /// Whom to notify, and of what.
    private(set) var arming = Arming() {
        didSet { noteCare() }
    }
    /// What the user's every poll asks: whether something is pending, or somebody is to be notified.
    private(set) var needsCare = false

    private mutating func noteCare() {
        needsCare = !pending.isEmpty || arming.trigger != nil
    }

    // MARK: Results

    /// How many results wait for the user.
    var pendingCount: Int { pending.count - deliveredCount }

    /// Keeps a result for the user.
    mutating func append(_ completion: WorkCompletion) {
        pending.append(completion)
        arming.note(completion)
    }

    /// Gives the user what is pending, as far as there is room.
    mutating func deliver(to entries: inout PollBuffer) {
        while deliveredCount < pending.count, entries.count < entries.capacity {
            entries.append(pending[deliveredCount])
            deliveredCount += 1
        }
        guard deliveredCount == pending.count, deliveredCount > 0 else { return }
        pending.removeAll(keepingCapacity: true)
        deliveredCount = 0
        unseenStart = 0
    }

    // MARK: Arming

    /// Notes what the user polled itself.
    mutating func noteDelivered(_ entries: borrowing PollBuffer, from first: Int) {
        guard arming.trigger != nil else { return }
        for index in first..<entries.count { arming.note(entries[index]) }
    }

    /// Asks for a notification, besides those asked for already.
    mutating func arm(for trigger: NotificationTrigger, isForOwner: Bool) {
        arming.trigger = arming.trigger?.merged(with: trigger) ?? trigger
        arming.isForOwner = arming.isForOwner || isForOwner
    }

    /// Undoes what happened to the arming since it was read.
    mutating func rearm(_ former: Arming) {
        arming = former
    }

    /// Looks whether something that is there, and came after the last notification, is enough for one.
    mutating func noteWaiting() {
        for index in max(deliveredCount, unseenStart)..<pending.count { arming.noteUnheard(pending[index]) }
    }

    /// A notification is due, whatever is there.
    mutating func noteDue() {
        arming.isDue = arming.trigger != nil
    }

    /// The notification is raised; what is pending will cause no other.
    ///
    /// - Returns: what was asked for.
    mutating func disarm() -> Arming {
        unseenStart = pending.count
        defer { arming = Arming() }
        return arming
    }
}

/// Who asked a completion queue for a notification, of what, and whether it has come.
struct Arming {
    /// What is asked for; nil while nobody asks.
    var trigger: NotificationTrigger?
    /// Whether the owner's callback is to be called.
    var isForOwner = false
    /// Whether there is something to notify of.
    var isDue = false

    /// A result came while the device was armed as well: it says by an event whether a receive was solicited.
    mutating func note(_ completion: WorkCompletion) {
        switch trigger {
        case .any: isDue = true
        case .solicited: isDue = isDue || completion.status != .success
        case .errors, nil: break
        }
    }

    /// A result was there before the device was armed. Nothing tells whether a receive was solicited, so that each counts:
    /// a notification too many does no harm.
    mutating func noteUnheard(_ completion: WorkCompletion) {
        note(completion)
        // Both kinds of receives have this bit, and nothing else has.
        let isReceive = completion.operation & UInt32(Operation.receive.rawValue) != 0
        if trigger == .solicited, isReceive { isDue = true }
    }
}
