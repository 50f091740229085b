#include "stage.h"

#include <poll.h>

/* Closes `object` from within a callback, and an adapter, which must be refused. */
typedef struct {
    NDK_CONNECTOR *connector;
    NDK_ADAPTER *adapter;
    NTSTATUS closing;
    NTSTATUS closing_adapter;
    calls_t ended;
    calls_t closed;
} inside_t;

static VOID close_inside(PVOID context, NTSTATUS status)
{
    inside_t *inside = (inside_t *)context;

    inside->closing_adapter = NdkCloseAdapter(inside->adapter);
    inside->closing =
        inside->connector->Dispatch->NdkCloseConnector(&inside->connector->Header, object_closed, &inside->closed);
    called(&inside->ended, status, NULL);
}

const char *CONSUMER(closes_objects)(void)
{
    NDK_CONNECTOR *connector;
    calls_t disconnected;
    calls_t cq_closed;
    calls_t pd_closed;
    calls_t qp_closed;
    NDK_QP *unused;
    inside_t inside;
    stage_t stage;

    calls_init(&disconnected);
    calls_init(&cq_closed);
    calls_init(&pd_closed);
    calls_init(&qp_closed);
    calls_init(&inside.ended);
    calls_init(&inside.closed);
    TRY(open_stage(&stage));
    TRY(connect_stage(&stage, &connector, &disconnected));

    /* What others need stays until they are closed, and nothing new can be made of it. */
    EXPECT_STATUS(STATUS_PENDING, stage.cq->Dispatch->NdkCloseCq(&stage.cq->Header, object_closed, &cq_closed));
    EXPECT_STATUS(STATUS_PENDING, stage.pd->Dispatch->NdkClosePd(&stage.pd->Header, object_closed, &pd_closed));
    EXPECT_STATUS(STATUS_PENDING, stage.qp->Dispatch->NdkCloseQp(&stage.qp->Header, object_closed, &qp_closed));
    EXPECT_STATUS(STATUS_SUCCESS, stage.qp->Dispatch->NdkCloseQp(&stage.qp->Header, object_closed, &qp_closed));
    EXPECT_STATUS(STATUS_INVALID_DEVICE_STATE, stage.pd->Dispatch->NdkCreateQp(stage.pd, stage.cq, stage.cq, NULL, 1, 1,
                                                                               1, 1, 0, NULL, NULL, &unused));
    EXPECT_STATUS(STATUS_INVALID_DEVICE_STATE, stage.qp->Dispatch->NdkSend(stage.qp, NULL, NULL, 0, 0));
    EXPECT(call_count(&qp_closed) + call_count(&cq_closed) + call_count(&pd_closed) == 0);

    /* The connector goes from within its own callback, and with it everything. */
    inside.connector = connector;
    inside.adapter = stage.adapter;
    EXPECT_STATUS(STATUS_PENDING, connector->Dispatch->NdkDisconnect(connector, close_inside, &inside));
    EXPECT(await(&inside.ended, 1) && await(&inside.closed, 1));
    EXPECT_STATUS(STATUS_PENDING, inside.closing);
    EXPECT_STATUS(STATUS_INVALID_DEVICE_REQUEST, inside.closing_adapter);
    EXPECT(await(&qp_closed, 1) && await(&cq_closed, 1) && await(&pd_closed, 1));
    EXPECT_STATUS(STATUS_SUCCESS, NdkCloseAdapter(stage.adapter));
    EXPECT(call_count(&qp_closed) == 1 && call_count(&cq_closed) == 1 && call_count(&pd_closed) == 1);
    EXPECT(call_count(&inside.closed) == 1 && call_count(&disconnected) == 0);
    return NULL;
}

/* A notification that is still inside when its queue is closed. */
typedef struct {
    NDK_CQ *cq;
    calls_t entered;
    calls_t closing;
    ULONG found;
    calls_t left;
} late_t;

static VOID stay_inside(PVOID context, NTSTATUS status)
{
    late_t *late = (late_t *)context;
    NDK_RESULT result;

    called(&late->entered, status, NULL);
    await(&late->closing, 1);
    late->found = late->cq->Dispatch->NdkGetCqResults(late->cq, &result, 1);
    called(&late->left, status, NULL);
}

const char *CONSUMER(closes_beside_callbacks)(void)
{
    NDK_CONNECTOR *connector;
    calls_t disconnected;
    calls_t cq_closed;
    stage_t stage;
    late_t late;
    NDK_QP *qp;

    calls_init(&disconnected);
    calls_init(&cq_closed);
    calls_init(&late.entered);
    calls_init(&late.closing);
    calls_init(&late.left);
    TRY(open_stage(&stage));
    EXPECT_STATUS(STATUS_SUCCESS, stage.adapter->Dispatch->NdkCreateCq(stage.adapter, DEPTH, stay_inside, &late, NULL,
                                                                       NULL, NULL, &late.cq));
    EXPECT_STATUS(STATUS_SUCCESS, stage.pd->Dispatch->NdkCreateQp(stage.pd, late.cq, late.cq, NULL, DEPTH, DEPTH, 1, 1,
                                                                  0, NULL, NULL, &qp));
    /* The queue pair that connects is the new one. */
    CLOSE(stage.qp, NdkCloseQp);
    stage.qp = qp;
    TRY(connect_stage(&stage, &connector, &disconnected));
    late.cq->Dispatch->NdkArmCq(late.cq, NDK_CQ_NOTIFY_ANY);
    EXPECT_STATUS(STATUS_SUCCESS, qp->Dispatch->NdkSend(qp, NULL, NULL, 0, 0));
    EXPECT(await(&late.entered, 1));
    EXPECT_STATUS(STATUS_PENDING, connector->Dispatch->NdkCloseConnector(&connector->Header, NULL, NULL));
    EXPECT_STATUS(STATUS_PENDING, qp->Dispatch->NdkCloseQp(&qp->Header, NULL, NULL));
    EXPECT_STATUS(STATUS_PENDING, late.cq->Dispatch->NdkCloseCq(&late.cq->Header, object_closed, &cq_closed));
    EXPECT_STATUS(STATUS_INVALID_DEVICE_STATE, qp->Dispatch->NdkSend(qp, NULL, NULL, 0, 0));
    EXPECT(call_count(&cq_closed) == 0);
    called(&late.closing, STATUS_SUCCESS, NULL);
    EXPECT(await(&late.left, 1) && late.found == 0);
    EXPECT(await(&cq_closed, 1));
    CLOSE(stage.cq, NdkCloseCq);
    CLOSE(stage.pd, NdkClosePd);
    EXPECT_STATUS(STATUS_SUCCESS, NdkCloseAdapter(stage.adapter));
    return NULL;
}

typedef struct {
    NDK_ADAPTER *adapter;
    NTSTATUS status;
} closing_t;

static void *close_adapter(void *context)
{
    closing_t *closing = (closing_t *)context;

    closing->status = NdkCloseAdapter(closing->adapter);
    return NULL;
}

const char *CONSUMER(closes_adapters)(void)
{
    static memory_t memory;
    closing_t closing;
    calls_t qp_closed;
    stage_t stage;
    pthread_t thread;

    calls_init(&qp_closed);
    TRY(open_stage(&stage));
    EXPECT_STATUS(STATUS_SUCCESS, map_memory(stage.adapter, &memory, PAGE));
    closing.adapter = stage.adapter;
    closing.status = STATUS_PENDING;
    EXPECT(pthread_create(&thread, NULL, close_adapter, &closing) == 0);

    /* It waits for all of these, whatever they are told to do afterwards. */
    EXPECT_STATUS(STATUS_PENDING, stage.qp->Dispatch->NdkCloseQp(&stage.qp->Header, object_closed, &qp_closed));
    EXPECT_STATUS(STATUS_PENDING, stage.cq->Dispatch->NdkCloseCq(&stage.cq->Header, NULL, NULL));
    EXPECT_STATUS(STATUS_PENDING, stage.pd->Dispatch->NdkClosePd(&stage.pd->Header, NULL, NULL));
    EXPECT(await(&qp_closed, 1));
    EXPECT(closing.status == STATUS_PENDING);
    stage.adapter->Dispatch->NdkReleaseLAM(stage.adapter, &memory.lam.mapping);
    EXPECT(pthread_join(thread, NULL) == 0);
    EXPECT_STATUS(STATUS_SUCCESS, closing.status);
    EXPECT_STATUS(STATUS_INVALID_DEVICE_STATE, NdkCloseAdapter(stage.adapter));
    return NULL;
}

const char *CONSUMER(dispatches_callbacks)(void)
{
    NDK_OPEN_OPTIONS options = NDK_OPEN_OPTIONS_INIT;
    NDK_ADAPTER *adapter;
    struct pollfd descriptor;
    calls_t closed;
    NDK_PD *pd;

    calls_init(&closed);
    options.Callbacks = NdkCallbacksOnDispatch;
    EXPECT_STATUS(STATUS_SUCCESS, NdkOpenAdapter(NULL, &options, &adapter));
    descriptor.fd = NdkGetCallbackDescriptor(adapter);
    descriptor.events = POLLIN;
    EXPECT(descriptor.fd >= 0);
    EXPECT(poll(&descriptor, 1, 0) == 0 && NdkDispatchCallbacks(adapter) == 0);
    EXPECT_STATUS(STATUS_SUCCESS, adapter->Dispatch->NdkCreatePd(adapter, NULL, NULL, &pd));
    EXPECT_STATUS(STATUS_PENDING, pd->Dispatch->NdkClosePd(&pd->Header, object_closed, &closed));
    EXPECT(poll(&descriptor, 1, 10000) == 1);
    EXPECT(call_count(&closed) == 0);
    EXPECT(NdkDispatchCallbacks(adapter) == 1 && call_count(&closed) == 1);
    EXPECT(poll(&descriptor, 1, 0) == 0);

    /* Those that are left are run by the close. */
    EXPECT_STATUS(STATUS_SUCCESS, adapter->Dispatch->NdkCreatePd(adapter, NULL, NULL, &pd));
    EXPECT_STATUS(STATUS_PENDING, pd->Dispatch->NdkClosePd(&pd->Header, object_closed, &closed));
    EXPECT_STATUS(STATUS_SUCCESS, NdkCloseAdapter(adapter));
    EXPECT(call_count(&closed) == 2);
    return NULL;
}

/* Calls on what is NULL, closed, or something else. */
static const char *misuse(stage_t *stage, NDK_QP *qp, NTSTATUS expected)
{
    NDK_RESULT result;
    calls_t calls;

    calls_init(&calls);
    EXPECT_STATUS(expected, stage->qp->Dispatch->NdkSend(qp, NULL, NULL, 0, 0));
    EXPECT_STATUS(expected, stage->qp->Dispatch->NdkReceive(qp, NULL, NULL, 0));
    EXPECT_STATUS(expected, stage->qp->Dispatch->NdkWrite(qp, NULL, NULL, 0, 0, 0, 0));
    stage->qp->Dispatch->NdkFlush(qp);
    EXPECT_STATUS(expected, stage->cq->Dispatch->NdkResizeCq((NDK_CQ *)(void *)qp, 8, NULL, NULL));
    stage->cq->Dispatch->NdkArmCq((NDK_CQ *)(void *)qp, NDK_CQ_NOTIFY_ANY);
    EXPECT(stage->cq->Dispatch->NdkGetCqResults((NDK_CQ *)(void *)qp, &result, 1) == 0);
    EXPECT_STATUS(expected, stage->adapter->Dispatch->NdkCreatePd((NDK_ADAPTER *)(void *)qp, NULL, NULL, &stage->pd));
    EXPECT_STATUS(expected, NdkCloseAdapter((NDK_ADAPTER *)(void *)qp));
    EXPECT(NdkGetCallbackDescriptor((NDK_ADAPTER *)(void *)qp) == -1);
    EXPECT(strlen(NdkErrorMessage()) > 0);
    EXPECT(call_count(&calls) == 0);
    return NULL;
}

const char *CONSUMER(makes_mistakes)(void)
{
    calls_t closed;
    stage_t stage;
    NDK_QP *qp;

    calls_init(&closed);
    TRY(open_stage(&stage));
    TRY(misuse(&stage, NULL, STATUS_INVALID_PARAMETER));
    TRY(misuse(&stage, (NDK_QP *)(void *)stage.pd, STATUS_INVALID_DEVICE_STATE));
    EXPECT_STATUS(STATUS_SUCCESS,
                  stage.pd->Dispatch->NdkCreateQp(stage.pd, stage.cq, stage.cq, NULL, 1, 1, 1, 1, 0, NULL, NULL, &qp));
    CLOSE(qp, NdkCloseQp);
    TRY(misuse(&stage, qp, STATUS_INVALID_DEVICE_STATE));
    EXPECT_STATUS(STATUS_SUCCESS, stage.qp->Dispatch->NdkCloseQp(&qp->Header, object_closed, &closed));
    EXPECT_STATUS(STATUS_SUCCESS, stage.qp->Dispatch->NdkCloseQp(NULL, object_closed, &closed));
    /* An adapter is closed by its own function. */
    EXPECT_STATUS(STATUS_SUCCESS, stage.qp->Dispatch->NdkCloseQp(&stage.adapter->Header, object_closed, &closed));
    EXPECT_STATUS(STATUS_INVALID_PARAMETER,
                  stage.pd->Dispatch->NdkCreateQp(stage.pd, stage.cq, stage.cq, NULL, 1, 1, 1, 1, 0, NULL, NULL, NULL));
    EXPECT_STATUS(STATUS_INVALID_PARAMETER, stage.pd->Dispatch->NdkCreateQp(stage.pd, stage.cq, stage.cq, NULL,
                                                                            ~(ULONG)0, 1, 1, 1, 0, NULL, NULL, &qp));
    EXPECT_STATUS(STATUS_INVALID_PARAMETER, stage.pd->Dispatch->NdkCreateQp(stage.pd, stage.cq, stage.cq, NULL, 1, 1, 1,
                                                                            ~(ULONG)0, 0, NULL, NULL, &qp));
    EXPECT(call_count(&closed) == 0);
    EXPECT(strcmp(NdkStatusName(STATUS_IO_TIMEOUT), "STATUS_IO_TIMEOUT") == 0);
    EXPECT(strcmp(NdkStatusName(77), "STATUS_?") == 0);
    TRY(close_stage(&stage));
    return NULL;
}
