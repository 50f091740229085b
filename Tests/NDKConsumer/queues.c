#include "stage.h"

const char *CONSUMER(posts_requests)(void)
{
    static memory_t memory;
    NDK_RESULT_EX results[4 * DEPTH];
    NDK_SGE sges[5];
    NDK_CONNECTOR *connector;
    calls_t disconnected;
    stage_t stage;
    int index;

    calls_init(&disconnected);
    TRY(open_stage(&stage));
    EXPECT_STATUS(STATUS_SUCCESS, map_memory(stage.adapter, &memory, 3 * PAGE));
    for (index = 0; index < 5; index++)
        sges[index] = element(&memory, stage.token, 16 * (ULONG)index, 16);

    /* Before it is connected: receives, and nothing else. */
    EXPECT_STATUS(STATUS_CONNECTION_INVALID, stage.qp->Dispatch->NdkSend(stage.qp, NULL, sges, 1, 0));
    EXPECT_STATUS(STATUS_SUCCESS, stage.qp->Dispatch->NdkReceive(stage.qp, &sges[1], sges, 2));
    TRY(connect_stage(&stage, &connector, &disconnected));

    /* One of each kind; the device carries them out at once. */
    EXPECT_STATUS(STATUS_SUCCESS, stage.qp->Dispatch->NdkSend(stage.qp, &sges[2], sges, 4, 0));
    EXPECT_STATUS(STATUS_SUCCESS, stage.qp->Dispatch->NdkSend(stage.qp, NULL, sges, 1, NDK_OP_FLAG_SILENT_SUCCESS));
    EXPECT_STATUS(STATUS_SUCCESS, stage.qp->Dispatch->NdkWrite(stage.qp, &sges[3], sges, 1, 0x1000, 7, 0));
    EXPECT_STATUS(STATUS_SUCCESS,
                  stage.qp->Dispatch->NdkRead(stage.qp, &sges[4], sges, 1, 0x1000, 7, NDK_OP_FLAG_READ_FENCE));
    EXPECT_STATUS(STATUS_SUCCESS,
                  stage.qp->Dispatch->NdkSendAndInvalidate(stage.qp, NULL, NULL, 0, NDK_OP_FLAG_INLINE, 9));
    stage_message(24, 0);
    EXPECT(take_results_ex(stage.cq, results, 2, 2) == 2);
    EXPECT(take_results_ex(stage.cq, results + 2, 4 * DEPTH - 2, 3) == 3);
    EXPECT(stage.cq->Dispatch->NdkGetCqResultsEx(stage.cq, results, 1) == 0);
    EXPECT(results[0].Type == NdkOperationTypeSend && results[0].RequestContext == &sges[2]);
    EXPECT(results[0].QPContext == &stage.context && results[0].ProviderErrorCode == 0);
    EXPECT(results[1].Type == NdkOperationTypeWrite && results[1].RequestContext == &sges[3]);
    EXPECT(results[2].Type == NdkOperationTypeRead && results[2].RequestContext == &sges[4]);
    EXPECT(results[3].Type == NdkOperationTypeSend && results[3].RequestContext == NULL);
    EXPECT(results[4].Type == NdkOperationTypeReceive && results[4].RequestContext == &sges[1]);
    EXPECT(results[4].Status == STATUS_SUCCESS && results[4].BytesTransferred == 24);

    /* What is refused changes nothing and has no result. */
    EXPECT_STATUS(STATUS_DATA_OVERRUN, stage.qp->Dispatch->NdkSend(stage.qp, NULL, sges, 5, 0));
    EXPECT_STATUS(STATUS_SUCCESS, stage.qp->Dispatch->NdkSend(stage.qp, NULL, sges, 4, NDK_OP_FLAG_INLINE));
    EXPECT_STATUS(STATUS_BUFFER_OVERFLOW, stage.qp->Dispatch->NdkSend(stage.qp, NULL, sges, 5, NDK_OP_FLAG_INLINE));
    /* An address of the process, with a token that is nobody's. */
    sges[4].VirtualAddress = &index;
    sges[4].Length = sizeof(index);
    sges[4].MemoryRegionToken = 77;
    EXPECT_STATUS(STATUS_SUCCESS, stage.qp->Dispatch->NdkSend(stage.qp, NULL, sges + 4, 1, NDK_OP_FLAG_INLINE));
    sges[4].VirtualAddress = NULL;
    EXPECT_STATUS(STATUS_ACCESS_VIOLATION,
                  stage.qp->Dispatch->NdkSend(stage.qp, NULL, sges + 4, 1, NDK_OP_FLAG_INLINE));
    EXPECT_STATUS(STATUS_INVALID_PARAMETER, stage.qp->Dispatch->NdkSend(stage.qp, NULL, NULL, 1, 0));
    EXPECT_STATUS(STATUS_INVALID_PARAMETER,
                  stage.qp->Dispatch->NdkSend(stage.qp, NULL, sges, 1, NDK_OP_FLAG_ALLOW_REMOTE_READ));
    EXPECT_STATUS(STATUS_INVALID_PARAMETER,
                  stage.qp->Dispatch->NdkRead(stage.qp, NULL, sges, 1, 0, 0, NDK_OP_FLAG_INLINE));
    sges[0].MemoryRegionToken = 77;
    EXPECT_STATUS(STATUS_ACCESS_VIOLATION, stage.qp->Dispatch->NdkSend(stage.qp, NULL, sges, 1, 0));
    sges[0] = element(&memory, stage.token, 3 * PAGE - 8, 16);
    EXPECT_STATUS(STATUS_DATA_OVERRUN, stage.qp->Dispatch->NdkSend(stage.qp, NULL, sges, 1, 0));
    EXPECT(take_results_ex(stage.cq, results, 4 * DEPTH, 2) == 2);

    /* As many receives as were asked for, and a flush that ends them. */
    for (index = 0; index < DEPTH; index++)
        EXPECT_STATUS(STATUS_SUCCESS, stage.qp->Dispatch->NdkReceive(stage.qp, NULL, sges + 1, 1));
    EXPECT_STATUS(STATUS_NO_MORE_ENTRIES, stage.qp->Dispatch->NdkReceive(stage.qp, NULL, sges + 1, 1));
    stage.qp->Dispatch->NdkFlush(stage.qp);
    EXPECT(take_results_ex(stage.cq, results, 4 * DEPTH, DEPTH) == DEPTH);
    EXPECT(results[0].Status == STATUS_CANCELLED && results[DEPTH - 1].Status == STATUS_CANCELLED);
    EXPECT_STATUS(STATUS_CONNECTION_INVALID, stage.qp->Dispatch->NdkSend(stage.qp, NULL, sges + 1, 1, 0));

    stage.adapter->Dispatch->NdkReleaseLAM(stage.adapter, &memory.lam.mapping);
    CLOSE(connector, NdkCloseConnector);
    TRY(close_stage(&stage));
    return NULL;
}

const char *CONSUMER(posts_shared_receives)(void)
{
    static memory_t memory;
    NDK_RESULT_EX result;
    NDK_SGE sges[3];
    NDK_SRQ *srq;
    NDK_QP *qp;
    calls_t low;
    stage_t stage;

    calls_init(&low);
    TRY(open_stage(&stage));
    EXPECT_STATUS(STATUS_SUCCESS, map_memory(stage.adapter, &memory, PAGE));
    sges[0] = sges[1] = sges[2] = element(&memory, stage.token, 0, 16);
    EXPECT_STATUS(STATUS_INVALID_PARAMETER,
                  stage.pd->Dispatch->NdkCreateSrq(stage.pd, ~(ULONG)0, 2, 0, NULL, NULL, NULL, NULL, NULL, &srq));
    EXPECT_STATUS(STATUS_SUCCESS,
                  stage.pd->Dispatch->NdkCreateSrq(stage.pd, 4, 2, 0, request_ended, &low, NULL, NULL, NULL, &srq));
    EXPECT_STATUS(STATUS_INVALID_DEVICE_STATE,
                  stage.pd->Dispatch->NdkCreateQpWithSrq(stage.pd, stage.cq, stage.cq, (NDK_SRQ *)(void *)stage.pd,
                                                         NULL, DEPTH, 1, 0, NULL, NULL, &qp));
    EXPECT_STATUS(STATUS_SUCCESS, stage.pd->Dispatch->NdkCreateQpWithSrq(stage.pd, stage.cq, stage.cq, srq, NULL, DEPTH,
                                                                         1, 0, NULL, NULL, &qp));
    EXPECT_STATUS(STATUS_INVALID_DEVICE_REQUEST, qp->Dispatch->NdkReceive(qp, NULL, NULL, 0));
    EXPECT_STATUS(STATUS_SUCCESS, srq->Dispatch->NdkSrqReceive(srq, sges, sges, 2));
    EXPECT_STATUS(STATUS_DATA_OVERRUN, srq->Dispatch->NdkSrqReceive(srq, sges, sges, 3));
    EXPECT_STATUS(STATUS_INVALID_PARAMETER, srq->Dispatch->NdkSrqReceive(srq, sges, NULL, 1));
    EXPECT_STATUS(STATUS_SUCCESS, srq->Dispatch->NdkSrqReceive(srq, sges, sges, 1));
    EXPECT_STATUS(STATUS_BUFFER_OVERFLOW, srq->Dispatch->NdkModifySrq(srq, 1, 0, NULL, NULL));
    EXPECT_STATUS(STATUS_SUCCESS, srq->Dispatch->NdkModifySrq(srq, 8, 0, NULL, NULL));
    EXPECT(call_count(&low) == 0);
    EXPECT_STATUS(STATUS_SUCCESS, srq->Dispatch->NdkModifySrq(srq, 0, 3, NULL, NULL));
    EXPECT(await(&low, 1) && low.status == STATUS_SUCCESS);
    EXPECT(stage.cq->Dispatch->NdkGetCqResultsEx(stage.cq, &result, 1) == 0);
    CLOSE(qp, NdkCloseQp);
    CLOSE(srq, NdkCloseSrq);
    stage.adapter->Dispatch->NdkReleaseLAM(stage.adapter, &memory.lam.mapping);
    TRY(close_stage(&stage));
    return NULL;
}

const char *CONSUMER(polls_completion_queues)(void)
{
    NDK_RESULT results[DEPTH];
    NDK_CONNECTOR *connector;
    NDK_CQ *cq;
    calls_t disconnected;
    stage_t stage;

    calls_init(&disconnected);
    TRY(open_stage(&stage));
    EXPECT_STATUS(STATUS_INVALID_PARAMETER,
                  stage.adapter->Dispatch->NdkCreateCq(stage.adapter, ~(ULONG)0, request_ended, &stage.notified, NULL,
                                                       NULL, NULL, &cq));
    EXPECT_STATUS(STATUS_INVALID_PARAMETER,
                  stage.adapter->Dispatch->NdkCreateCq(stage.adapter, 8, NULL, NULL, NULL, NULL, NULL, &cq));
    EXPECT_STATUS(STATUS_SUCCESS, stage.cq->Dispatch->NdkResizeCq(stage.cq, 100, NULL, NULL));
    EXPECT_STATUS(STATUS_INVALID_PARAMETER, stage.cq->Dispatch->NdkResizeCq(stage.cq, ~(ULONG)0, NULL, NULL));
    EXPECT_STATUS(STATUS_NOT_SUPPORTED, stage.cq->Dispatch->NdkControlCqInterruptModeration(stage.cq, 10, 10));
    EXPECT(stage.cq->Dispatch->NdkGetCqResults(stage.cq, results, 0) == 0);
    EXPECT(stage.cq->Dispatch->NdkGetCqResults(stage.cq, NULL, 1) == 0);

    TRY(connect_stage(&stage, &connector, &disconnected));
    EXPECT_STATUS(STATUS_SUCCESS, stage.qp->Dispatch->NdkReceive(stage.qp, results, NULL, 0));
    EXPECT_STATUS(STATUS_SUCCESS, stage.qp->Dispatch->NdkSend(stage.qp, &stage, NULL, 0, 0));
    EXPECT_STATUS(STATUS_SUCCESS, stage.qp->Dispatch->NdkSend(stage.qp, &stage, NULL, 0, 0));
    EXPECT_STATUS(STATUS_BUFFER_OVERFLOW, stage.cq->Dispatch->NdkResizeCq(stage.cq, 1, NULL, NULL));
    EXPECT(take_results(stage.cq, results, 1, 1) == 1);
    EXPECT(results[0].Status == STATUS_SUCCESS && results[0].RequestContext == &stage);
    EXPECT(results[0].QPContext == &stage.context);
    stage_failure();
    EXPECT(take_results(stage.cq, results, DEPTH, 2) == 2);
    EXPECT(results[0].Status == STATUS_SUCCESS);
    EXPECT(results[1].Status == STATUS_CANCELLED && results[1].RequestContext == results);
    CLOSE(connector, NdkCloseConnector);
    TRY(close_stage(&stage));
    return NULL;
}

const char *CONSUMER(is_notified)(void)
{
    NDK_RESULT results[DEPTH];
    NDK_CONNECTOR *connector;
    calls_t disconnected;
    stage_t stage;

    calls_init(&disconnected);
    TRY(open_stage(&stage));
    TRY(connect_stage(&stage, &connector, &disconnected));
    EXPECT_STATUS(STATUS_SUCCESS, stage.qp->Dispatch->NdkSend(stage.qp, NULL, NULL, 0, 0));
    EXPECT(call_count(&stage.notified) == 0);
    stage.cq->Dispatch->NdkArmCq(stage.cq, 3);
    stage.cq->Dispatch->NdkArmCq(stage.cq, NDK_CQ_NOTIFY_ERRORS);
    EXPECT(call_count(&stage.notified) == 0);
    /* The result that is there, and that nobody was told of. */
    stage.cq->Dispatch->NdkArmCq(stage.cq, NDK_CQ_NOTIFY_ANY);
    EXPECT(await(&stage.notified, 1) && stage.notified.status == STATUS_SUCCESS);
    EXPECT(take_results(stage.cq, results, DEPTH, 1) == 1);
    EXPECT_STATUS(STATUS_SUCCESS, stage.qp->Dispatch->NdkSend(stage.qp, NULL, NULL, 0, 0));
    EXPECT(call_count(&stage.notified) == 1);
    /* A failure is enough for every kind of arming but the one for failures of the queue. */
    EXPECT_STATUS(STATUS_SUCCESS, stage.qp->Dispatch->NdkReceive(stage.qp, NULL, NULL, 0));
    EXPECT(take_results(stage.cq, results, DEPTH, 1) == 1);
    stage.cq->Dispatch->NdkArmCq(stage.cq, NDK_CQ_NOTIFY_SOLICITED);
    stage_failure();
    EXPECT(await(&stage.notified, 2));
    CLOSE(connector, NdkCloseConnector);
    TRY(close_stage(&stage));
    return NULL;
}
