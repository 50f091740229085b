import Tracking

/// One mapping, and the truth about who uses it.
final class ModelMapping {
    enum Stage {
        case live, closing
        /// The device knows it no more; its slot is not free yet.
        case unmapping
        case retired
    }

    let id: MappingID
    let base: UInt64
    let length: UInt64
    let key: UInt32
    let place: MappingPlace
    /// What it was made of, unless it has a slot for itself.
    let cut: ModelCut?
    var stage = Stage.live

    // MARK: What the device may touch, whether anybody knows it or not

    /// Elements of requests that the device holds, or that are on their way to it.
    var deviceUses = 0
    /// Windows that a peer can use.
    var deviceWindows = 0

    // MARK: What one who sees every call and every completion knows

    /// Elements of requests that are not retired.
    var knownUses = 0
    /// Windows from the post of their bind to their certain end.
    var knownWindows = 0
    /// Elements of requests of shared receive queues that are not retired.
    var sharedUses = 0
    /// True once a fence may stand later than the last use of its queue: a request naming the mapping was given back,
    /// or a fence was left in the slot by a poster that came late.
    var hasLooseFences = false

    init(id: MappingID, base: UInt64, length: UInt64, key: UInt32, place: MappingPlace, cut: ModelCut? = nil) {
        self.id = id
        self.cut = cut
        self.place = place
        self.base = base
        self.length = length
        self.key = key
    }

    var isLarge: Bool { base & 1 << 62 != 0 }
    var isMapped: Bool { stage == .live || stage == .closing }
    var isTouchable: Bool { deviceUses > 0 || deviceWindows > 0 }
    var isKnownBusy: Bool { knownUses > 0 || knownWindows > 0 || sharedUses > 0 }

    func contains(_ address: UInt64) -> Bool {
        address &- base < length
    }

    /// Where the device finds what has an address of the mapping.
    func target(of address: UInt64) -> KeyedAddress {
        KeyedAddress(address: (cut?.device ?? base) + (address - base), key: key)
    }
}

/// A slot that is mapped again and again, over memory that stays registered.
final class ModelCut {
    static let length: UInt64 = 64 << 10

    let cut: Cut
    let key: UInt32
    /// The device's address of the first byte.
    let device: UInt64
    /// Whether a fence of an earlier mapping may stand later than the last use of its queue.
    var hasLooseFences: Bool

    init(_ cut: Cut, key: UInt32, device: UInt64, hasLooseFences: Bool) {
        self.cut = cut
        self.key = key
        self.device = device
        self.hasLooseFences = hasLooseFences
    }
}

/// A type-2 window over a mapping.
final class ModelWindow {
    enum Stage {
        case binding, bound, invalidating, dead
    }

    let mapping: ModelMapping
    let id: MappingID
    unowned let queue: ModelQueue
    var stage = Stage.binding
    var isBoundOnDevice = false
    /// For the canary that drops windows too early.
    var isDropped = false

    init(over mapping: ModelMapping, id: MappingID, queue: ModelQueue) {
        self.mapping = mapping
        self.id = id
        self.queue = queue
    }
}
