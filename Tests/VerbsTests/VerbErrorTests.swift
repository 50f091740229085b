import Glibc
import TestSupport
import Testing
import Verbs

struct VerbErrorTests {
    @Test(arguments: [
        (
            Verb.registerRegion, ENOMEM,
            "ibv_reg_mr_iova2 failed: ENOMEM (Cannot allocate memory)"
        ),
        (.deregisterRegion, EBUSY, "ibv_dereg_mr failed: EBUSY (Device or resource busy)"),
        (.connect, EINVAL, "rdma_connect failed: EINVAL (Invalid argument)"),
        (.getDeviceList, ENOSYS, "ibv_get_device_list failed: ENOSYS (Function not implemented)"),
        (.postSend, 4095, "ibv_post_send failed: errno 4095 (unknown error)"),
    ])
    func `An error names the C call, the code and its meaning`(
        verb: Verb, code: CInt, text: String
    ) {
        #expect(VerbError(verb, code).description == text)
    }

    @Test func `Every verb prints as a different C function`() {
        let names = Set(Verb.allCases.map(\.description))
        #expect(names.count == Verb.allCases.count)
    }
}
