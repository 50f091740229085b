/* Connections of the device that is only played: every peer is there, and agrees to everything at once. */
#define _GNU_SOURCE

#include <fcntl.h>
#include <infiniband/verbs.h>
#include <rdma/rdma_cma.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Events wait in a pipe, so that who polls the channel is woken. */
struct stub_channel {
    struct rdma_event_channel channel;
    int input;
};

/* -- Events -- */

struct rdma_event_channel *rdma_create_event_channel(void)
{
    struct stub_channel *channel = calloc(1, sizeof(*channel));
    int ends[2];

    if (!channel || pipe2(ends, O_CLOEXEC)) {
        free(channel);
        return NULL;
    }
    channel->channel.fd = ends[0];
    channel->input = ends[1];
    return &channel->channel;
}

void rdma_destroy_event_channel(struct rdma_event_channel *channel)
{
    close(channel->fd);
    close(((struct stub_channel *)channel)->input);
    free(channel);
}

static int answer(struct rdma_cm_id *identifier, enum rdma_cm_event_type type)
{
    struct stub_channel *channel = (struct stub_channel *)identifier->channel;
    struct rdma_cm_event *event = calloc(1, sizeof(*event));

    if (!event)
        return -1;
    event->id = identifier;
    event->event = type;
    event->param.conn.responder_resources = 1;
    event->param.conn.initiator_depth = 1;
    return write(channel->input, &event, sizeof(event)) == sizeof(event) ? 0 : -1;
}

int rdma_get_cm_event(struct rdma_event_channel *channel, struct rdma_cm_event **event)
{
    return read(channel->fd, event, sizeof(*event)) == sizeof(*event) ? 0 : -1;
}

int rdma_ack_cm_event(struct rdma_cm_event *event)
{
    free(event);
    return 0;
}

/* -- Identifiers -- */

int rdma_create_id(struct rdma_event_channel *channel, struct rdma_cm_id **identifier, void *context,
                   enum rdma_port_space space)
{
    struct rdma_cm_id *made = calloc(1, sizeof(*made));

    if (!made)
        return -1;
    made->channel = channel;
    made->context = context;
    made->ps = space;
    made->port_num = 1;
    *identifier = made;
    return 0;
}

int rdma_destroy_id(struct rdma_cm_id *identifier)
{
    free(identifier);
    return 0;
}

int rdma_set_option(struct rdma_cm_id *identifier, int level, int option, void *value, size_t length)
{
    (void)identifier, (void)level, (void)option, (void)value, (void)length;
    return 0;
}

static void copy_address(struct sockaddr_storage *place, const struct sockaddr *address)
{
    memcpy(place, address, address->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
}

int rdma_bind_addr(struct rdma_cm_id *identifier, struct sockaddr *address)
{
    copy_address(&identifier->route.addr.src_storage, address);
    return 0;
}

int rdma_resolve_addr(struct rdma_cm_id *identifier, struct sockaddr *source, struct sockaddr *destination, int timeout)
{
    struct ibv_device **devices = ibv_get_device_list(NULL);

    (void)timeout;
    identifier->verbs = ibv_open_device(devices[0]);
    if (source)
        copy_address(&identifier->route.addr.src_storage, source);
    copy_address(&identifier->route.addr.dst_storage, destination);
    ibv_free_device_list(devices);
    return answer(identifier, RDMA_CM_EVENT_ADDR_RESOLVED);
}

int rdma_resolve_route(struct rdma_cm_id *identifier, int timeout)
{
    (void)timeout;
    return answer(identifier, RDMA_CM_EVENT_ROUTE_RESOLVED);
}

int rdma_init_qp_attr(struct rdma_cm_id *identifier, struct ibv_qp_attr *attributes, int *mask)
{
    (void)identifier;
    attributes->port_num = 1;
    *mask = IBV_QP_STATE;
    return 0;
}

int rdma_connect(struct rdma_cm_id *identifier, struct rdma_conn_param *parameters)
{
    (void)parameters;
    return answer(identifier, RDMA_CM_EVENT_CONNECT_RESPONSE);
}

int rdma_establish(struct rdma_cm_id *identifier)
{
    (void)identifier;
    return 0;
}

int rdma_disconnect(struct rdma_cm_id *identifier)
{
    return answer(identifier, RDMA_CM_EVENT_DISCONNECTED);
}
