/* The server: blocks in a file, or in memory that is one. */
#include "protocol.h"
#include "session.h"

#include <arpa/inet.h>
#include <endian.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct {
    int file;
    uint64_t block_count;
} store_t;

typedef struct {
    NDK_ADAPTER *adapter;
    store_t store;
    event_t client_gone;
} server_t;

/* A request of the client, from its receive to the end of the answer. */
typedef struct {
    request_t request; /* the client's words are received into the buffer and copied here */
    reply_t reply;
    enum {
        SLOT_RECEIVING,
        SLOT_READING,
        SLOT_ANSWERING
    } state;
} slot_t;

typedef struct {
    session_t session;
    server_t *server;
    const store_t *store;
    buffer_t requests; /* a message for each slot */
    buffer_t blocks;   /* a block for each slot */
    slot_t slots[2 * MAX_DEPTH];
    ULONG depth;
} connection_t;

static bool receive(connection_t *connection, ULONG slot)
{
    NDK_QP *qp = connection->session.qp;
    NDK_SGE message =
        session_element(&connection->session, &connection->requests, slot * sizeof(request_t), sizeof(request_t));
    NTSTATUS status;

    connection->slots[slot].state = SLOT_RECEIVING;
    status = qp->Dispatch->NdkReceive(qp, &connection->slots[slot], &message, 1);
    return NT_SUCCESS(status) || complain("NdkReceive", status);
}

/* Answers, and takes back the access to the client's memory. */
static bool answer(connection_t *connection, ULONG slot, uint32_t outcome)
{
    NDK_QP *qp = connection->session.qp;
    slot_t *found = &connection->slots[slot];
    NDK_SGE message;
    NTSTATUS status;

    found->reply.slot = found->request.slot;
    found->reply.outcome = htobe32(outcome);
    found->state = SLOT_ANSWERING;
    /* Inline, a message needs neither a mapping nor a token. */
    message.VirtualAddress = &found->reply;
    message.Length = sizeof(found->reply);
    message.MemoryRegionToken = 0;
    status =
        qp->Dispatch->NdkSendAndInvalidate(qp, found, &message, 1, NDK_OP_FLAG_INLINE, be32toh(found->request.token));
    return NT_SUCCESS(status) || complain("NdkSendAndInvalidate", status);
}

/* Whether the block was moved between the file and the slot's memory. */
static bool transfer(connection_t *connection, ULONG slot)
{
    const slot_t *found = &connection->slots[slot];
    char *bytes = connection->blocks.bytes + (size_t)slot * BLOCK_SIZE;
    off_t place = (off_t)(be64toh(found->request.block) * BLOCK_SIZE);
    ssize_t done = be32toh(found->request.operation) == OPERATION_READ
                       ? pread(connection->store->file, bytes, BLOCK_SIZE, place)
                       : pwrite(connection->store->file, bytes, BLOCK_SIZE, place);

    return done == BLOCK_SIZE;
}

/* A request has come: moves the block to the client, or begins to fetch it. */
static bool begin(connection_t *connection, ULONG slot)
{
    NDK_QP *qp = connection->session.qp;
    slot_t *found = &connection->slots[slot];
    NDK_SGE block = session_element(&connection->session, &connection->blocks, (SIZE_T)slot * BLOCK_SIZE, BLOCK_SIZE);
    uint32_t operation;
    NTSTATUS status;

    memcpy(&found->request, connection->requests.bytes + slot * sizeof(request_t), sizeof(request_t));
    operation = be32toh(found->request.operation);
    if (be64toh(found->request.block) >= connection->store->block_count)
        return answer(connection, slot, OUTCOME_NO_SUCH_BLOCK);
    if (operation == OPERATION_WRITE) {
        found->state = SLOT_READING;
        status = qp->Dispatch->NdkRead(qp, found, &block, 1, be64toh(found->request.address),
                                       be32toh(found->request.token), 0);
        return NT_SUCCESS(status) || complain("NdkRead", status);
    }
    if (operation != OPERATION_READ || !transfer(connection, slot))
        return answer(connection, slot, OUTCOME_STORAGE_FAILED);
    /* The answer is behind it on the same queue; only a failure is worth a result. */
    status = qp->Dispatch->NdkWrite(qp, found, &block, 1, be64toh(found->request.address),
                                    be32toh(found->request.token), NDK_OP_FLAG_SILENT_SUCCESS | NDK_OP_FLAG_DEFER);
    return (NT_SUCCESS(status) || complain("NdkWrite", status)) && answer(connection, slot, OUTCOME_DONE);
}

/* Goes on with the slot that a result is about; false when the connection has ended. */
static bool go_on(connection_t *connection, const NDK_RESULT_EX *result)
{
    slot_t *found = result->RequestContext;
    ULONG slot;

    if (result->Status == STATUS_CANCELLED)
        return false;
    if (!NT_SUCCESS(result->Status)) {
        fprintf(stderr, "block-store: a request ended with %s\n", NdkStatusName(result->Status));
        return false;
    }
    slot = (ULONG)(found - connection->slots);
    switch (found->state) {
    case SLOT_RECEIVING:
        return result->BytesTransferred == sizeof(request_t) && begin(connection, slot);
    case SLOT_READING:
        return answer(connection, slot, transfer(connection, slot) ? OUTCOME_DONE : OUTCOME_STORAGE_FAILED);
    case SLOT_ANSWERING:
        /* The client may use the slot again when it has the answer, which is before this: hence a spare receive. */
        return receive(connection, slot);
    }
    return false;
}

static bool accept_client(connection_t *connection)
{
    NDK_CONNECTOR *connector = connection->session.connector;
    ULONG length = sizeof(hello_t);
    welcome_t welcome = {htobe32(MAGIC), 0, htobe64(connection->store->block_count)};
    hello_t hello;
    NTSTATUS status = connector->Dispatch->NdkGetConnectionData(connector, NULL, NULL, &hello, &length);

    /* The transport's buffer is longer than what was sent. */
    if (status != STATUS_BUFFER_TOO_SMALL && !NT_SUCCESS(status))
        return complain("NdkGetConnectionData", status);
    connection->depth = be32toh(hello.depth);
    if (be32toh(hello.magic) != MAGIC || connection->depth < 1 || connection->depth > MAX_DEPTH) {
        (void)connector->Dispatch->NdkReject(connector, NULL, 0);
        return false;
    }
    /* Twice as many slots as the client has requests: a slot is free again only when its answer's result is there. */
    connection->depth *= 2;
    if (!session_open(&connection->session, connection->depth) ||
        !buffer_open(&connection->requests, connection->session.adapter, connection->depth * sizeof(request_t)) ||
        !buffer_open(&connection->blocks, connection->session.adapter, (SIZE_T)connection->depth * BLOCK_SIZE))
        return false;
    for (ULONG slot = 0; slot < connection->depth; slot++)
        if (!receive(connection, slot))
            return false;
    status = connector->Dispatch->NdkAccept(connector, connection->session.qp, 16, 16, &welcome, sizeof(welcome),
                                            session_disconnected, &connection->session, event_status,
                                            &connection->session.calls);
    status = event_outcome(&connection->session.calls, status);
    return NT_SUCCESS(status) || complain("NdkAccept", status);
}

static void *serve_client(void *context)
{
    connection_t *connection = context;
    NDK_ADAPTER *adapter = connection->session.adapter;
    NDK_RESULT_EX results[16];
    bool goes_on = accept_client(connection);
    uint64_t answered = 0;

    while (goes_on) {
        ULONG count = session_results(&connection->session, results, 16);

        goes_on = count > 0;
        for (ULONG index = 0; index < count && goes_on; index++) {
            answered += results[index].Type == NdkOperationTypeSend;
            goes_on = go_on(connection, &results[index]);
        }
    }
    session_close(&connection->session);
    buffer_close(&connection->requests, adapter);
    buffer_close(&connection->blocks, adapter);
    printf("client gone after %llu requests\n", (unsigned long long)answered);
    fflush(stdout);
    event_plain(&connection->server->client_gone);
    free(connection);
    return NULL;
}

/* A client wants a connection, and gets a thread. */
static VOID client_came(PVOID context, NDK_CONNECTOR *connector)
{
    server_t *server = context;
    connection_t *connection = calloc(1, sizeof(*connection));
    pthread_t thread;

    if (!connection) {
        (void)connector->Dispatch->NdkCloseConnector(&connector->Header, NULL, NULL);
        return;
    }
    connection->server = server;
    connection->store = &server->store;
    session_init(&connection->session, server->adapter, connector);
    if (pthread_create(&thread, NULL, serve_client, connection) == 0) {
        pthread_detach(thread);
        return;
    }
    free(connection);
    /* A request that is not accepted is rejected by this. */
    (void)connector->Dispatch->NdkCloseConnector(&connector->Header, NULL, NULL);
}

static bool listen_on(NDK_LISTENER *listener, const struct sockaddr_in *address)
{
    struct sockaddr_in found = *address;
    ULONG length = sizeof(found);
    char host[INET_ADDRSTRLEN];
    event_t calls;
    NTSTATUS status;

    event_init(&calls);
    status = listener->Dispatch->NdkListen(listener, (PSOCKADDR)&found, sizeof(found), event_status, &calls);
    status = event_outcome(&calls, status);
    if (NT_SUCCESS(status))
        status = listener->Dispatch->NdkGetLocalAddress(listener, (PSOCKADDR)&found, &length);
    if (!NT_SUCCESS(status))
        return complain("NdkListen", status);
    printf("listening on %s:%u\n", inet_ntop(AF_INET, &found.sin_addr, host, sizeof(host)), ntohs(found.sin_port));
    fflush(stdout);
    return true;
}

static int open_store(store_t *store, const char *path, uint64_t block_count)
{
    store->block_count = block_count;
    store->file = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644) : memfd_create("block-store", MFD_CLOEXEC);
    if (store->file >= 0 && ftruncate(store->file, (off_t)(block_count * BLOCK_SIZE)) == 0)
        return 0;
    perror(path ? path : "block-store: memory");
    return 1;
}

int run_server(const struct sockaddr_in *address, const char *path, uint64_t block_count, bool once)
{
    NDK_LISTENER *listener;
    server_t server;
    bool listens;
    NTSTATUS status;

    memset(&server, 0, sizeof(server));
    event_init(&server.client_gone);
    if (open_store(&server.store, path, block_count) != 0)
        return 1;
    status = NdkOpenAdapterByAddress((const struct sockaddr *)address, sizeof(*address), NULL, &server.adapter);
    if (!NT_SUCCESS(status))
        return complain("NdkOpenAdapterByAddress", status), 1;
    status = server.adapter->Dispatch->NdkCreateListener(server.adapter, client_came, &server, NULL, NULL, &listener);
    if (!NT_SUCCESS(status))
        return complain("NdkCreateListener", status), 1;
    listens = listen_on(listener, address);
    if (listens) {
        do
            (void)event_wait(&server.client_gone);
        while (!once);
    }
    close_object(&listener->Header, listener->Dispatch->NdkCloseListener);
    (void)NdkCloseAdapter(server.adapter);
    close(server.store.file);
    return listens ? 0 : 1;
}
