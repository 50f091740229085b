/* What all of these programs need: waiting for callbacks, and objects to begin with. */
#ifndef STAGE_H
#define STAGE_H

#include "consumer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* -- Expectations -- */

static inline const char *failed(const char *file, int line, const char *what, NTSTATUS status)
{
    static char text[512];
    snprintf(text, sizeof(text), "%s:%d: %s; status %s; %s", file, line, what, NdkStatusName(status),
             NdkErrorMessage());
    return text;
}

#define EXPECT(condition)                                                                                              \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            return failed(__FILE__, __LINE__, #condition, STATUS_SUCCESS);                                             \
    } while (0)

#define EXPECT_STATUS(expected, call)                                                                                  \
    do {                                                                                                               \
        NTSTATUS status_found = (call);                                                                                \
        if (status_found != (expected))                                                                                \
            return failed(__FILE__, __LINE__, #call, status_found);                                                    \
    } while (0)

/* Another function's finding is this one's. */
#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        const char *finding_of_call = (call);                                                                          \
        if (finding_of_call)                                                                                           \
            return finding_of_call;                                                                                    \
    } while (0)

/* -- Callbacks -- */

typedef struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int count;
    NTSTATUS status;
    NDK_OBJECT_HEADER *object;
    int has_reason; /* whether NdkErrorMessage told something within the last call */
} calls_t;

static inline void calls_init(calls_t *calls)
{
    memset(calls, 0, sizeof(*calls));
    pthread_mutex_init(&calls->mutex, NULL);
    pthread_cond_init(&calls->changed, NULL);
}

static inline void called(calls_t *calls, NTSTATUS status, NDK_OBJECT_HEADER *object)
{
    pthread_mutex_lock(&calls->mutex);
    calls->count++;
    calls->status = status;
    calls->object = object;
    calls->has_reason = NdkErrorMessage()[0] != 0;
    pthread_cond_broadcast(&calls->changed);
    pthread_mutex_unlock(&calls->mutex);
}

static inline int call_count(calls_t *calls)
{
    int count;

    pthread_mutex_lock(&calls->mutex);
    count = calls->count;
    pthread_mutex_unlock(&calls->mutex);
    return count;
}

/* Waits until there were so many calls; FALSE after ten seconds. */
static inline int await(calls_t *calls, int count)
{
    struct timespec deadline;
    int code = 0;

    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += 10;
    pthread_mutex_lock(&calls->mutex);
    while (calls->count < count && code != ETIMEDOUT)
        code = pthread_cond_timedwait(&calls->changed, &calls->mutex, &deadline);
    code = calls->count >= count;
    pthread_mutex_unlock(&calls->mutex);
    return code;
}

static inline VOID request_ended(PVOID context, NTSTATUS status)
{
    called((calls_t *)context, status, NULL);
}

static inline VOID object_created(PVOID context, NTSTATUS status, NDK_OBJECT_HEADER *object)
{
    called((calls_t *)context, status, object);
}

static inline VOID object_closed(PVOID context)
{
    called((calls_t *)context, STATUS_SUCCESS, NULL);
}

static inline VOID event_came(PVOID context)
{
    called((calls_t *)context, STATUS_SUCCESS, NULL);
}

static inline VOID connect_event(PVOID context, NDK_CONNECTOR *connector)
{
    called((calls_t *)context, STATUS_SUCCESS, &connector->Header);
}

/* Whether a call that said `status` ends as expected. */
static inline NTSTATUS ended(NTSTATUS status, calls_t *calls, int count)
{
    if (status != STATUS_PENDING)
        return status;
    return await(calls, count) ? calls->status : STATUS_PENDING;
}

/*
 * Polls until there were so many results, or ten seconds are over: a poll finds none at the moment when the library
 * polls in the program's stead.
 */
#define TAKE_RESULTS(entry)                                                                                            \
    struct timespec pause = {0, 1000000};                                                                              \
    ULONG count = 0;                                                                                                   \
    int round;                                                                                                         \
                                                                                                                       \
    for (round = 0; round < 10000; round++) {                                                                          \
        count += cq->Dispatch->entry(cq, results + count, room - count);                                               \
        if (count >= expected)                                                                                         \
            break;                                                                                                     \
        nanosleep(&pause, NULL);                                                                                       \
    }                                                                                                                  \
    return count

static inline ULONG take_results(NDK_CQ *cq, NDK_RESULT *results, ULONG room, ULONG expected)
{
    TAKE_RESULTS(NdkGetCqResults);
}

static inline ULONG take_results_ex(NDK_CQ *cq, NDK_RESULT_EX *results, ULONG room, ULONG expected)
{
    TAKE_RESULTS(NdkGetCqResultsEx);
}

/* Closes an object and waits until it is gone. */
static inline NTSTATUS close_object(NDK_OBJECT_HEADER *object, NDK_FN_CLOSE_OBJECT close)
{
    calls_t closed;

    calls_init(&closed);
    return ended(close(object, object_closed, &closed), &closed, 1);
}

#define CLOSE(object, entry) EXPECT_STATUS(STATUS_SUCCESS, close_object(&(object)->Header, (object)->Dispatch->entry))

/* -- Objects -- */

#define DEPTH 8
#define PAGE 4096

typedef struct {
    NDK_ADAPTER *adapter;
    NDK_PD *pd;
    NDK_CQ *cq;
    NDK_QP *qp;
    UINT32 token;
    calls_t notified;
    int context;
} stage_t;

static inline const char *open_stage(stage_t *stage)
{
    memset(stage, 0, sizeof(*stage));
    calls_init(&stage->notified);
    EXPECT_STATUS(STATUS_SUCCESS, NdkOpenAdapter(NULL, NULL, &stage->adapter));
    EXPECT_STATUS(STATUS_SUCCESS, stage->adapter->Dispatch->NdkCreatePd(stage->adapter, NULL, NULL, &stage->pd));
    EXPECT_STATUS(STATUS_SUCCESS,
                  stage->adapter->Dispatch->NdkCreateCq(stage->adapter, 4 * DEPTH, request_ended, &stage->notified,
                                                        NULL, NULL, NULL, &stage->cq));
    EXPECT_STATUS(STATUS_SUCCESS, stage->pd->Dispatch->NdkCreateQp(stage->pd, stage->cq, stage->cq, &stage->context,
                                                                   DEPTH, DEPTH, 4, 4, 64, NULL, NULL, &stage->qp));
    stage->pd->Dispatch->NdkGetPrivilegedMemoryRegionToken(stage->pd, &stage->token);
    return NULL;
}

static inline const char *close_stage(stage_t *stage)
{
    CLOSE(stage->qp, NdkCloseQp);
    CLOSE(stage->cq, NdkCloseCq);
    CLOSE(stage->pd, NdkClosePd);
    EXPECT_STATUS(STATUS_SUCCESS, NdkCloseAdapter(stage->adapter));
    return NULL;
}

static inline struct sockaddr_in address_of(const char *text, unsigned short port)
{
    struct sockaddr_in address;

    memset(&address, 0, sizeof(address));
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    inet_pton(AF_INET, text, &address.sin_addr);
    return address;
}

/* Connects the queue pair to a peer that accepts. */
static inline const char *connect_stage(stage_t *stage, NDK_CONNECTOR **connector, calls_t *disconnected)
{
    struct sockaddr_in peer = address_of("10.77.0.1", 7471);
    NDK_CONNECTOR *made;
    calls_t calls;

    calls_init(&calls);
    EXPECT_STATUS(STATUS_SUCCESS, stage->adapter->Dispatch->NdkCreateConnector(stage->adapter, NULL, NULL, &made));
    EXPECT_STATUS(STATUS_SUCCESS, ended(made->Dispatch->NdkConnect(made, stage->qp, NULL, 0, (PSOCKADDR)&peer,
                                                                   sizeof(peer), 4, 4, NULL, 0, request_ended, &calls),
                                        &calls, 1));
    EXPECT_STATUS(
        STATUS_SUCCESS,
        ended(made->Dispatch->NdkCompleteConnect(made, event_came, disconnected, request_ended, &calls), &calls, 2));
    *connector = made;
    return NULL;
}

/* Pages of memory, mapped; `mapping` has room for eight. */
typedef struct {
    char bytes[3 * PAGE] __attribute__((aligned(PAGE)));
    MDL mdl;
    union {
        NDK_LOGICAL_ADDRESS_MAPPING mapping;
        char room[16 + 8 * 8];
    } lam;
    ULONG size;
    ULONG offset;
} memory_t;

static inline NTSTATUS map_memory(NDK_ADAPTER *adapter, memory_t *memory, SIZE_T length)
{
    MmInitializeMdl(&memory->mdl, memory->bytes, sizeof(memory->bytes));
    memory->size = sizeof(memory->lam);
    return adapter->Dispatch->NdkBuildLAM(adapter, &memory->mdl, length, NULL, NULL, &memory->lam.mapping,
                                          &memory->size, &memory->offset);
}

static inline NDK_SGE element(memory_t *memory, UINT32 token, ULONG offset, ULONG length)
{
    NDK_SGE sge;

    sge.LogicalAddress.QuadPart = memory->lam.mapping.AdapterPageArray[0].QuadPart + memory->offset + offset;
    sge.Length = length;
    sge.MemoryRegionToken = token;
    return sge;
}

#endif /* STAGE_H */
