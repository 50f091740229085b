import Glibc
import TestSupport
import TrackingModel

/// What a device does by itself, on a thread of its own: late completions come, and the kernel finishes a removal.
final class DeviceWeather: Sendable {
    private let isOver = SharedValue(false)
    private let thread: TestThread

    init(on device: FakeDevice, seed: UInt64) {
        thread = TestThread { [isOver] in
            var random = RandomSource(seed: seed)
            while !isOver.value {
                usleep(UInt32(100 << random.below(7)))
                device.deliverLate(atMost: 1 + random.below(8))
                if random.chance(5) { device.finishRemoval() }
            }
            device.finishRemoval()
        }
    }

    /// Ends it.
    func end() {
        isOver.value = true
        thread.join()
    }
}
