import Foundation
import LAM
import NDK
import NDKConsumer
import NDKConsumerCxx
import TestSupport
import Testing

@Suite(.serialized, .timeLimit(.minutes(2)))
struct ProviderDeviceTests {
    @Test(
        """
        a program in C and the same in C++ connect two queue pairs, send, write and read through a fast-registered \
        region and a window, release a mapping under a receive, and leave nothing
        """,
        arguments: ["C", "C++"])
    func life(language: String) throws {
        let adapter = try openDevice()
        let (device, address) = (adapter.name, adapter.info.address.description)
        let program = language == "C" ? unsafe c_lives_on_a_device : unsafe cxx_lives_on_a_device
        let finding = unsafe program(device, address).map { unsafe String(cString: $0) }
        #expect(finding == nil)
    }
}
