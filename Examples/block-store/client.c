/* The client: writes every block, reads it again and compares. */
#include "protocol.h"
#include "session.h"

#include <arpa/inet.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One request that may be under way. */
typedef struct {
    NDK_MR *region; /* over the slot's block of memory */
    uint32_t operation;
    uint64_t block;
    uint64_t seed; /* of what the block has or is to have */
} slot_t;

typedef struct {
    session_t session;
    buffer_t requests;
    buffer_t replies;
    buffer_t blocks;
    slot_t slots[MAX_DEPTH];
    ULONG depth;
    uint64_t block_count;
    uint64_t next;  /* how many requests were begun; each block is written and then read */
    uint64_t total; /* how many there are to be */
    uint64_t done;
} client_t;

/* -- Contents -- */

static void fill(char *bytes, uint64_t seed)
{
    uint64_t *words = (uint64_t *)(void *)bytes;

    for (size_t index = 0; index < BLOCK_SIZE / 8; index++)
        words[index] = (seed + index) * UINT64_C(0x9E3779B97F4A7C15);
}

static bool is_filled(const char *bytes, uint64_t seed)
{
    const uint64_t *words = (const uint64_t *)(const void *)bytes;

    for (size_t index = 0; index < BLOCK_SIZE / 8; index++)
        if (words[index] != (seed + index) * UINT64_C(0x9E3779B97F4A7C15))
            return false;
    return true;
}

/* -- Requests -- */

static bool receive(client_t *client, ULONG receive_slot)
{
    NDK_QP *qp = client->session.qp;
    NDK_SGE message =
        session_element(&client->session, &client->replies, receive_slot * sizeof(reply_t), sizeof(reply_t));
    NTSTATUS status = qp->Dispatch->NdkReceive(qp, (PVOID)(uintptr_t)receive_slot, &message, 1);

    return NT_SUCCESS(status) || complain("NdkReceive", status);
}

/* Opens the slot's memory to the server. */
static bool open_slot(client_t *client, ULONG slot, NDK_LOGICAL_ADDRESS base)
{
    NDK_QP *qp = client->session.qp;
    NDK_LOGICAL_ADDRESS pages[BLOCK_SIZE / 4096];
    const ULONG count = BLOCK_SIZE / 4096;
    ULONG rights = client->slots[slot].operation == OPERATION_READ ? NDK_OP_FLAG_ALLOW_REMOTE_WRITE
                                                                   : NDK_OP_FLAG_ALLOW_REMOTE_READ;
    NTSTATUS status;

    for (ULONG page = 0; page < count; page++)
        pages[page] = client->blocks.mapping->AdapterPageArray[slot * count + page];
    status = qp->Dispatch->NdkFastRegister(qp, NULL, client->slots[slot].region, count, pages, 0, BLOCK_SIZE,
                                           (PVOID)(uintptr_t)base.QuadPart, rights | NDK_OP_FLAG_SILENT_SUCCESS);
    return NT_SUCCESS(status) || complain("NdkFastRegister", status);
}

/* Begins the next request in a slot: first every block is written, then every block is read. */
static bool begin(client_t *client, ULONG slot)
{
    NDK_QP *qp = client->session.qp;
    slot_t *found = &client->slots[slot];
    request_t *request = (request_t *)(void *)(client->requests.bytes + slot * sizeof(request_t));
    NDK_SGE block = session_element(&client->session, &client->blocks, (SIZE_T)slot * BLOCK_SIZE, BLOCK_SIZE);
    NDK_SGE message = session_element(&client->session, &client->requests, slot * sizeof(request_t), sizeof(request_t));
    uint64_t round = client->next / (2 * client->block_count);
    uint64_t step = client->next % (2 * client->block_count);
    NTSTATUS status;

    client->next++;
    found->operation = step < client->block_count ? OPERATION_WRITE : OPERATION_READ;
    found->block = step % client->block_count;
    found->seed = round << 32 | found->block;
    if (found->operation == OPERATION_WRITE)
        fill(client->blocks.bytes + (size_t)slot * BLOCK_SIZE, found->seed);
    else
        memset(client->blocks.bytes + (size_t)slot * BLOCK_SIZE, 0, BLOCK_SIZE);
    if (!open_slot(client, slot, block.LogicalAddress))
        return false;
    memset(request, 0, sizeof(*request));
    request->slot = htobe32(slot);
    request->operation = htobe32(found->operation);
    request->block = htobe64(found->block);
    request->address = htobe64((uint64_t)block.LogicalAddress.QuadPart);
    request->token = htobe32(found->region->Dispatch->NdkGetRemoteTokenFromMr(found->region));
    status = qp->Dispatch->NdkSend(qp, NULL, &message, 1, NDK_OP_FLAG_SILENT_SUCCESS);
    return NT_SUCCESS(status) || complain("NdkSend", status);
}

/* -- Results -- */

/* Takes an answer; false if something is wrong with it. */
static bool finish(client_t *client, const NDK_RESULT_EX *result)
{
    ULONG receive_slot = (ULONG)(uintptr_t)result->RequestContext;
    reply_t reply;
    ULONG slot;

    if (!NT_SUCCESS(result->Status)) {
        fprintf(stderr, "block-store: a request ended with %s\n", NdkStatusName(result->Status));
        return false;
    }
    if (result->Type != NdkOperationTypeReceiveAndInvalidate) {
        fprintf(stderr, "block-store: the server's answer did not take its access back\n");
        return false;
    }
    memcpy(&reply, client->replies.bytes + receive_slot * sizeof(reply_t), sizeof(reply));
    if (!receive(client, receive_slot))
        return false;
    slot = be32toh(reply.slot);
    if (slot >= client->depth || be32toh(reply.outcome) != OUTCOME_DONE) {
        fprintf(stderr, "block-store: the server says %u of slot %u\n", be32toh(reply.outcome), slot);
        return false;
    }
    if (client->slots[slot].operation == OPERATION_READ &&
        !is_filled(client->blocks.bytes + (size_t)slot * BLOCK_SIZE, client->slots[slot].seed)) {
        fprintf(stderr, "block-store: block %llu is not what was written\n",
                (unsigned long long)client->slots[slot].block);
        return false;
    }
    client->done++;
    /* Blocks are read when all are written: the last of a pass leave their slots idle. */
    return client->next % client->block_count == 0 || begin(client, slot);
}

/* Begins a pass over all blocks, with all slots. */
static bool begin_pass(client_t *client)
{
    ULONG slot = 0;

    do {
        if (!begin(client, slot))
            return false;
    } while (++slot < client->depth && client->next % client->block_count != 0);
    return true;
}

static bool work(client_t *client)
{
    NDK_RESULT_EX results[16];

    /* As many as there are requests; an answer takes whichever is the oldest. */
    for (ULONG slot = 0; slot < client->depth; slot++)
        if (!receive(client, slot))
            return false;
    while (client->done < client->total) {
        ULONG count;

        if (client->done == client->next && !begin_pass(client))
            return false;
        count = session_results(&client->session, results, 16);
        if (count == 0) {
            fprintf(stderr, "block-store: the server is gone\n");
            return false;
        }
        for (ULONG index = 0; index < count; index++)
            if (!finish(client, &results[index]))
                return false;
    }
    return true;
}

/* -- The connection -- */

static bool connect_to(client_t *client, const struct sockaddr_in *address)
{
    session_t *session = &client->session;
    NDK_CONNECTOR *connector = session->connector;
    hello_t hello = {htobe32(MAGIC), htobe32(client->depth)};
    struct sockaddr_in peer = *address;
    ULONG length = sizeof(welcome_t);
    welcome_t welcome;
    NTSTATUS status;

    status = connector->Dispatch->NdkConnect(connector, session->qp, NULL, 0, (PSOCKADDR)&peer, sizeof(peer), 16, 16,
                                             &hello, sizeof(hello), event_status, &session->calls);
    status = event_outcome(&session->calls, status);
    if (!NT_SUCCESS(status))
        return complain("NdkConnect", status);
    (void)connector->Dispatch->NdkGetConnectionData(connector, NULL, NULL, &welcome, &length);
    client->block_count = be64toh(welcome.block_count);
    if (length < sizeof(welcome) || be32toh(welcome.magic) != MAGIC || client->block_count == 0) {
        (void)connector->Dispatch->NdkReject(connector, NULL, 0);
        fprintf(stderr, "block-store: there is something else at the address\n");
        return false;
    }
    status = connector->Dispatch->NdkCompleteConnect(connector, session_disconnected, session, event_status,
                                                     &session->calls);
    status = event_outcome(&session->calls, status);
    return NT_SUCCESS(status) || complain("NdkCompleteConnect", status);
}

static bool create_regions(client_t *client)
{
    NDK_PD *pd = client->session.pd;

    for (ULONG slot = 0; slot < client->depth; slot++) {
        NDK_MR **region = &client->slots[slot].region;
        NTSTATUS status = pd->Dispatch->NdkCreateMr(pd, TRUE, NULL, NULL, region);

        if (NT_SUCCESS(status))
            status = (*region)->Dispatch->NdkInitializeFastRegisterMr(*region, BLOCK_SIZE / 4096, TRUE, event_status,
                                                                      &client->session.calls);
        status = event_outcome(&client->session.calls, status);
        if (!NT_SUCCESS(status))
            return complain("NdkCreateMr", status);
    }
    return true;
}

int run_client(const struct sockaddr_in *address, const struct sockaddr_in *own, ULONG depth, uint64_t rounds)
{
    static client_t client;
    NDK_CONNECTOR *connector;
    NDK_ADAPTER *adapter;
    bool is_done;
    NTSTATUS status = own ? NdkOpenAdapterByAddress((const struct sockaddr *)own, sizeof(*own), NULL, &adapter)
                          : NdkOpenAdapter(NULL, NULL, &adapter);

    if (!NT_SUCCESS(status))
        return complain("NdkOpenAdapter", status), 1;
    client.depth = depth;
    status = adapter->Dispatch->NdkCreateConnector(adapter, NULL, NULL, &connector);
    if (!NT_SUCCESS(status))
        return complain("NdkCreateConnector", status), 1;
    session_init(&client.session, adapter, connector);
    is_done = session_open(&client.session, depth) && create_regions(&client) &&
              buffer_open(&client.requests, adapter, depth * sizeof(request_t)) &&
              buffer_open(&client.replies, adapter, depth * sizeof(reply_t)) &&
              buffer_open(&client.blocks, adapter, (SIZE_T)depth * BLOCK_SIZE) && connect_to(&client, address);
    if (is_done) {
        client.total = 2 * client.block_count * rounds;
        is_done = work(&client);
    }
    for (ULONG slot = 0; slot < depth; slot++)
        if (client.slots[slot].region)
            (void)client.slots[slot].region->Dispatch->NdkCloseMr(&client.slots[slot].region->Header, NULL, NULL);
    session_close(&client.session);
    buffer_close(&client.blocks, adapter);
    buffer_close(&client.replies, adapter);
    buffer_close(&client.requests, adapter);
    (void)NdkCloseAdapter(adapter);
    if (is_done)
        printf("%llu blocks of %d bytes written, read and compared\n",
               (unsigned long long)(client.block_count * rounds), BLOCK_SIZE);
    return is_done ? 0 : 1;
}
