#include "plain_verbs.h"

#include <errno.h>
#include <infiniband/verbs.h>
#include <stdlib.h>
#include <string.h>

struct plain_queue {
    struct ibv_context *context;
    struct ibv_pd *domain;
    struct ibv_cq *completions;
    struct ibv_qp *queue_pair;
    struct ibv_mr *region;
    void *memory;
};

static struct ibv_context *open_named(const char *name)
{
    struct ibv_device **list = ibv_get_device_list(NULL);
    struct ibv_context *context = NULL;

    for (int index = 0; list && list[index] && !context; index++)
        if (!name || strcmp(ibv_get_device_name(list[index]), name) == 0)
            context = ibv_open_device(list[index]);
    if (list)
        ibv_free_device_list(list);
    return context;
}

struct plain_queue *plain_queue_create(const char *device, size_t length)
{
    struct plain_queue *queue = calloc(1, sizeof(*queue));
    struct ibv_qp_init_attr attributes = {.qp_type = IBV_QPT_RC};

    queue->context = open_named(device);
    if (!queue->context)
        return NULL;
    queue->domain = ibv_alloc_pd(queue->context);
    queue->completions = ibv_create_cq(queue->context, 256, NULL, NULL, 0);
    attributes.send_cq = queue->completions;
    attributes.recv_cq = queue->completions;
    attributes.cap.max_send_wr = 128;
    attributes.cap.max_recv_wr = 128;
    attributes.cap.max_send_sge = 4;
    attributes.cap.max_recv_sge = 1;
    queue->queue_pair = ibv_create_qp(queue->domain, &attributes);
    queue->memory = aligned_alloc(4096, length);
    queue->region = ibv_reg_mr(queue->domain, queue->memory, length, IBV_ACCESS_LOCAL_WRITE);
    return queue;
}

void plain_queue_destroy(struct plain_queue *queue)
{
    ibv_dereg_mr(queue->region);
    ibv_destroy_qp(queue->queue_pair);
    ibv_destroy_cq(queue->completions);
    ibv_dealloc_pd(queue->domain);
    ibv_close_device(queue->context);
    free(queue->memory);
    free(queue);
}

static inline void post(struct plain_queue *queue, enum ibv_wr_opcode opcode, uint64_t identifier, unsigned int flags)
{
    struct ibv_sge element = {
        .addr = (uintptr_t)queue->memory + (identifier & 15) * 4096, .length = 4096, .lkey = queue->region->lkey};
    struct ibv_send_wr request = {
        .wr_id = identifier,
        .sg_list = &element,
        .num_sge = 1,
        .opcode = opcode,
        .send_flags = flags,
        .wr.rdma = {.remote_addr = 0x1000, .rkey = 7},
    };
    struct ibv_send_wr *refused;

    if (ibv_post_send(queue->queue_pair, &request, &refused))
        abort();
}

static void poll_one(struct plain_queue *queue)
{
    struct ibv_wc completion;

    while (ibv_poll_cq(queue->completions, 1, &completion) == 0)
        ;
    if (completion.status != IBV_WC_SUCCESS)
        abort();
}

void plain_post_signaled(struct plain_queue *queue, uint64_t count)
{
    for (uint64_t index = 0; index < count; index++) {
        post(queue, IBV_WR_RDMA_WRITE, index, IBV_SEND_SIGNALED);
        poll_one(queue);
    }
}

void plain_post_sends(struct plain_queue *queue, uint64_t count)
{
    for (uint64_t index = 0; index < count; index++) {
        post(queue, IBV_WR_SEND, index, IBV_SEND_SIGNALED);
        poll_one(queue);
    }
}

void plain_post_unsignaled(struct plain_queue *queue, uint64_t count, uint64_t interval)
{
    for (uint64_t index = 1; index <= count; index++) {
        post(queue, IBV_WR_RDMA_WRITE, index, index % interval ? 0 : IBV_SEND_SIGNALED);
        if (index % interval == 0)
            poll_one(queue);
    }
}

static void post_two_elements(struct plain_queue *queue, uint64_t identifier)
{
    uint64_t address = (uintptr_t)queue->memory + (identifier & 7) * 8192;
    struct ibv_sge elements[] = {
        {.addr = address, .length = 4096, .lkey = queue->region->lkey},
        {.addr = address + 4096, .length = 4096, .lkey = queue->region->lkey},
    };
    struct ibv_send_wr request = {
        .wr_id = identifier,
        .sg_list = elements,
        .num_sge = 2,
        .opcode = IBV_WR_RDMA_WRITE,
        .send_flags = IBV_SEND_SIGNALED,
        .wr.rdma = {.remote_addr = 0x1000, .rkey = 7},
    };
    struct ibv_send_wr *refused;

    if (ibv_post_send(queue->queue_pair, &request, &refused))
        abort();
}

void plain_post_two_elements(struct plain_queue *queue, uint64_t count)
{
    for (uint64_t index = 0; index < count; index++) {
        post_two_elements(queue, index);
        poll_one(queue);
    }
}

static void post_receive(struct plain_queue *queue, uint64_t identifier)
{
    struct ibv_sge element = {
        .addr = (uintptr_t)queue->memory + (identifier & 15) * 4096, .length = 4096, .lkey = queue->region->lkey};
    struct ibv_recv_wr request = {.wr_id = identifier, .sg_list = &element, .num_sge = 1};
    struct ibv_recv_wr *refused;

    if (ibv_post_recv(queue->queue_pair, &request, &refused))
        abort();
}

void plain_post_receives(struct plain_queue *queue, uint64_t count)
{
    for (uint64_t index = 0; index < count; index++) {
        post_receive(queue, index);
        poll_one(queue);
    }
}

int plain_register(struct plain_queue *queue, void *base, size_t length, uint64_t count)
{
    for (uint64_t index = 0; index < count; index++) {
        struct ibv_mr *region = ibv_reg_mr(queue->domain, base, length, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_MW_BIND);

        if (!region)
            return errno;
        if (ibv_dereg_mr(region))
            return errno;
    }
    return 0;
}
