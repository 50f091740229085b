#include "plain_verbs.h"

#include <errno.h>
#include <infiniband/verbs.h>
#include <stdlib.h>
#include <string.h>

enum {
    block_length = 4096,
    depth = 128
};

struct plain_queue {
    struct ibv_context *context;
    struct ibv_pd *domain;
    struct ibv_cq *completions;
    struct ibv_qp *queue_pair;
    struct ibv_mr *region;
    struct plain_queue *peer;
    char *memory;
    uint64_t remote_address;
    uint32_t remote_key;
};

/* -- Opening -- */

static struct ibv_context *open_named(const char *name)
{
    struct ibv_device **list = ibv_get_device_list(NULL);
    struct ibv_context *context = NULL;

    errno = ENODEV;
    for (int index = 0; list && list[index] && !context; index++)
        if (!name || strcmp(ibv_get_device_name(list[index]), name) == 0)
            context = ibv_open_device(list[index]);
    if (list)
        ibv_free_device_list(list);
    return context;
}

static int open_queue(struct plain_queue *queue, const char *device, size_t length)
{
    struct ibv_qp_init_attr attributes = {.qp_type = IBV_QPT_RC};

    queue->context = open_named(device);
    queue->domain = queue->context ? ibv_alloc_pd(queue->context) : NULL;
    queue->completions = queue->domain ? ibv_create_cq(queue->context, 2 * depth, NULL, NULL, 0) : NULL;
    if (!queue->completions)
        return -1;
    attributes.send_cq = queue->completions;
    attributes.recv_cq = queue->completions;
    attributes.cap.max_send_wr = depth;
    attributes.cap.max_recv_wr = depth;
    attributes.cap.max_send_sge = 4;
    attributes.cap.max_recv_sge = 1;
    queue->queue_pair = ibv_create_qp(queue->domain, &attributes);
    queue->memory = queue->queue_pair ? aligned_alloc(block_length, length) : NULL;
    if (!queue->memory)
        return -1;
    queue->region = ibv_reg_mr(queue->domain, queue->memory, length,
                               IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ);
    queue->remote_address = 0x1000;
    queue->remote_key = 7;
    return queue->region ? 0 : -1;
}

struct plain_queue *plain_queue_create(const char *device, size_t length)
{
    struct plain_queue *queue = calloc(1, sizeof(*queue));

    if (queue && open_queue(queue, device, length)) {
        int code = errno;

        plain_queue_destroy(queue);
        errno = code;
        return NULL;
    }
    return queue;
}

void plain_queue_destroy(struct plain_queue *queue)
{
    if (queue->region)
        ibv_dereg_mr(queue->region);
    if (queue->queue_pair)
        ibv_destroy_qp(queue->queue_pair);
    if (queue->completions)
        ibv_destroy_cq(queue->completions);
    if (queue->domain)
        ibv_dealloc_pd(queue->domain);
    if (queue->context)
        ibv_close_device(queue->context);
    free(queue->memory);
    free(queue);
}

/* -- Connecting -- */

static int get_ready(struct plain_queue *queue, const struct plain_queue *peer, uint8_t port, uint8_t address_index,
                     const struct ibv_port_attr *attributes, const union ibv_gid *address)
{
    struct ibv_qp_attr initial = {.qp_state = IBV_QPS_INIT,
                                  .port_num = port,
                                  .qp_access_flags =
                                      IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ};
    struct ibv_qp_attr receiving = {
        .qp_state = IBV_QPS_RTR,
        .path_mtu = attributes->active_mtu,
        .dest_qp_num = peer->queue_pair->qp_num,
        .max_dest_rd_atomic = 1,
        .min_rnr_timer = 12,
        .ah_attr = {.is_global = 1,
                    .port_num = port,
                    .dlid = attributes->lid,
                    .grh = {.dgid = *address, .sgid_index = address_index, .hop_limit = 1}}};
    struct ibv_qp_attr sending = {
        .qp_state = IBV_QPS_RTS, .timeout = 14, .retry_cnt = 7, .rnr_retry = 7, .max_rd_atomic = 1};
    int code;

    code = ibv_modify_qp(queue->queue_pair, &initial,
                         IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS);
    if (!code)
        code = ibv_modify_qp(queue->queue_pair, &receiving,
                             IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN |
                                 IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER);
    if (!code)
        code = ibv_modify_qp(queue->queue_pair, &sending,
                             IBV_QP_STATE | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY | IBV_QP_SQ_PSN |
                                 IBV_QP_MAX_QP_RD_ATOMIC);
    return code;
}

static void learn_memory(struct plain_queue *queue, struct plain_queue *peer)
{
    queue->peer = peer;
    queue->remote_address = (uintptr_t)peer->memory;
    queue->remote_key = peer->region->rkey;
}

int plain_queue_connect(struct plain_queue *queue, struct plain_queue *peer, uint8_t port, uint8_t address_index)
{
    struct ibv_port_attr attributes;
    union ibv_gid address;
    int code = ibv_query_port(queue->context, port, &attributes);

    if (!code && ibv_query_gid(queue->context, port, address_index, &address))
        code = errno;
    if (!code)
        code = get_ready(queue, peer, port, address_index, &attributes, &address);
    if (!code)
        code = get_ready(peer, queue, port, address_index, &attributes, &address);
    if (code)
        return code;
    learn_memory(queue, peer);
    learn_memory(peer, queue);
    return 0;
}

/* -- Memory -- */

struct plain_region *plain_region_create(struct plain_queue *queue, void *base, size_t length)
{
    return (struct plain_region *)ibv_reg_mr(queue->domain, base, length, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_MW_BIND);
}

int plain_region_destroy(struct plain_region *region)
{
    return ibv_dereg_mr((struct ibv_mr *)region);
}

int plain_register(struct plain_queue *queue, void *base, size_t length, uint64_t count)
{
    for (uint64_t index = 0; index < count; index++) {
        struct plain_region *region = plain_region_create(queue, base, length);
        int code = region ? plain_region_destroy(region) : errno;

        if (code)
            return code;
    }
    return 0;
}

/* -- Requests -- */

static inline struct ibv_sge block(const struct plain_queue *queue, uint64_t identifier)
{
    return (struct ibv_sge){.addr = (uintptr_t)queue->memory + (identifier & 15) * block_length,
                            .length = block_length,
                            .lkey = queue->region->lkey};
}

static inline int post_element(struct plain_queue *queue, struct ibv_sge *element, enum ibv_wr_opcode opcode,
                               uint64_t identifier, unsigned int flags)
{
    struct ibv_send_wr request = {
        .wr_id = identifier,
        .sg_list = element,
        .num_sge = 1,
        .opcode = opcode,
        .send_flags = flags,
        .wr.rdma = {.remote_addr = queue->remote_address, .rkey = queue->remote_key},
    };
    struct ibv_send_wr *refused;

    return ibv_post_send(queue->queue_pair, &request, &refused);
}

static inline int post(struct plain_queue *queue, enum ibv_wr_opcode opcode, uint64_t identifier, unsigned int flags)
{
    struct ibv_sge element = block(queue, identifier);

    return post_element(queue, &element, opcode, identifier, flags);
}

static inline int post_two_elements(struct plain_queue *queue, uint64_t identifier)
{
    struct ibv_sge elements[] = {block(queue, 2 * identifier), block(queue, 2 * identifier + 1)};
    struct ibv_send_wr request = {
        .wr_id = identifier,
        .sg_list = elements,
        .num_sge = 2,
        .opcode = IBV_WR_RDMA_WRITE,
        .send_flags = IBV_SEND_SIGNALED,
        .wr.rdma = {.remote_addr = queue->remote_address, .rkey = queue->remote_key},
    };
    struct ibv_send_wr *refused;

    return ibv_post_send(queue->queue_pair, &request, &refused);
}

static inline int post_receive(struct plain_queue *queue, uint64_t identifier)
{
    struct ibv_sge element = block(queue, identifier);
    struct ibv_recv_wr request = {.wr_id = identifier, .sg_list = &element, .num_sge = 1};
    struct ibv_recv_wr *refused;

    return ibv_post_recv(queue->queue_pair, &request, &refused);
}

static inline int poll_one(struct plain_queue *queue)
{
    struct ibv_wc completion;
    int count;

    do
        count = ibv_poll_cq(queue->completions, 1, &completion);
    while (count == 0);
    return count == 1 && completion.status == IBV_WC_SUCCESS ? 0 : EIO;
}

static inline int post_and_poll(struct plain_queue *queue, enum ibv_wr_opcode opcode, uint64_t count)
{
    int code = 0;

    for (uint64_t index = 0; index < count && !code; index++) {
        code = post(queue, opcode, index, IBV_SEND_SIGNALED);
        if (!code)
            code = poll_one(queue);
    }
    return code;
}

int plain_post_signaled(struct plain_queue *queue, uint64_t count)
{
    return post_and_poll(queue, IBV_WR_RDMA_WRITE, count);
}

int plain_post_reads(struct plain_queue *queue, uint64_t count)
{
    return post_and_poll(queue, IBV_WR_RDMA_READ, count);
}

int plain_post_sends(struct plain_queue *queue, uint64_t count)
{
    return post_and_poll(queue, IBV_WR_SEND, count);
}

int plain_post_unsignaled(struct plain_queue *queue, uint64_t count, uint64_t interval)
{
    int code = 0;

    for (uint64_t index = 1; index <= count && !code; index++) {
        code = post(queue, IBV_WR_RDMA_WRITE, index, index % interval ? 0 : IBV_SEND_SIGNALED);
        if (!code && index % interval == 0)
            code = poll_one(queue);
    }
    return code;
}

int plain_post_among(struct plain_queue *queue, struct plain_region *const *regions, size_t region_count,
                     uint64_t count)
{
    int code = 0;

    for (uint64_t index = 1; index <= count && !code; index++) {
        const struct ibv_mr *region = (const struct ibv_mr *)regions[index % region_count];
        struct ibv_sge element = {.addr = (uintptr_t)region->addr, .length = block_length, .lkey = region->lkey};

        code = post_element(queue, &element, IBV_WR_RDMA_WRITE, index, index % 16 ? 0 : IBV_SEND_SIGNALED);
        if (!code && index % 16 == 0)
            code = poll_one(queue);
    }
    return code;
}

int plain_post_two_elements(struct plain_queue *queue, uint64_t count)
{
    int code = 0;

    for (uint64_t index = 0; index < count && !code; index++) {
        code = post_two_elements(queue, index);
        if (!code)
            code = poll_one(queue);
    }
    return code;
}

int plain_post_receives(struct plain_queue *queue, uint64_t count)
{
    int code = 0;

    for (uint64_t index = 0; index < count && !code; index++) {
        code = post_receive(queue, index);
        if (!code)
            code = poll_one(queue);
    }
    return code;
}

int plain_exchange(struct plain_queue *queue, uint64_t count)
{
    int code = 0;

    for (uint64_t index = 0; index < count && !code; index++) {
        code = post_receive(queue->peer, index);
        if (!code)
            code = post(queue, IBV_WR_SEND, index, IBV_SEND_SIGNALED);
        if (!code)
            code = poll_one(queue);
        if (!code)
            code = poll_one(queue->peer);
    }
    return code;
}
