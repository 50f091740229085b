#include "table_calls.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <ndk.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    page_size = 4096,
    depth = 256,
    patience_ms = 10000
};

struct table_calls {
    void *library;
    NTSTATUS (*close_adapter)(NDK_ADAPTER *adapter);
    NDK_ADAPTER *adapter;
    NDK_PD *pd;
    NDK_CQ *cq;
    NDK_QP *qp;
    NDK_CONNECTOR *connector;
    NDK_LOGICAL_ADDRESS_MAPPING *mapping;
    uint64_t base;
    uint64_t blocks;
    UINT32 token;
    void *memory;
};

/* -- Calls that pend -- */

struct pending {
    pthread_mutex_t mutex;
    int has_ended;
    NTSTATUS status;
};

static VOID ended(PVOID context, NTSTATUS status)
{
    struct pending *pending = context;

    pthread_mutex_lock(&pending->mutex);
    pending->status = status;
    pending->has_ended = 1;
    pthread_mutex_unlock(&pending->mutex);
}

static VOID closed(PVOID context)
{
    ended(context, STATUS_SUCCESS);
}

/* The queue is never armed. */
static VOID notified(PVOID context, NTSTATUS status)
{
    (void)context, (void)status;
}

static NTSTATUS wait_for(NTSTATUS status, struct pending *pending)
{
    for (int waited = 0; status == STATUS_PENDING && waited < patience_ms; waited++) {
        usleep(1000);
        pthread_mutex_lock(&pending->mutex);
        if (pending->has_ended)
            status = pending->status;
        pthread_mutex_unlock(&pending->mutex);
    }
    return status;
}

#define PENDING                                                                                                        \
    {                                                                                                                  \
        .mutex = PTHREAD_MUTEX_INITIALIZER                                                                             \
    }

/* -- Opening -- */

#define REQUIRE(call)                                                                                                  \
    do {                                                                                                               \
        NTSTATUS found = (call);                                                                                       \
        if (found != STATUS_SUCCESS) {                                                                                 \
            fprintf(stderr, "%s: 0x%x\n", #call, (unsigned)found);                                                     \
            return NULL;                                                                                               \
        }                                                                                                              \
    } while (0)

static struct table_calls *map(struct table_calls *calls, size_t length)
{
    ULONG size = (ULONG)(sizeof(NDK_LOGICAL_ADDRESS_MAPPING) + (length / page_size + 1) * sizeof(NDK_LOGICAL_ADDRESS));
    ULONG offset;
    MDL mdl;

    calls->blocks = length / page_size;
    calls->memory = aligned_alloc(page_size, length);
    calls->mapping = calloc(1, size);
    if (!calls->memory || !calls->mapping)
        return NULL;
    MmInitializeMdl(&mdl, calls->memory, length);
    REQUIRE(calls->adapter->Dispatch->NdkBuildLAM(calls->adapter, &mdl, length, NULL, NULL, calls->mapping, &size,
                                                  &offset));
    calls->base = (uint64_t)calls->mapping->AdapterPageArray[0].QuadPart + offset;
    return calls;
}

static struct table_calls *connect_calls(struct table_calls *calls)
{
    struct sockaddr_in peer = {
        .sin_family = AF_INET, .sin_port = htons(7471), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct pending connecting = PENDING, completing = PENDING;
    const NDK_CONNECTOR_DISPATCH *dispatch;

    REQUIRE(calls->adapter->Dispatch->NdkCreateConnector(calls->adapter, NULL, NULL, &calls->connector));
    dispatch = calls->connector->Dispatch;
    REQUIRE(wait_for(dispatch->NdkConnect(calls->connector, calls->qp, NULL, 0, (struct sockaddr *)&peer, sizeof(peer),
                                          1, 1, NULL, 0, ended, &connecting),
                     &connecting));
    REQUIRE(wait_for(dispatch->NdkCompleteConnect(calls->connector, NULL, NULL, ended, &completing), &completing));
    return calls;
}

static struct table_calls *open_calls(struct table_calls *calls, const char *library, size_t length)
{
    NTSTATUS (*open)(const char *, const NDK_OPEN_OPTIONS *, NDK_ADAPTER **);

    calls->library = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (!calls->library) {
        fprintf(stderr, "%s\n", dlerror());
        return NULL;
    }
    open = (NTSTATUS(*)(const char *, const NDK_OPEN_OPTIONS *, NDK_ADAPTER **))dlsym(calls->library, "NdkOpenAdapter");
    calls->close_adapter = (NTSTATUS(*)(NDK_ADAPTER *))dlsym(calls->library, "NdkCloseAdapter");
    REQUIRE(open(NULL, NULL, &calls->adapter));
    REQUIRE(calls->adapter->Dispatch->NdkCreatePd(calls->adapter, NULL, NULL, &calls->pd));
    REQUIRE(
        calls->adapter->Dispatch->NdkCreateCq(calls->adapter, 2 * depth, notified, NULL, NULL, NULL, NULL, &calls->cq));
    REQUIRE(calls->pd->Dispatch->NdkCreateQp(calls->pd, calls->cq, calls->cq, NULL, depth, depth, 1, 1, 0, NULL, NULL,
                                             &calls->qp));
    calls->pd->Dispatch->NdkGetPrivilegedMemoryRegionToken(calls->pd, &calls->token);
    return map(calls, length) ? connect_calls(calls) : NULL;
}

struct table_calls *table_calls_open(const char *library, size_t length)
{
    struct table_calls *calls = calloc(1, sizeof(*calls));

    return calls ? open_calls(calls, library, length) : NULL;
}

static void close_object(NDK_OBJECT_HEADER *object, NDK_FN_CLOSE_OBJECT close)
{
    struct pending closing = PENDING;

    wait_for(close(object, closed, &closing), &closing);
}

void table_calls_close(struct table_calls *calls)
{
    calls->adapter->Dispatch->NdkReleaseLAM(calls->adapter, calls->mapping);
    close_object(&calls->connector->Header, calls->connector->Dispatch->NdkCloseConnector);
    close_object(&calls->qp->Header, calls->qp->Dispatch->NdkCloseQp);
    close_object(&calls->cq->Header, calls->cq->Dispatch->NdkCloseCq);
    close_object(&calls->pd->Header, calls->pd->Dispatch->NdkClosePd);
    calls->close_adapter(calls->adapter);
    free(calls->mapping);
    free(calls->memory);
    free(calls);
}

/* -- What is measured -- */

static inline NDK_SGE element(const struct table_calls *calls, uint64_t index)
{
    NDK_SGE element;

    element.LogicalAddress.QuadPart = (int64_t)(calls->base + index % calls->blocks * page_size);
    element.Length = page_size;
    element.MemoryRegionToken = calls->token;
    return element;
}

static inline void take_result(struct table_calls *calls)
{
    NDK_RESULT result;

    while (calls->cq->Dispatch->NdkGetCqResults(calls->cq, &result, 1) == 0)
        ;
    if (result.Status != STATUS_SUCCESS)
        abort();
}

void table_calls_send(struct table_calls *calls, uint64_t count)
{
    for (uint64_t index = 0; index < count; index++) {
        NDK_SGE sge = element(calls, index);

        if (calls->qp->Dispatch->NdkSend(calls->qp, NULL, &sge, 1, 0) != STATUS_SUCCESS)
            abort();
        take_result(calls);
    }
}
