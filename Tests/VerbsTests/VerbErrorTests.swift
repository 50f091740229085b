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

    @Test(arguments: [
        (CompletionStatus.success, "IBV_WC_SUCCESS"),
        (.flushed, "IBV_WC_WR_FLUSH_ERR"),
        (.windowBindError, "IBV_WC_MW_BIND_ERR"),
        (.remoteAccessError, "IBV_WC_REM_ACCESS_ERR"),
        (.receiverNotReadyRetriesExceeded, "IBV_WC_RNR_RETRY_EXC_ERR"),
        (.generalError, "IBV_WC_GENERAL_ERR"),
        (.tagMatchingIncomplete, "IBV_WC_TM_RNDV_INCOMPLETE"),
        (CompletionStatus(rawValue: 24), "ibv_wc_status 24"),
    ])
    func `A completion status prints as its C constant`(status: CompletionStatus, name: String) {
        #expect(status.description == name)
    }
}
