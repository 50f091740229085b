/*
 * A verbs provider that does nothing, at no cost.
 *
 * A program that links it has these instead of libibverbs: one device `stub0` whose queue pairs complete receives
 * and signaled requests the moment they are posted. What a benchmark then measures is the caller's own cost.
 */
#ifndef STUB_PROVIDER_H
#define STUB_PROVIDER_H

#include <stdint.h>

/* Heap allocations of this process so far: malloc, calloc, realloc and aligned ones. */
uint64_t stub_allocation_count(void);

/* While true, signaled requests complete only when it becomes false again. */
void stub_hold_completions(int hold);

/* Has the calling thread run on one processor only, numbered from 0. */
void stub_bind_to_processor(int number);

#endif
