/*
 * What a C program without tracking would write: the baseline of every figure.
 *
 * Compiled with -O2 and called once for many operations, so that the call itself costs nothing.
 */
#ifndef PLAIN_VERBS_H
#define PLAIN_VERBS_H

#include <stddef.h>
#include <stdint.h>

struct plain_queue;

/* Opens the first device, registers `length` bytes and makes one queue pair; NULL where a verb fails. */
struct plain_queue *plain_queue_create(const char *device, size_t length);
void plain_queue_destroy(struct plain_queue *queue);

/* Posts `count` writes of 4 KiB, each signaled and polled before the next. */
void plain_post_signaled(struct plain_queue *queue, uint64_t count);

/* Posts `count` sends of 4 KiB, each signaled and polled before the next. */
void plain_post_sends(struct plain_queue *queue, uint64_t count);

/* Posts `count` writes, of which every `interval`-th is signaled and polled. */
void plain_post_unsignaled(struct plain_queue *queue, uint64_t count, uint64_t interval);

/* Posts `count` writes of two elements of 4 KiB, each signaled and polled before the next. */
void plain_post_two_elements(struct plain_queue *queue, uint64_t count);

/* Posts `count` receives of 4 KiB, each polled before the next. */
void plain_post_receives(struct plain_queue *queue, uint64_t count);

/* Registers and deregisters `length` bytes at `base` `count` times; returns 0 or the errno value. */
int plain_register(struct plain_queue *queue, void *base, size_t length, uint64_t count);

#endif
