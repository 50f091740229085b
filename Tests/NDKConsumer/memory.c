#include "stage.h"

#define READ_WRITE (NDK_OP_FLAG_ALLOW_REMOTE_READ | NDK_OP_FLAG_ALLOW_REMOTE_WRITE)

static NTSTATUS fast_register(stage_t *stage, NDK_MR *mr, memory_t *memory, ULONG offset, SIZE_T length, UINT64 base,
                              ULONG flags)
{
    return stage->qp->Dispatch->NdkFastRegister(stage->qp, mr, mr, memory->lam.mapping.AdapterPageCount,
                                                memory->lam.mapping.AdapterPageArray, offset, length,
                                                (PVOID)(uintptr_t)base, flags);
}

/* The address that the mapping's own first byte has for the device. */
static UINT64 own_base(memory_t *memory, ULONG offset)
{
    return (UINT64)memory->lam.mapping.AdapterPageArray[0].QuadPart + offset;
}

const char *CONSUMER(registers_regions)(void)
{
    static memory_t memory;
    NDK_RESULT_EX results[DEPTH];
    NDK_CONNECTOR *connector;
    NDK_MR *registered;
    NDK_MR *fast;
    calls_t disconnected;
    stage_t stage;
    UINT32 token;
    NDK_SGE sge;

    calls_init(&disconnected);
    TRY(open_stage(&stage));
    TRY(connect_stage(&stage, &connector, &disconnected));
    EXPECT_STATUS(STATUS_SUCCESS, map_memory(stage.adapter, &memory, 3 * PAGE));
    EXPECT_STATUS(STATUS_SUCCESS, stage.pd->Dispatch->NdkCreateMr(stage.pd, FALSE, NULL, NULL, &registered));
    EXPECT_STATUS(STATUS_SUCCESS, stage.pd->Dispatch->NdkCreateMr(stage.pd, TRUE, NULL, NULL, &fast));

    /* Memory of its own. */
    EXPECT(registered->Dispatch->NdkGetRemoteTokenFromMr(registered) == 0);
    EXPECT_STATUS(STATUS_INVALID_DEVICE_REQUEST, registered->Dispatch->NdkDeregisterMr(registered, NULL, NULL));
    EXPECT_STATUS(STATUS_INVALID_PARAMETER,
                  registered->Dispatch->NdkRegisterMr(registered, &memory.mdl, PAGE, 0x10, NULL, NULL));
    EXPECT_STATUS(STATUS_INVALID_PARAMETER,
                  registered->Dispatch->NdkRegisterMr(registered, &memory.mdl, PAGE, 0x4, NULL, NULL));
    EXPECT_STATUS(STATUS_INVALID_PARAMETER,
                  registered->Dispatch->NdkRegisterMr(registered, &memory.mdl, 0, 0, NULL, NULL));
    EXPECT_STATUS(STATUS_INVALID_PARAMETER, registered->Dispatch->NdkRegisterMr(registered, NULL, PAGE, 0, NULL, NULL));
    EXPECT_STATUS(STATUS_INVALID_DEVICE_REQUEST, fast->Dispatch->NdkRegisterMr(fast, &memory.mdl, PAGE, 0, NULL, NULL));
    EXPECT_STATUS(STATUS_SUCCESS, registered->Dispatch->NdkRegisterMr(
                                      registered, &memory.mdl, PAGE,
                                      NDK_MR_FLAG_ALLOW_REMOTE_WRITE | NDK_MR_FLAG_RDMA_READ_SINK, NULL, NULL));
    EXPECT_STATUS(STATUS_INVALID_DEVICE_REQUEST,
                  registered->Dispatch->NdkRegisterMr(registered, &memory.mdl, PAGE, 0, NULL, NULL));
    EXPECT(registered->Dispatch->NdkGetRemoteTokenFromMr(registered) != 0);
    sge.VirtualAddress = memory.bytes + 8;
    sge.Length = 16;
    sge.MemoryRegionToken = registered->Dispatch->NdkGetLocalTokenFromMr(registered);
    EXPECT_STATUS(STATUS_SUCCESS, stage.qp->Dispatch->NdkSend(stage.qp, NULL, &sge, 1, 0));
    EXPECT_STATUS(STATUS_INVALID_DEVICE_REQUEST,
                  stage.qp->Dispatch->NdkInvalidate(stage.qp, NULL, &registered->Header, 0));
    EXPECT(stage.cq->Dispatch->NdkGetCqResultsEx(stage.cq, results, DEPTH) == 1);
    EXPECT_STATUS(STATUS_SUCCESS, registered->Dispatch->NdkDeregisterMr(registered, NULL, NULL));

    /* What a fast registration may not be. */
    EXPECT_STATUS(STATUS_INVALID_DEVICE_REQUEST,
                  fast_register(&stage, fast, &memory, 0, PAGE, own_base(&memory, 0), READ_WRITE));
    EXPECT_STATUS(STATUS_IMPLEMENTATION_LIMIT, fast->Dispatch->NdkInitializeFastRegisterMr(fast, 0, TRUE, NULL, NULL));
    EXPECT_STATUS(STATUS_SUCCESS, fast->Dispatch->NdkInitializeFastRegisterMr(fast, 3, FALSE, NULL, NULL));
    EXPECT_STATUS(STATUS_ACCESS_VIOLATION,
                  fast_register(&stage, fast, &memory, 0, PAGE, own_base(&memory, 0), READ_WRITE));
    EXPECT_STATUS(STATUS_SUCCESS, fast->Dispatch->NdkInitializeFastRegisterMr(fast, 3, TRUE, NULL, NULL));
    EXPECT_STATUS(STATUS_INVALID_PARAMETER,
                  fast_register(&stage, fast, &memory, 1, 3 * PAGE, own_base(&memory, 1), READ_WRITE));
    EXPECT_STATUS(STATUS_INVALID_PARAMETER, fast_register(&stage, fast, &memory, 8, PAGE, 0, READ_WRITE));
    EXPECT_STATUS(STATUS_INVALID_PARAMETER, fast_register(&stage, fast, &memory, 0, 0, 0, READ_WRITE));
    EXPECT_STATUS(STATUS_INVALID_PARAMETER, fast_register(&stage, fast, &memory, 0, ~(SIZE_T)0, 0, READ_WRITE));
    EXPECT_STATUS(STATUS_INVALID_PARAMETER, fast_register(&stage, fast, &memory, 0, PAGE, 0, 0x20));
    EXPECT_STATUS(STATUS_INVALID_PARAMETER,
                  stage.qp->Dispatch->NdkFastRegister(stage.qp, NULL, fast, 1, NULL, 0, PAGE, NULL, READ_WRITE));

    /* One that works, and a second one that needs another token. */
    EXPECT_STATUS(STATUS_SUCCESS, fast_register(&stage, fast, &memory, 16, PAGE, own_base(&memory, 16), READ_WRITE));
    token = fast->Dispatch->NdkGetRemoteTokenFromMr(fast);
    EXPECT(token != 0);
    EXPECT_STATUS(STATUS_INVALID_DEVICE_REQUEST,
                  fast_register(&stage, fast, &memory, 0, PAGE, own_base(&memory, 0), READ_WRITE));
    EXPECT(stage.cq->Dispatch->NdkGetCqResultsEx(stage.cq, results, DEPTH) == 1);
    EXPECT(results[0].Type == NdkOperationTypeFastRegister && results[0].RequestContext == fast);
    EXPECT_STATUS(STATUS_SUCCESS, stage.qp->Dispatch->NdkInvalidate(stage.qp, NULL, &fast->Header, 0));
    EXPECT(stage.cq->Dispatch->NdkGetCqResultsEx(stage.cq, results, DEPTH) == 1);
    EXPECT(results[0].Type == NdkOperationTypeInvalidate);
    EXPECT_STATUS(STATUS_INVALID_DEVICE_REQUEST, stage.qp->Dispatch->NdkInvalidate(stage.qp, NULL, &fast->Header, 0));
    EXPECT_STATUS(STATUS_SUCCESS, fast_register(&stage, fast, &memory, 0, PAGE, own_base(&memory, 0),
                                                READ_WRITE | NDK_OP_FLAG_RDMA_READ_SINK));
    EXPECT(fast->Dispatch->NdkGetRemoteTokenFromMr(fast) != token);
    token = fast->Dispatch->NdkGetRemoteTokenFromMr(fast);
    EXPECT(stage.cq->Dispatch->NdkGetCqResultsEx(stage.cq, results, DEPTH) == 1);

    /* The peer invalidates it. */
    EXPECT_STATUS(STATUS_SUCCESS, stage.qp->Dispatch->NdkReceive(stage.qp, NULL, NULL, 0));
    stage_message(0, token);
    EXPECT(stage.cq->Dispatch->NdkGetCqResultsEx(stage.cq, results, DEPTH) == 1);
    EXPECT(results[0].Type == NdkOperationTypeReceiveAndInvalidate);
    EXPECT(results[0].TypeSpecificCompletionOutput == token);
    EXPECT_STATUS(STATUS_INVALID_DEVICE_REQUEST, stage.qp->Dispatch->NdkInvalidate(stage.qp, NULL, &fast->Header, 0));

    stage.adapter->Dispatch->NdkReleaseLAM(stage.adapter, &memory.lam.mapping);
    CLOSE(connector, NdkCloseConnector);
    CLOSE(fast, NdkCloseMr);
    CLOSE(registered, NdkCloseMr);
    TRY(close_stage(&stage));
    return NULL;
}

static NTSTATUS bind_window(stage_t *stage, NDK_MR *mr, NDK_MW *mw, const void *address, SIZE_T length, ULONG flags)
{
    return stage->qp->Dispatch->NdkBind(stage->qp, NULL, mr, mw, (PVOID)(uintptr_t)address, length, flags);
}

const char *CONSUMER(binds_windows)(void)
{
    static memory_t memory;
    NDK_RESULT results[DEPTH];
    NDK_CONNECTOR *connector;
    NDK_PD *other;
    NDK_MR *mr;
    NDK_MW *mw;
    NDK_MW *foreign;
    calls_t disconnected;
    stage_t stage;

    calls_init(&disconnected);
    TRY(open_stage(&stage));
    MmInitializeMdl(&memory.mdl, memory.bytes, sizeof(memory.bytes));
    EXPECT_STATUS(STATUS_SUCCESS, stage.adapter->Dispatch->NdkCreatePd(stage.adapter, NULL, NULL, &other));
    EXPECT_STATUS(STATUS_SUCCESS, stage.pd->Dispatch->NdkCreateMr(stage.pd, FALSE, NULL, NULL, &mr));
    EXPECT_STATUS(STATUS_SUCCESS, stage.pd->Dispatch->NdkCreateMw(stage.pd, NULL, NULL, &mw));
    EXPECT_STATUS(STATUS_SUCCESS, other->Dispatch->NdkCreateMw(other, NULL, NULL, &foreign));
    EXPECT(mw->Dispatch->NdkGetRemoteTokenFromMw(mw) == 0);
    EXPECT_STATUS(STATUS_INVALID_DEVICE_REQUEST, bind_window(&stage, mr, mw, memory.bytes, PAGE, READ_WRITE));
    EXPECT_STATUS(STATUS_SUCCESS, mr->Dispatch->NdkRegisterMr(mr, &memory.mdl, 2 * PAGE, 0, NULL, NULL));
    EXPECT_STATUS(STATUS_CONNECTION_INVALID,
                  bind_window(&stage, mr, mw, memory.bytes, PAGE, NDK_OP_FLAG_ALLOW_REMOTE_READ));
    TRY(connect_stage(&stage, &connector, &disconnected));

    /* A peer that writes needs a region that may be written. */
    EXPECT_STATUS(STATUS_ACCESS_VIOLATION, bind_window(&stage, mr, mw, memory.bytes, PAGE, READ_WRITE));
    EXPECT_STATUS(STATUS_SUCCESS, mr->Dispatch->NdkDeregisterMr(mr, NULL, NULL));
    EXPECT_STATUS(STATUS_SUCCESS,
                  mr->Dispatch->NdkRegisterMr(mr, &memory.mdl, 2 * PAGE, NDK_MR_FLAG_ALLOW_LOCAL_WRITE, NULL, NULL));
    EXPECT_STATUS(STATUS_ACCESS_VIOLATION, bind_window(&stage, mr, mw, memory.bytes + 2 * PAGE - 8, 16, READ_WRITE));
    EXPECT_STATUS(STATUS_ACCESS_VIOLATION, bind_window(&stage, mr, mw, memory.bytes - 8, 16, READ_WRITE));
    EXPECT_STATUS(STATUS_ACCESS_VIOLATION, bind_window(&stage, mr, mw, memory.bytes, ~(SIZE_T)0, READ_WRITE));
    EXPECT_STATUS(STATUS_INVALID_PARAMETER, bind_window(&stage, mr, mw, memory.bytes, 0, READ_WRITE));
    EXPECT_STATUS(STATUS_INVALID_PARAMETER, bind_window(&stage, mr, mw, memory.bytes, PAGE, 0));
    EXPECT_STATUS(STATUS_INVALID_PARAMETER, bind_window(&stage, mr, mw, memory.bytes, PAGE, NDK_OP_FLAG_INLINE));
    EXPECT_STATUS(STATUS_INVALID_PARAMETER, bind_window(&stage, mr, foreign, memory.bytes, PAGE, READ_WRITE));
    EXPECT_STATUS(STATUS_INVALID_PARAMETER, bind_window(&stage, NULL, mw, memory.bytes, PAGE, READ_WRITE));

    EXPECT_STATUS(STATUS_SUCCESS, bind_window(&stage, mr, mw, memory.bytes + 64, PAGE, READ_WRITE));
    EXPECT(mw->Dispatch->NdkGetRemoteTokenFromMw(mw) != 0);
    EXPECT_STATUS(STATUS_INVALID_DEVICE_REQUEST, bind_window(&stage, mr, mw, memory.bytes, PAGE, READ_WRITE));
    EXPECT_STATUS(STATUS_DEVICE_BUSY, mr->Dispatch->NdkDeregisterMr(mr, NULL, NULL));
    EXPECT(stage.cq->Dispatch->NdkGetCqResults(stage.cq, results, DEPTH) == 1);
    EXPECT_STATUS(STATUS_SUCCESS, stage.qp->Dispatch->NdkInvalidate(stage.qp, NULL, &mw->Header, 0));
    EXPECT(stage.cq->Dispatch->NdkGetCqResults(stage.cq, results, DEPTH) == 1);
    EXPECT_STATUS(STATUS_INVALID_DEVICE_REQUEST, stage.qp->Dispatch->NdkInvalidate(stage.qp, NULL, &mw->Header, 0));
    EXPECT_STATUS(STATUS_INVALID_DEVICE_REQUEST,
                  stage.qp->Dispatch->NdkInvalidate(stage.qp, NULL, &stage.cq->Header, 0));
    EXPECT_STATUS(STATUS_SUCCESS, mr->Dispatch->NdkDeregisterMr(mr, NULL, NULL));
    CLOSE(connector, NdkCloseConnector);
    CLOSE(mw, NdkCloseMw);
    CLOSE(foreign, NdkCloseMw);
    CLOSE(mr, NdkCloseMr);
    CLOSE(other, NdkClosePd);
    TRY(close_stage(&stage));
    return NULL;
}
