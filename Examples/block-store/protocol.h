/*
 * What client and server say to each other.
 *
 * The client has one slot for each request that may be under way. It opens the memory of the slot to the server by a
 * fast registration and says in its request where it is; the server moves the block by RDMA and then answers with a
 * send that takes the access back. Numbers are big-endian on the wire.
 */
#ifndef PROTOCOL_H
#define PROTOCOL_H

#include <stdint.h>

#define BLOCK_SIZE 65536
#define MAX_DEPTH 64
#define MAGIC UINT32_C(0x424C4B31)

/* The private data of the connect. */
typedef struct {
    uint32_t magic;
    uint32_t depth;
} hello_t;

/* The private data of the accept. */
typedef struct {
    uint32_t magic;
    uint32_t reserved;
    uint64_t block_count;
} welcome_t;

enum {
    OPERATION_READ = 1,
    OPERATION_WRITE = 2
};

typedef struct {
    uint32_t slot;
    uint32_t operation;
    uint64_t block;
    uint64_t address;
    uint32_t token;
    uint32_t reserved;
} request_t;

enum {
    OUTCOME_DONE = 0,
    OUTCOME_NO_SUCH_BLOCK = 1,
    OUTCOME_STORAGE_FAILED = 2
};

typedef struct {
    uint32_t slot;
    uint32_t outcome;
} reply_t;

#endif /* PROTOCOL_H */
