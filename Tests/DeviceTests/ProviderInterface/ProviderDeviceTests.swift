import Foundation
import LAM
import NDK
import NDKConsumer
import NDKConsumerCxx
import TestSupport
import Testing

extension OnDevice {
    @Suite(.timeLimit(.minutes(2)))
    struct ProviderDeviceTests {
        @Test(arguments: ["C", "C++"])
        func `a program connects, moves data through a region and a window, and releases a mapping under a receive`(
            in language: String
        ) throws {
            let adapter = try openDevice()
            let (device, address) = (adapter.name, adapter.info.address.description)
            let program = language == "C" ? unsafe c_lives_on_a_device : unsafe cxx_lives_on_a_device
            let finding = unsafe program(device, address).map { unsafe String(cString: $0) }
            #expect(finding == nil)
        }
    }
}
