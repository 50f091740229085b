/* A whole life on a real device: two queue pairs of one adapter, connected with each other. */
#include "stage.h"

#include <stdlib.h>

#define READ_WRITE (NDK_OP_FLAG_ALLOW_REMOTE_READ | NDK_OP_FLAG_ALLOW_REMOTE_WRITE)

typedef struct {
    NDK_ADAPTER *adapter;
    NDK_PD *pd;
    NDK_CQ *cq;
    NDK_QP *qp[2];
    NDK_LISTENER *listener;
    NDK_CONNECTOR *connector[2];
    UINT32 token;
    calls_t notified;
    calls_t requests;
    calls_t disconnected;
    int notifications;
} pair_t;

static const char *connect_pair(pair_t *pair, PSOCKADDR own, ULONG length)
{
    calls_t active;
    calls_t passive;
    NDK_CONNECTOR *connector;

    calls_init(&active);
    calls_init(&passive);
    EXPECT_STATUS(STATUS_SUCCESS, pair->adapter->Dispatch->NdkCreateListener(
                                      pair->adapter, connect_event, &pair->requests, NULL, NULL, &pair->listener));
    EXPECT_STATUS(
        STATUS_SUCCESS,
        ended(pair->listener->Dispatch->NdkListen(pair->listener, own, length, request_ended, &passive), &passive, 1));
    EXPECT_STATUS(STATUS_SUCCESS, pair->listener->Dispatch->NdkGetLocalAddress(pair->listener, own, &length));
    EXPECT_STATUS(STATUS_SUCCESS,
                  pair->adapter->Dispatch->NdkCreateConnector(pair->adapter, NULL, NULL, &pair->connector[0]));
    connector = pair->connector[0];
    EXPECT_STATUS(STATUS_PENDING, connector->Dispatch->NdkConnect(connector, pair->qp[0], NULL, 0, own, length, 4, 4,
                                                                  NULL, 0, request_ended, &active));
    EXPECT(await(&pair->requests, 1));
    pair->connector[1] = (NDK_CONNECTOR *)(void *)pair->requests.object;
    EXPECT_STATUS(STATUS_PENDING,
                  pair->connector[1]->Dispatch->NdkAccept(pair->connector[1], pair->qp[1], 4, 4, NULL, 0, event_came,
                                                          &pair->disconnected, request_ended, &passive));
    EXPECT(await(&active, 1));
    EXPECT_STATUS(STATUS_SUCCESS, active.status);
    EXPECT(call_count(&passive) == 1);
    EXPECT_STATUS(
        STATUS_SUCCESS,
        ended(connector->Dispatch->NdkCompleteConnect(connector, NULL, NULL, request_ended, &active), &active, 2));
    EXPECT(await(&passive, 2));
    EXPECT_STATUS(STATUS_SUCCESS, passive.status);
    return NULL;
}

/* Takes as many results, waiting for them; all must be successes, and the last one of the receives is in `received`. */
static const char *take(pair_t *pair, int count, NDK_RESULT_EX *received)
{
    NDK_RESULT_EX results[DEPTH];

    while (count > 0) {
        ULONG found = pair->cq->Dispatch->NdkGetCqResultsEx(pair->cq, results, DEPTH);
        ULONG index;

        for (index = 0; index < found; index++) {
            EXPECT_STATUS(STATUS_SUCCESS, results[index].Status);
            if (results[index].Type & NdkOperationTypeReceive)
                *received = results[index];
        }
        count -= (int)found;
        if (found == 0) {
            pair->cq->Dispatch->NdkArmCq(pair->cq, NDK_CQ_NOTIFY_ANY);
            EXPECT(await(&pair->notified, ++pair->notifications));
        }
    }
    EXPECT(count == 0);
    return NULL;
}

static const char *move_data(pair_t *pair, memory_t *memory)
{
    NDK_SGE source = element(memory, pair->token, 0, 64);
    NDK_SGE sink = element(memory, pair->token, PAGE, 64);
    NDK_SGE other = element(memory, pair->token, 128, 64);
    NDK_LOGICAL_ADDRESS *pages = memory->lam.mapping.AdapterPageArray;
    UINT64 base = (UINT64)pages[0].QuadPart + PAGE;
    NDK_RESULT_EX received;
    NDK_MR *fast;
    NDK_MR *mr;
    NDK_MW *mw;
    UINT32 token;

    memset(memory->bytes, 0x5A, PAGE);
    memset(&received, 0, sizeof(received));
    EXPECT_STATUS(STATUS_SUCCESS, pair->qp[1]->Dispatch->NdkReceive(pair->qp[1], &sink, &sink, 1));
    EXPECT_STATUS(STATUS_SUCCESS, pair->qp[0]->Dispatch->NdkSend(pair->qp[0], &source, &source, 1, 0));
    TRY(take(pair, 2, &received));
    EXPECT(received.BytesTransferred == 64 && received.QPContext == &pair->qp[1] && received.RequestContext == &sink);
    EXPECT(memcmp(memory->bytes, memory->bytes + PAGE, 64) == 0);

    /* The second page is fast-registered by one side; the other writes there, reads it back, and takes the right away.
     */
    EXPECT_STATUS(STATUS_SUCCESS, pair->pd->Dispatch->NdkCreateMr(pair->pd, TRUE, NULL, NULL, &fast));
    EXPECT_STATUS(STATUS_SUCCESS, fast->Dispatch->NdkInitializeFastRegisterMr(fast, 1, TRUE, NULL, NULL));
    EXPECT_STATUS(STATUS_SUCCESS, pair->qp[0]->Dispatch->NdkFastRegister(pair->qp[0], NULL, fast, 1, &pages[1], 0, PAGE,
                                                                         (PVOID)(uintptr_t)base, READ_WRITE));
    token = fast->Dispatch->NdkGetRemoteTokenFromMr(fast);
    TRY(take(pair, 1, &received));
    memset(memory->bytes, 0x77, 64);
    EXPECT_STATUS(STATUS_SUCCESS, pair->qp[1]->Dispatch->NdkWrite(pair->qp[1], NULL, &source, 1, base + 256, token, 0));
    EXPECT_STATUS(STATUS_SUCCESS, pair->qp[1]->Dispatch->NdkRead(pair->qp[1], NULL, &other, 1, base + 256, token,
                                                                 NDK_OP_FLAG_READ_FENCE));
    TRY(take(pair, 2, &received));
    EXPECT(memcmp(memory->bytes, memory->bytes + PAGE + 256, 64) == 0);
    EXPECT(memcmp(memory->bytes, memory->bytes + 128, 64) == 0);
    EXPECT_STATUS(STATUS_SUCCESS, pair->qp[0]->Dispatch->NdkReceive(pair->qp[0], NULL, NULL, 0));
    EXPECT_STATUS(STATUS_SUCCESS, pair->qp[1]->Dispatch->NdkSendAndInvalidate(pair->qp[1], NULL, NULL, 0, 0, token));
    TRY(take(pair, 2, &received));
    EXPECT(received.Type == NdkOperationTypeReceiveAndInvalidate && received.TypeSpecificCompletionOutput == token);
    EXPECT_STATUS(STATUS_INVALID_DEVICE_REQUEST,
                  pair->qp[0]->Dispatch->NdkInvalidate(pair->qp[0], NULL, &fast->Header, 0));

    /* A window over a region of its own. */
    EXPECT_STATUS(STATUS_SUCCESS, pair->pd->Dispatch->NdkCreateMr(pair->pd, FALSE, NULL, NULL, &mr));
    EXPECT_STATUS(STATUS_SUCCESS, pair->pd->Dispatch->NdkCreateMw(pair->pd, NULL, NULL, &mw));
    EXPECT_STATUS(STATUS_SUCCESS,
                  mr->Dispatch->NdkRegisterMr(mr, &memory->mdl, 3 * PAGE, NDK_MR_FLAG_ALLOW_LOCAL_WRITE, NULL, NULL));
    EXPECT_STATUS(STATUS_SUCCESS, pair->qp[0]->Dispatch->NdkBind(pair->qp[0], NULL, mr, mw, memory->bytes + 2 * PAGE,
                                                                 PAGE, NDK_OP_FLAG_ALLOW_REMOTE_WRITE));
    token = mw->Dispatch->NdkGetRemoteTokenFromMw(mw);
    TRY(take(pair, 1, &received));
    EXPECT_STATUS(STATUS_SUCCESS,
                  pair->qp[1]->Dispatch->NdkWrite(pair->qp[1], NULL, &source, 1,
                                                  (UINT64)(uintptr_t)(memory->bytes + 2 * PAGE), token, 0));
    TRY(take(pair, 1, &received));
    EXPECT(memcmp(memory->bytes, memory->bytes + 2 * PAGE, 64) == 0);
    EXPECT_STATUS(STATUS_SUCCESS, pair->qp[0]->Dispatch->NdkInvalidate(pair->qp[0], NULL, &mw->Header, 0));
    TRY(take(pair, 1, &received));
    EXPECT_STATUS(STATUS_SUCCESS, mr->Dispatch->NdkDeregisterMr(mr, NULL, NULL));
    CLOSE(mw, NdkCloseMw);
    CLOSE(mr, NdkCloseMr);
    CLOSE(fast, NdkCloseMr);
    return NULL;
}

/* A mapping is released under a receive; it stays, and is counted, until the disconnect cancels the receive. */
static const char *release_busy(pair_t *pair, memory_t *memory)
{
    NDK_ADAPTER_STATISTICS statistics;
    NDK_SGE sink = element(memory, pair->token, 0, 64);
    NDK_RESULT result;
    calls_t calls;

    calls_init(&calls);
    statistics.Size = sizeof(statistics);
    EXPECT_STATUS(STATUS_SUCCESS, pair->qp[1]->Dispatch->NdkReceive(pair->qp[1], &sink, &sink, 1));
    pair->adapter->Dispatch->NdkReleaseLAM(pair->adapter, &memory->lam.mapping);
    EXPECT_STATUS(STATUS_ACCESS_VIOLATION, pair->qp[1]->Dispatch->NdkReceive(pair->qp[1], &sink, &sink, 1));
    EXPECT_STATUS(STATUS_SUCCESS, NdkGetAdapterStatistics(pair->adapter, &statistics));
    EXPECT(statistics.LiveMappings == 1 && statistics.Violations == 1 && statistics.DeferredReleases == 1);

    /* The peer hears of it, and what it has posted stays until it disconnects, too. */
    EXPECT_STATUS(
        STATUS_SUCCESS,
        ended(pair->connector[0]->Dispatch->NdkDisconnect(pair->connector[0], request_ended, &calls), &calls, 1));
    EXPECT(await(&pair->disconnected, 1));
    EXPECT(pair->cq->Dispatch->NdkGetCqResults(pair->cq, &result, 1) == 0);
    EXPECT_STATUS(
        STATUS_SUCCESS,
        ended(pair->connector[1]->Dispatch->NdkDisconnect(pair->connector[1], request_ended, &calls), &calls, 2));
    EXPECT(take_results(pair->cq, &result, 1, 1) == 1);
    EXPECT(result.Status == STATUS_CANCELLED && result.RequestContext == &sink);
    return NULL;
}

const char *CONSUMER(lives_on_a_device)(const char *device, const char *address)
{
    static memory_t memory;
    struct sockaddr_in own = address_of(address, 0);
    pair_t pair;
    int index;

    memset(&pair, 0, sizeof(pair));
    calls_init(&pair.notified);
    calls_init(&pair.requests);
    calls_init(&pair.disconnected);
    EXPECT_STATUS(STATUS_SUCCESS, NdkOpenAdapter(device, NULL, &pair.adapter));
    EXPECT_STATUS(STATUS_SUCCESS, pair.adapter->Dispatch->NdkCreatePd(pair.adapter, NULL, NULL, &pair.pd));
    pair.pd->Dispatch->NdkGetPrivilegedMemoryRegionToken(pair.pd, &pair.token);
    EXPECT_STATUS(STATUS_SUCCESS, pair.adapter->Dispatch->NdkCreateCq(pair.adapter, 64, request_ended, &pair.notified,
                                                                      NULL, NULL, NULL, &pair.cq));
    for (index = 0; index < 2; index++)
        EXPECT_STATUS(STATUS_SUCCESS, pair.pd->Dispatch->NdkCreateQp(pair.pd, pair.cq, pair.cq, &pair.qp[index], DEPTH,
                                                                     DEPTH, 2, 2, 0, NULL, NULL, &pair.qp[index]));
    EXPECT_STATUS(STATUS_SUCCESS, map_memory(pair.adapter, &memory, sizeof(memory.bytes)));
    TRY(connect_pair(&pair, (PSOCKADDR)&own, sizeof(own)));
    TRY(move_data(&pair, &memory));
    TRY(release_busy(&pair, &memory));
    for (index = 0; index < 2; index++) {
        CLOSE(pair.connector[index], NdkCloseConnector);
        CLOSE(pair.qp[index], NdkCloseQp);
    }
    CLOSE(pair.listener, NdkCloseListener);
    CLOSE(pair.cq, NdkCloseCq);
    CLOSE(pair.pd, NdkClosePd);
    EXPECT_STATUS(STATUS_SUCCESS, NdkCloseAdapter(pair.adapter));
    return NULL;
}
