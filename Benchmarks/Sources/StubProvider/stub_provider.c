#include "stub_provider.h"

#include <arpa/inet.h>
#include <errno.h>
#include <infiniband/verbs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    ring_size = 4096
};

struct stub_queue {
    struct ibv_cq cq;
    uint64_t identifiers[ring_size];
    uint32_t numbers[ring_size];
    enum ibv_wc_opcode operations[ring_size];
    uint32_t head;
    uint32_t tail;
};

static int is_held;

void stub_hold_completions(int hold)
{
    is_held = hold;
}

/* -- Posting and polling -- */

static inline void complete(struct ibv_cq *cq, uint64_t identifier, uint32_t number, enum ibv_wc_opcode operation)
{
    struct stub_queue *queue = (struct stub_queue *)cq;

    queue->identifiers[queue->head % ring_size] = identifier;
    queue->numbers[queue->head % ring_size] = number;
    queue->operations[queue->head % ring_size] = operation;
    queue->head++;
}

static int stub_post_send(struct ibv_qp *queue_pair, struct ibv_send_wr *request, struct ibv_send_wr **refused)
{
    (void)refused;
    for (; request; request = request->next)
        if (request->send_flags & IBV_SEND_SIGNALED)
            complete(queue_pair->send_cq, request->wr_id, queue_pair->qp_num, IBV_WC_RDMA_WRITE);
    return 0;
}

static int stub_post_recv(struct ibv_qp *queue_pair, struct ibv_recv_wr *request, struct ibv_recv_wr **refused)
{
    (void)refused;
    for (; request; request = request->next)
        complete(queue_pair->recv_cq, request->wr_id, queue_pair->qp_num, IBV_WC_RECV);
    return 0;
}

static int stub_poll_cq(struct ibv_cq *cq, int capacity, struct ibv_wc *completions)
{
    struct stub_queue *queue = (struct stub_queue *)cq;
    int count = 0;

    if (is_held)
        return 0;
    while (count < capacity && queue->tail != queue->head) {
        completions[count].wr_id = queue->identifiers[queue->tail % ring_size];
        completions[count].qp_num = queue->numbers[queue->tail % ring_size];
        completions[count].status = IBV_WC_SUCCESS;
        completions[count].opcode = queue->operations[queue->tail % ring_size];
        queue->tail++;
        count++;
    }
    return count;
}

static int stub_req_notify_cq(struct ibv_cq *cq, int solicited_only)
{
    (void)cq;
    (void)solicited_only;
    return 0;
}

static struct ibv_mw *stub_alloc_mw(struct ibv_pd *domain, enum ibv_mw_type type)
{
    struct ibv_mw *window = calloc(1, sizeof(*window));

    window->context = domain->context;
    window->pd = domain;
    window->type = type;
    window->rkey = 0x100;
    return window;
}

static int stub_dealloc_mw(struct ibv_mw *window)
{
    free(window);
    return 0;
}

/* -- Devices -- */

static struct ibv_device stub_device = {
    .node_type = IBV_NODE_CA,
    .transport_type = IBV_TRANSPORT_IB,
    .name = "stub0",
    .dev_name = "uverbs-stub0",
};

static struct ibv_context stub_context = {
    .device = &stub_device,
    .ops =
        {
            .alloc_mw = stub_alloc_mw,
            .dealloc_mw = stub_dealloc_mw,
            .post_send = stub_post_send,
            .post_recv = stub_post_recv,
            .poll_cq = stub_poll_cq,
            .req_notify_cq = stub_req_notify_cq,
        },
    .num_comp_vectors = 1,
};

struct ibv_device **ibv_get_device_list(int *count)
{
    struct ibv_device **list = calloc(2, sizeof(*list));

    list[0] = &stub_device;
    if (count)
        *count = 1;
    return list;
}

void ibv_free_device_list(struct ibv_device **list)
{
    free(list);
}

const char *ibv_get_device_name(struct ibv_device *device)
{
    return device->name;
}

__be64 ibv_get_device_guid(struct ibv_device *device)
{
    (void)device;
    return 0;
}

struct ibv_context *ibv_open_device(struct ibv_device *device)
{
    (void)device;
    if (stub_context.async_fd == 0)
        stub_context.async_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return &stub_context;
}

int ibv_close_device(struct ibv_context *context)
{
    (void)context;
    return 0;
}

int ibv_query_device(struct ibv_context *context, struct ibv_device_attr *attributes)
{
    (void)context;
    memset(attributes, 0, sizeof(*attributes));
    attributes->max_mr_size = UINT64_MAX;
    attributes->max_qp = 1 << 16;
    attributes->max_qp_wr = 1 << 14;
    attributes->device_cap_flags = IBV_DEVICE_MEM_WINDOW_TYPE_2B | IBV_DEVICE_MEM_MGT_EXTENSIONS;
    attributes->max_sge = 32;
    attributes->max_sge_rd = 32;
    attributes->max_cq = 1 << 16;
    attributes->max_cqe = 1 << 20;
    attributes->max_mr = 1 << 24;
    attributes->max_mw = 1 << 24;
    attributes->max_pd = 1 << 16;
    attributes->max_qp_rd_atom = 16;
    attributes->max_qp_init_rd_atom = 16;
    attributes->phys_port_cnt = 1;
    strcpy(attributes->fw_ver, "stub");
    return 0;
}

#undef ibv_query_port
int ibv_query_port(struct ibv_context *context, uint8_t port, struct _compat_ibv_port_attr *compat)
{
    struct ibv_port_attr *attributes = (struct ibv_port_attr *)compat;

    (void)context;
    (void)port;
    attributes->state = IBV_PORT_ACTIVE;
    attributes->max_mtu = IBV_MTU_4096;
    attributes->active_mtu = IBV_MTU_4096;
    attributes->gid_tbl_len = 1;
    attributes->max_msg_sz = 1u << 30;
    attributes->link_layer = IBV_LINK_LAYER_ETHERNET;
    return 0;
}

static void fill_gid(union ibv_gid *gid)
{
    memset(gid, 0, sizeof(*gid));
    gid->raw[10] = 0xff;
    gid->raw[11] = 0xff;
    gid->raw[12] = 127;
    gid->raw[15] = 1;
}

int ibv_query_gid(struct ibv_context *context, uint8_t port, int index, union ibv_gid *gid)
{
    (void)context;
    (void)port;
    if (index != 0)
        return EINVAL;
    fill_gid(gid);
    return 0;
}

static void fill_entry(struct ibv_gid_entry *entry)
{
    memset(entry, 0, sizeof(*entry));
    fill_gid(&entry->gid);
    entry->port_num = 1;
    entry->gid_type = IBV_GID_TYPE_ROCE_V2;
}

int _ibv_query_gid_ex(struct ibv_context *context, uint32_t port, uint32_t index, struct ibv_gid_entry *entry,
                      uint32_t flags, size_t size)
{
    (void)context;
    (void)port;
    (void)flags;
    (void)size;
    if (index != 0)
        return ENODATA;
    fill_entry(entry);
    return 0;
}

ssize_t _ibv_query_gid_table(struct ibv_context *context, struct ibv_gid_entry *entries, size_t capacity,
                             uint32_t flags, size_t size)
{
    (void)context;
    (void)flags;
    (void)size;
    if (capacity == 0)
        return -EINVAL;
    fill_entry(entries);
    return 1;
}

/* -- Memory -- */

struct ibv_pd *ibv_alloc_pd(struct ibv_context *context)
{
    struct ibv_pd *domain = calloc(1, sizeof(*domain));

    domain->context = context;
    return domain;
}

int ibv_dealloc_pd(struct ibv_pd *domain)
{
    free(domain);
    return 0;
}

static uint32_t registration_time;

void stub_set_registration_time(uint32_t microseconds)
{
    __atomic_store_n(&registration_time, microseconds, __ATOMIC_RELAXED);
}

struct ibv_mr *ibv_reg_mr_iova2(struct ibv_pd *domain, void *base, size_t length, uint64_t iova, unsigned int access)
{
    static uint32_t key = 1;
    struct ibv_mr *region = calloc(1, sizeof(*region));
    uint32_t time = __atomic_load_n(&registration_time, __ATOMIC_RELAXED);

    (void)iova;
    (void)access;
    if (time)
        usleep(time);
    region->context = domain->context;
    region->pd = domain;
    region->addr = base;
    region->length = length;
    region->lkey = __atomic_add_fetch(&key, 0x100, __ATOMIC_RELAXED);
    return region;
}

int ibv_dereg_mr(struct ibv_mr *region)
{
    free(region);
    return 0;
}

/* -- Queues -- */

struct ibv_comp_channel *ibv_create_comp_channel(struct ibv_context *context)
{
    struct ibv_comp_channel *channel = calloc(1, sizeof(*channel));

    channel->context = context;
    channel->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return channel;
}

int ibv_destroy_comp_channel(struct ibv_comp_channel *channel)
{
    close(channel->fd);
    free(channel);
    return 0;
}

struct ibv_cq *ibv_create_cq(struct ibv_context *context, int depth, void *cq_context, struct ibv_comp_channel *channel,
                             int vector)
{
    struct stub_queue *queue = calloc(1, sizeof(*queue));

    (void)vector;
    queue->cq.context = context;
    queue->cq.cq_context = cq_context;
    queue->cq.channel = channel;
    queue->cq.cqe = depth;
    return &queue->cq;
}

int ibv_resize_cq(struct ibv_cq *cq, int depth)
{
    cq->cqe = depth;
    return 0;
}

int ibv_destroy_cq(struct ibv_cq *cq)
{
    free(cq);
    return 0;
}

void ibv_ack_cq_events(struct ibv_cq *cq, unsigned int count)
{
    (void)cq;
    (void)count;
}

struct ibv_qp *ibv_create_qp(struct ibv_pd *domain, struct ibv_qp_init_attr *attributes)
{
    static uint32_t number = 1;
    struct ibv_qp *queue_pair = calloc(1, sizeof(*queue_pair));

    queue_pair->context = domain->context;
    queue_pair->pd = domain;
    queue_pair->send_cq = attributes->send_cq;
    queue_pair->recv_cq = attributes->recv_cq;
    queue_pair->qp_num = __atomic_add_fetch(&number, 1, __ATOMIC_RELAXED);
    queue_pair->qp_type = attributes->qp_type;
    return queue_pair;
}

int ibv_modify_qp(struct ibv_qp *queue_pair, struct ibv_qp_attr *attributes, int mask)
{
    if (mask & IBV_QP_STATE)
        queue_pair->state = attributes->qp_state;
    return 0;
}

int ibv_query_qp(struct ibv_qp *queue_pair, struct ibv_qp_attr *attributes, int mask, struct ibv_qp_init_attr *initial)
{
    (void)mask;
    memset(attributes, 0, sizeof(*attributes));
    memset(initial, 0, sizeof(*initial));
    attributes->qp_state = queue_pair->state;
    return 0;
}

int ibv_destroy_qp(struct ibv_qp *queue_pair)
{
    free(queue_pair);
    return 0;
}

const char *ibv_wc_status_str(enum ibv_wc_status status)
{
    (void)status;
    return "stub";
}
