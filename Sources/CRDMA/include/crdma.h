/*
 * The verbs that Swift cannot call as they are: function-like macros, and calls that report through errno.
 *
 * Every wrapper has the name of its verb after `crdma_`, does nothing but that call, and returns 0 or an errno value,
 * so that nothing can run between the call and the reading of errno. A result is written only on success. Verbs that
 * return an errno value themselves (ibv_dereg_mr, ibv_modify_qp, ...) are called from Swift directly.
 */
#ifndef CRDMA_H
#define CRDMA_H

#include <errno.h>
#include <infiniband/verbs.h>
#include <linux/membarrier.h>
#include <rdma/rdma_cma.h>
#include <sys/syscall.h>

#pragma clang assume_nonnull begin

/* Stores what a constructor returned. NULL means that errno says why, where the provider set it. */
#define CRDMA_STORE(result, call)                                                                                      \
    do {                                                                                                               \
        void *created_ = (call);                                                                                       \
        if (created_ == NULL)                                                                                          \
            return errno != 0 ? errno : EIO;                                                                           \
        *(result) = created_;                                                                                          \
        return 0;                                                                                                      \
    } while (0)

/* -- Devices -- */

/* Without RDMA in the kernel the list is NULL and errno ENOSYS; ibv_free_device_list(NULL) would crash. */
static inline int crdma_get_device_list(struct ibv_device *_Nullable *_Nullable *_Nonnull list, int *count)
{
    CRDMA_STORE(list, ibv_get_device_list(count));
}

static inline int crdma_open_device(struct ibv_device *device, struct ibv_context *_Nullable *_Nonnull context)
{
    CRDMA_STORE(context, ibv_open_device(device));
}

static inline int crdma_close_device(struct ibv_context *context)
{
    return ibv_close_device(context) == 0 ? 0 : errno;
}

/* A macro: the function of this name fills the older, shorter structure. */
static inline int crdma_query_port(struct ibv_context *context, uint8_t port, struct ibv_port_attr *attributes)
{
    return ibv_query_port(context, port, attributes);
}

/* Of the extended attributes, how far completion events can be moderated; a structure with unions, so not for Swift. */
static inline int crdma_query_moderation(struct ibv_context *context, uint16_t *count, uint16_t *microseconds)
{
    struct ibv_device_attr_ex attributes = {0};
    int code = ibv_query_device_ex(context, NULL, &attributes);

    *count = attributes.cq_mod_caps.max_cq_count;
    *microseconds = attributes.cq_mod_caps.max_cq_period;
    return code < 0 ? -code : code;
}

/* Returns a count, or a negated errno value. */
static inline int crdma_query_gid_table(struct ibv_context *context, struct ibv_gid_entry *entries, size_t capacity,
                                        size_t *count)
{
    ssize_t found = ibv_query_gid_table(context, entries, capacity, 0);

    if (found < 0)
        return (int)-found;
    *count = (size_t)found;
    return 0;
}

static inline int crdma_get_async_event(struct ibv_context *context, struct ibv_async_event *event)
{
    return ibv_get_async_event(context, event) == 0 ? 0 : errno;
}

/* -- Memory -- */

static inline int crdma_alloc_pd(struct ibv_context *context, struct ibv_pd *_Nullable *_Nonnull domain)
{
    CRDMA_STORE(domain, ibv_alloc_pd(context));
}

/* The entry with `iova2` takes the optional access bits (20 to 29) too. */
static inline int crdma_reg_mr_iova2(struct ibv_pd *domain, void *_Nullable base, size_t length, uint64_t iova,
                                     unsigned int access, struct ibv_mr *_Nullable *_Nonnull region)
{
    CRDMA_STORE(region, ibv_reg_mr_iova2(domain, base, length, iova, access));
}

static inline int crdma_alloc_mw(struct ibv_pd *domain, enum ibv_mw_type type,
                                 struct ibv_mw *_Nullable *_Nonnull window)
{
    CRDMA_STORE(window, ibv_alloc_mw(domain, type));
}

/* -- Queues -- */

static inline int crdma_create_comp_channel(struct ibv_context *context,
                                            struct ibv_comp_channel *_Nullable *_Nonnull channel)
{
    CRDMA_STORE(channel, ibv_create_comp_channel(context));
}

static inline int crdma_get_cq_event(struct ibv_comp_channel *channel, struct ibv_cq *_Nullable *_Nonnull queue,
                                     void *_Nullable *_Nonnull context)
{
    return ibv_get_cq_event(channel, queue, context) == 0 ? 0 : errno;
}

static inline int crdma_create_cq(struct ibv_context *context, int depth, void *_Nullable queue_context,
                                  struct ibv_comp_channel *_Nullable channel, int vector,
                                  struct ibv_cq *_Nullable *_Nonnull queue)
{
    CRDMA_STORE(queue, ibv_create_cq(context, depth, queue_context, channel, vector));
}

static inline int crdma_moderate_cq(struct ibv_cq *queue, uint16_t count, uint16_t microseconds)
{
    struct ibv_modify_cq_attr attributes = {
        .attr_mask = IBV_CQ_ATTR_MODERATE,
        .moderate = {.cq_count = count, .cq_period = microseconds},
    };
    int code = ibv_modify_cq(queue, &attributes);

    return code < 0 ? -code : code;
}

static inline int crdma_create_qp(struct ibv_pd *domain, struct ibv_qp_init_attr *attributes,
                                  struct ibv_qp *_Nullable *_Nonnull queue_pair)
{
    CRDMA_STORE(queue_pair, ibv_create_qp(domain, attributes));
}

static inline int crdma_create_srq(struct ibv_pd *domain, struct ibv_srq_init_attr *attributes,
                                   struct ibv_srq *_Nullable *_Nonnull queue)
{
    CRDMA_STORE(queue, ibv_create_srq(domain, attributes));
}

/* -- Posting and polling -- */

/* Most providers return the errno value; siw and cxgb4 return it negated. */
static inline int crdma_post_send(struct ibv_qp *queue_pair, struct ibv_send_wr *requests,
                                  struct ibv_send_wr *_Nullable *_Nonnull refused)
{
    int code = ibv_post_send(queue_pair, requests, refused);

    return code < 0 ? -code : code;
}

static inline int crdma_post_recv(struct ibv_qp *queue_pair, struct ibv_recv_wr *requests,
                                  struct ibv_recv_wr *_Nullable *_Nonnull refused)
{
    int code = ibv_post_recv(queue_pair, requests, refused);

    return code < 0 ? -code : code;
}

static inline int crdma_post_srq_recv(struct ibv_srq *queue, struct ibv_recv_wr *requests,
                                      struct ibv_recv_wr *_Nullable *_Nonnull refused)
{
    int code = ibv_post_srq_recv(queue, requests, refused);

    return code < 0 ? -code : code;
}

/* Returns how many completions were written, or a negative value without a meaning of its own. */
static inline int crdma_poll_cq(struct ibv_cq *queue, int capacity, struct ibv_wc *completions)
{
    return ibv_poll_cq(queue, capacity, completions);
}

static inline int crdma_req_notify_cq(struct ibv_cq *queue, int solicited_only)
{
    int code = ibv_req_notify_cq(queue, solicited_only);

    return code < 0 ? -code : code;
}

/* -- Connections: librdmacm returns -1 and sets errno -- */

static inline int crdma_create_event_channel(struct rdma_event_channel *_Nullable *_Nonnull channel)
{
    CRDMA_STORE(channel, rdma_create_event_channel());
}

static inline int crdma_create_id(struct rdma_event_channel *channel, void *_Nullable context,
                                  enum rdma_port_space space, struct rdma_cm_id *_Nullable *_Nonnull identifier)
{
    return rdma_create_id(channel, identifier, context, space) == 0 ? 0 : errno;
}

static inline int crdma_destroy_id(struct rdma_cm_id *identifier)
{
    return rdma_destroy_id(identifier) == 0 ? 0 : errno;
}

static inline int crdma_set_option(struct rdma_cm_id *identifier, int level, int option, void *value, size_t length)
{
    return rdma_set_option(identifier, level, option, value, length) == 0 ? 0 : errno;
}

static inline int crdma_bind_addr(struct rdma_cm_id *identifier, struct sockaddr *address)
{
    return rdma_bind_addr(identifier, address) == 0 ? 0 : errno;
}

static inline int crdma_resolve_addr(struct rdma_cm_id *identifier, struct sockaddr *_Nullable source,
                                     struct sockaddr *destination, int timeout_ms)
{
    return rdma_resolve_addr(identifier, source, destination, timeout_ms) == 0 ? 0 : errno;
}

static inline int crdma_resolve_route(struct rdma_cm_id *identifier, int timeout_ms)
{
    return rdma_resolve_route(identifier, timeout_ms) == 0 ? 0 : errno;
}

static inline int crdma_listen(struct rdma_cm_id *identifier, int backlog)
{
    return rdma_listen(identifier, backlog) == 0 ? 0 : errno;
}

static inline int crdma_connect(struct rdma_cm_id *identifier, struct rdma_conn_param *parameters)
{
    return rdma_connect(identifier, parameters) == 0 ? 0 : errno;
}

static inline int crdma_accept(struct rdma_cm_id *identifier, struct rdma_conn_param *parameters)
{
    return rdma_accept(identifier, parameters) == 0 ? 0 : errno;
}

static inline int crdma_reject(struct rdma_cm_id *identifier, const void *_Nullable data, uint8_t length)
{
    return rdma_reject(identifier, data, length) == 0 ? 0 : errno;
}

static inline int crdma_establish(struct rdma_cm_id *identifier)
{
    return rdma_establish(identifier) == 0 ? 0 : errno;
}

static inline int crdma_disconnect(struct rdma_cm_id *identifier)
{
    return rdma_disconnect(identifier) == 0 ? 0 : errno;
}

static inline int crdma_init_qp_attr(struct rdma_cm_id *identifier, struct ibv_qp_attr *attributes, int *mask)
{
    return rdma_init_qp_attr(identifier, attributes, mask) == 0 ? 0 : errno;
}

static inline int crdma_get_cm_event(struct rdma_event_channel *channel,
                                     struct rdma_cm_event *_Nullable *_Nonnull event)
{
    return rdma_get_cm_event(channel, event) == 0 ? 0 : errno;
}

static inline int crdma_ack_cm_event(struct rdma_cm_event *event)
{
    return rdma_ack_cm_event(event) == 0 ? 0 : errno;
}

/* -- Not verbs, but needed beside them -- */

/* glibc has no wrapper for membarrier(2), and strict C11 hides the declaration of syscall(2). */
extern long syscall(long number, ...);

static inline int crdma_membarrier(int command)
{
    return syscall(SYS_membarrier, command, 0, 0) == 0 ? 0 : errno;
}

/* glibc declares these for _GNU_SOURCE only, which Swift's import does not define. */
extern const char *_Nullable strerrorname_np(int code);
extern const char *_Nullable strerrordesc_np(int code);

/* -- Threads -- */

/* A word of each thread's own, zero at first; found without a call, also from a library that is loaded later. */
extern _Thread_local uintptr_t crdma_thread_word __attribute__((tls_model("initial-exec")));

static inline uintptr_t crdma_get_thread_word(void)
{
    return crdma_thread_word;
}

static inline void crdma_set_thread_word(uintptr_t word)
{
    crdma_thread_word = word;
}

#pragma clang assume_nonnull end

#undef CRDMA_STORE

#endif
