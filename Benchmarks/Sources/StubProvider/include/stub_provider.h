/*
 * A verbs provider that does nothing, at no cost.
 *
 * A program that links it has these instead of libibverbs and librdmacm: one device `stub0` whose queue pairs complete
 * receives and signaled requests the moment they are posted, and peers who accept whoever connects. What a benchmark
 * then measures is the caller's own cost. Libraries that the program loads find them, too.
 */
#ifndef STUB_PROVIDER_H
#define STUB_PROVIDER_H

#include <stdint.h>

/* Heap allocations of this process so far: malloc, calloc, realloc and aligned ones. */
uint64_t stub_allocation_count(void);

/* Bytes that the heap of this process has given out and not got back. */
uint64_t stub_allocated_bytes(void);

/* While true, signaled requests complete only when it becomes false again. */
void stub_hold_completions(int hold);

/* Has a registration take so long from now on, as one of memory that nobody touched yet does. */
void stub_set_registration_time(uint32_t microseconds);

/* Has the process keep what it frees: otherwise the kernel clears it anew when it is allocated next. */
void stub_keep_freed_memory(void);

/* Has the calling thread run on one processor only, numbered from 0. */
void stub_bind_to_processor(int number);

#endif
