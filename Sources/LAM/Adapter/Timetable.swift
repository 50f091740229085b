import Synchronization

/// Something to be done at a time, unless it is called off before.
final class Alarm: Sendable {
    let time: MonotonicTime
    let body: @Sendable () -> Void
    private let isOff = Atomic<Bool>(false)

    init(at time: MonotonicTime, _ body: @escaping @Sendable () -> Void) {
        self.time = time
        self.body = body
    }

    /// Whether it was called off.
    var isCalledOff: Bool { isOff.load(ordering: .acquiring) }

    /// - Returns: whether this was the first time.
    fileprivate func callOff() -> Bool { !isOff.exchange(true, ordering: .acquiringAndReleasing) }
}

/// Alarms in the order of their times.
struct Timetable {
    private var alarms: [Alarm] = []
    private var calledOffCount = 0

    /// When the next one is due; nil without any.
    var nextTime: MonotonicTime? { alarms.first?.time }

    /// Adds an alarm, behind those of the same time.
    ///
    /// - Complexity: O(1) if it is the latest, otherwise O(*n*).
    mutating func add(_ alarm: Alarm) {
        let index = alarms.lastIndex { $0.time <= alarm.time }.map { $0 + 1 } ?? 0
        alarms.insert(alarm, at: index)
    }

    /// Forgets an alarm.
    ///
    /// - Complexity: O(1), amortized: it goes with others.
    mutating func callOff(_ alarm: Alarm) {
        guard alarm.callOff() else { return }
        calledOffCount += 1
        guard calledOffCount > alarms.count / 2 else { return }
        alarms.removeAll(where: \.isCalledOff)
        calledOffCount = 0
    }

    /// Takes out those that are due.
    mutating func takeDue(at now: MonotonicTime) -> [Alarm] {
        let count = alarms.firstIndex { $0.time > now } ?? alarms.count
        let due = Array(alarms.prefix(count))
        alarms.removeFirst(count)
        calledOffCount = max(0, calledOffCount - due.count(where: \.isCalledOff))
        return due.filter { !$0.isCalledOff }
    }
}
