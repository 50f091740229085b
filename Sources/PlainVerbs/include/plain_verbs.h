/*
 * What a C program without tracking would write: the baseline of every figure.
 *
 * Compiled with -O2. What takes nanoseconds is called once for many operations, so that the call itself costs nothing.
 */
#ifndef PLAIN_VERBS_H
#define PLAIN_VERBS_H

#include <stddef.h>
#include <stdint.h>

struct plain_queue;
struct plain_region;

/*
 * Opens a device, or the first one for NULL, registers `length` bytes for itself and its peer, and makes one queue
 * pair. NULL where a verb fails; errno says why.
 */
struct plain_queue *plain_queue_create(const char *device, size_t length);
void plain_queue_destroy(struct plain_queue *queue);

/*
 * Connects two queues of one device at this entry of its first active port's addresses; returns 0 or the errno value.
 * Until then requests name some memory of no peer.
 */
int plain_queue_connect(struct plain_queue *queue, struct plain_queue *peer, uint8_t port, uint8_t address_index);

/* -- Memory -- */

/* Registers memory, for the device to read and write; NULL where that fails, and errno says why. */
struct plain_region *plain_region_create(struct plain_queue *queue, void *base, size_t length);

/* Returns 0 or the errno value. */
int plain_region_destroy(struct plain_region *region);

/* Registers and deregisters `length` bytes at `base` `count` times; returns 0 or the errno value. */
int plain_register(struct plain_queue *queue, void *base, size_t length, uint64_t count);

/* -- Requests of 4 KiB; all return 0 or the errno value, EIO where one completes with an error -- */

/* Posts `count` writes, each signaled and polled before the next. */
int plain_post_signaled(struct plain_queue *queue, uint64_t count);

/* The same with reads. */
int plain_post_reads(struct plain_queue *queue, uint64_t count);

/* The same with sends, for which the peer has receives. */
int plain_post_sends(struct plain_queue *queue, uint64_t count);

/* Posts `count` writes, of which every `interval`-th is signaled and polled. */
int plain_post_unsignaled(struct plain_queue *queue, uint64_t count, uint64_t interval);

/* The same of memory of one of some regions after the other, each 16th signaled and polled. */
int plain_post_among(struct plain_queue *queue, struct plain_region *const *regions, size_t region_count,
                     uint64_t count);

/* Posts `count` writes of two elements of 4 KiB, each signaled and polled before the next. */
int plain_post_two_elements(struct plain_queue *queue, uint64_t count);

/* Posts `count` receives, each polled before the next. */
int plain_post_receives(struct plain_queue *queue, uint64_t count);

/* Sends `count` messages to the connected peer, with a receive there for each, and polls both before the next. */
int plain_exchange(struct plain_queue *queue, uint64_t count);

#endif
