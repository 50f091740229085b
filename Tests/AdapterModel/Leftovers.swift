import TestSupport
import enum Verbs.Verb

/// What the end of an adapter leaves because the device would not let it go.
struct Leftovers {
    /// The verbs that were refused when nobody was left to try again.
    var abandoned: [Verb] = []
    /// How many objects that leaves.
    var objectCount = 0
    /// What an adapter cannot help then.
    var violations: [FakeViolation] = []

    /// Makes one of the last verbs of an adapter fail, or none.
    init(_ choice: Int?, on device: FakeDevice) {
        switch choice {
        case 0:
            device.inject(5, into: .closeDevice)
            (abandoned, objectCount) = ([.closeDevice], 1)
        case 1:
            device.inject(5, into: .deallocateDomain)
            // The domain is left, and its device is closed all the same.
            (abandoned, objectCount, violations) = ([.deallocateDomain], 1, [.closedWithObjects(count: 1)])
        default:
            break
        }
    }
}
