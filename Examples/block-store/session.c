#include "session.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* After as long without a result the peer is asked for a sign of life. */
#define IDLE_SECONDS 2
/*
 * Who is not heard of so often in a row is gone. The adapter should have said so, but soft-RoCE sometimes forgets a
 * request when its link goes down: its queue pair stays ready to send, and tries nothing more.
 */
#define PATIENCE 5

/* -- Callbacks -- */

void event_init(event_t *event)
{
    memset(event, 0, sizeof(*event));
    pthread_mutex_init(&event->mutex, NULL);
    pthread_cond_init(&event->changed, NULL);
}

VOID event_status(PVOID context, NTSTATUS status)
{
    event_t *event = context;

    pthread_mutex_lock(&event->mutex);
    event->count++;
    event->status = status;
    pthread_cond_signal(&event->changed);
    pthread_mutex_unlock(&event->mutex);
}

VOID event_plain(PVOID event)
{
    event_status(event, STATUS_SUCCESS);
}

NTSTATUS event_wait(event_t *event)
{
    NTSTATUS status;

    while (!event_wait_for(event, 3600, &status))
        ;
    return status;
}

bool event_wait_for(event_t *event, int seconds, NTSTATUS *status)
{
    struct timespec deadline;
    int error = 0;
    bool came;

    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += seconds;
    pthread_mutex_lock(&event->mutex);
    while (event->count == 0 && error == 0)
        error = pthread_cond_clockwait(&event->changed, &event->mutex, CLOCK_MONOTONIC, &deadline);
    came = event->count > 0;
    if (came) {
        event->count--;
        *status = event->status;
    }
    pthread_mutex_unlock(&event->mutex);
    return came;
}

NTSTATUS event_outcome(event_t *event, NTSTATUS status)
{
    return status == STATUS_PENDING ? event_wait(event) : status;
}

bool complain(const char *what, NTSTATUS status)
{
    fprintf(stderr, "block-store: %s: %s%s%s\n", what, NdkStatusName(status), NdkErrorMessage()[0] ? ": " : "",
            NdkErrorMessage());
    return false;
}

void close_object(NDK_OBJECT_HEADER *object, NDK_FN_CLOSE_OBJECT close)
{
    event_t closed;

    event_init(&closed);
    (void)event_outcome(&closed, close(object, event_plain, &closed));
}

/* -- Memory -- */

bool buffer_open(buffer_t *buffer, NDK_ADAPTER *adapter, SIZE_T length)
{
    ULONG size = 0;
    event_t built;
    NTSTATUS status;

    memset(buffer, 0, sizeof(*buffer));
    event_init(&built);
    buffer->length = length;
    buffer->bytes = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (buffer->bytes == MAP_FAILED) {
        buffer->bytes = NULL;
        return complain("memory", STATUS_INSUFFICIENT_RESOURCES);
    }
    buffer->mdl = IoAllocateMdl(buffer->bytes, (ULONG)length, FALSE, FALSE, NULL);
    if (!buffer->mdl)
        return complain("memory", STATUS_INSUFFICIENT_RESOURCES);

    /* First how large the description is, then the mapping. */
    status = adapter->Dispatch->NdkBuildLAM(adapter, buffer->mdl, length, NULL, NULL, NULL, &size,
                                            &buffer->first_byte_offset);
    if (status != STATUS_BUFFER_TOO_SMALL)
        return complain("NdkBuildLAM", status);
    buffer->mapping = malloc(size);
    if (!buffer->mapping)
        return complain("memory", STATUS_INSUFFICIENT_RESOURCES);
    status = adapter->Dispatch->NdkBuildLAM(adapter, buffer->mdl, length, event_status, &built, buffer->mapping, &size,
                                            &buffer->first_byte_offset);
    status = event_outcome(&built, status);
    if (NT_SUCCESS(status))
        return true;
    free(buffer->mapping);
    buffer->mapping = NULL;
    return complain("NdkBuildLAM", status);
}

void buffer_close(buffer_t *buffer, NDK_ADAPTER *adapter)
{
    if (buffer->mapping)
        adapter->Dispatch->NdkReleaseLAM(adapter, buffer->mapping);
    free(buffer->mapping);
    if (buffer->mdl)
        IoFreeMdl(buffer->mdl);
    if (buffer->bytes)
        munmap(buffer->bytes, buffer->length);
    memset(buffer, 0, sizeof(*buffer));
}

NDK_SGE session_element(const session_t *session, const buffer_t *buffer, SIZE_T offset, ULONG length)
{
    NDK_SGE element;
    SIZE_T place = buffer->first_byte_offset + offset;

    /* Within a page array the pages of this library follow each other, so that one element is enough. */
    element.LogicalAddress = buffer->mapping->AdapterPageArray[0];
    element.LogicalAddress.QuadPart += (LONGLONG)place;
    element.Length = length;
    element.MemoryRegionToken = session->token;
    return element;
}

/* -- Connections -- */

void session_init(session_t *session, NDK_ADAPTER *adapter, NDK_CONNECTOR *connector)
{
    memset(session, 0, sizeof(*session));
    session->adapter = adapter;
    session->connector = connector;
    event_init(&session->woken);
    event_init(&session->calls);
    pthread_mutex_init(&session->mutex, NULL);
}

bool session_open(session_t *session, ULONG depth)
{
    NDK_ADAPTER *adapter = session->adapter;
    NTSTATUS status = adapter->Dispatch->NdkCreatePd(adapter, NULL, NULL, &session->pd);
    if (!NT_SUCCESS(status))
        return complain("NdkCreatePd", status);
    session->pd->Dispatch->NdkGetPrivilegedMemoryRegionToken(session->pd, &session->token);
    /* One more for the sign of life. */
    status = adapter->Dispatch->NdkCreateCq(adapter, 4 * depth + 1, event_status, &session->woken, NULL, NULL, NULL,
                                            &session->cq);
    if (!NT_SUCCESS(status))
        return complain("NdkCreateCq", status);
    status = session->pd->Dispatch->NdkCreateQp(session->pd, session->cq, session->cq, session, depth, 3 * depth + 1, 1,
                                                1, 64, NULL, NULL, &session->qp);
    return NT_SUCCESS(status) || complain("NdkCreateQp", status);
}

VOID session_disconnected(PVOID context)
{
    session_t *session = context;

    pthread_mutex_lock(&session->mutex);
    session->has_ended = true;
    pthread_mutex_unlock(&session->mutex);
    event_plain(&session->woken);
}

static bool has_ended(session_t *session)
{
    bool ended;

    pthread_mutex_lock(&session->mutex);
    ended = session->has_ended;
    pthread_mutex_unlock(&session->mutex);
    return ended;
}

/* Has the peer's adapter acknowledge a write of nothing: who waits for a message only would not notice a pulled link.
 */
static bool show_life(session_t *session)
{
    NTSTATUS status;

    if (session->awaits_life)
        return ++session->idle_count < PATIENCE || complain("a sign of life", STATUS_IO_TIMEOUT);
    session->idle_count = 0;
    status = session->qp->Dispatch->NdkWrite(session->qp, session, NULL, 0, 0, 0, 0);
    session->awaits_life = NT_SUCCESS(status);
    return session->awaits_life || complain("NdkWrite", status);
}

/* Takes the sign of life out of the results; a failed one stays. */
static ULONG leave_out_life(session_t *session, NDK_RESULT_EX *results, ULONG count)
{
    ULONG kept = 0;

    for (ULONG index = 0; index < count; index++) {
        if (results[index].RequestContext == session)
            session->awaits_life = false;
        if (results[index].RequestContext != session || !NT_SUCCESS(results[index].Status))
            results[kept++] = results[index];
    }
    return kept;
}

ULONG session_results(session_t *session, NDK_RESULT_EX *results, ULONG count)
{
    for (;;) {
        ULONG found = session->cq->Dispatch->NdkGetCqResultsEx(session->cq, results, count);
        NTSTATUS status = STATUS_SUCCESS;

        if (found > 0) {
            found = leave_out_life(session, results, found);
            if (found > 0)
                return found;
            continue;
        }
        if (has_ended(session))
            return 0;
        /* Notifies at once of what came since the last time. */
        session->cq->Dispatch->NdkArmCq(session->cq, NDK_CQ_NOTIFY_ANY);
        if (!event_wait_for(&session->woken, IDLE_SECONDS, &status) && !show_life(session))
            return 0;
        if (!NT_SUCCESS(status))
            return 0;
    }
}

void session_close(session_t *session)
{
    NDK_RESULT rest[16];

    if (session->connector) {
        NTSTATUS status =
            session->connector->Dispatch->NdkDisconnect(session->connector, event_status, &session->calls);

        (void)event_outcome(&session->calls, status);
        close_object(&session->connector->Header, session->connector->Dispatch->NdkCloseConnector);
    }
    if (session->qp) {
        session->qp->Dispatch->NdkFlush(session->qp);
        while (session->cq->Dispatch->NdkGetCqResults(session->cq, rest, 16) > 0)
            ;
        close_object(&session->qp->Header, session->qp->Dispatch->NdkCloseQp);
    }
    if (session->cq)
        close_object(&session->cq->Header, session->cq->Dispatch->NdkCloseCq);
    if (session->pd)
        close_object(&session->pd->Header, session->pd->Dispatch->NdkClosePd);
}

bool parse_host(const char *text, struct sockaddr_in *address)
{
    memset(address, 0, sizeof(*address));
    address->sin_family = AF_INET;
    return inet_pton(AF_INET, text, &address->sin_addr) == 1;
}

bool parse_address(const char *text, struct sockaddr_in *address)
{
    char host[64];
    unsigned port;

    if (sscanf(text, "%63[^:]:%u", host, &port) != 2 || port > 65535 || !parse_host(host, address))
        return false;
    address->sin_port = htons((uint16_t)port);
    return true;
}
