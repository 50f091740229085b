/* One connection with its queues and its memory: what client and server share. */
#ifndef SESSION_H
#define SESSION_H

#include <ndk.h>

#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>

/* -- Callbacks -- */

/* Something that callbacks count and a thread waits for. */
typedef struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int count;
    NTSTATUS status; /* what came last */
} event_t;

void event_init(event_t *event);
/* Callbacks that let it happen: of a completion queue or a call, and of an object that is closed. */
VOID event_status(PVOID event, NTSTATUS status);
VOID event_plain(PVOID event);
/* Waits for one, and counts it as seen. */
NTSTATUS event_wait(event_t *event);
/* The same within a time; false when it is over. */
bool event_wait_for(event_t *event, int seconds, NTSTATUS *status);
/* How a call that said `status` ends. */
NTSTATUS event_outcome(event_t *event, NTSTATUS status);

/* Says what failed, and why. Returns false. */
bool complain(const char *what, NTSTATUS status);

/* Closes an object and waits until it is gone. */
void close_object(NDK_OBJECT_HEADER *object, NDK_FN_CLOSE_OBJECT close);

/* -- Memory -- */

/* Memory that the adapter can reach, in blocks. */
typedef struct {
    char *bytes;
    SIZE_T length;
    MDL *mdl;
    NDK_LOGICAL_ADDRESS_MAPPING *mapping;
    ULONG first_byte_offset;
} buffer_t;

bool buffer_open(buffer_t *buffer, NDK_ADAPTER *adapter, SIZE_T length);
void buffer_close(buffer_t *buffer, NDK_ADAPTER *adapter);

/* -- Connections -- */

typedef struct {
    NDK_ADAPTER *adapter;
    NDK_PD *pd;
    NDK_CQ *cq;
    NDK_QP *qp;
    NDK_CONNECTOR *connector;
    UINT32 token;
    event_t woken; /* by results and by the peer's disconnect */
    event_t calls;
    pthread_mutex_t mutex;
    bool has_ended;
    bool awaits_life; /* a sign of life is posted */
    int idle_count;   /* how often nothing came since */
} session_t;

/* Begins a session, which has the connector from then on. */
void session_init(session_t *session, NDK_ADAPTER *adapter, NDK_CONNECTOR *connector);
/* Makes queues for `depth` receives and three times as many other requests. */
bool session_open(session_t *session, ULONG depth);
/* The peer is gone; a callback. */
VOID session_disconnected(PVOID session);
/*
 * Waits for results; 0: the connection has ended, and no more will come. While none come, the peer is asked for a sign
 * of life; where there is none, a result says so that has the session as its context.
 */
ULONG session_results(session_t *session, NDK_RESULT_EX *results, ULONG count);
/* An element over `length` bytes at `offset` of a buffer. */
NDK_SGE session_element(const session_t *session, const buffer_t *buffer, SIZE_T offset, ULONG length);
/* Disconnects, takes out what is left, and closes everything. */
void session_close(session_t *session);

/* "192.0.2.1:7471". */
bool parse_address(const char *text, struct sockaddr_in *address);
/* "192.0.2.1". */
bool parse_host(const char *text, struct sockaddr_in *address);

/* -- The two programs -- */

int run_server(const struct sockaddr_in *address, const char *path, uint64_t block_count, bool once);
int run_client(const struct sockaddr_in *address, const struct sockaddr_in *own, ULONG depth, uint64_t rounds);

#endif /* SESSION_H */
