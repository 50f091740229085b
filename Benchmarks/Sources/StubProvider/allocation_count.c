#include "stub_provider.h"

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <stddef.h>

/* Counts in front of glibc's allocator; the counter of a benchmark package must not itself be a dependency. */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static uint64_t allocation_count;

static void count(void)
{
    __atomic_fetch_add(&allocation_count, 1, __ATOMIC_RELAXED);
}

uint64_t stub_allocation_count(void)
{
    return __atomic_load_n(&allocation_count, __ATOMIC_RELAXED);
}

uint64_t stub_allocated_bytes(void)
{
    struct mallinfo2 heap = mallinfo2();

    return heap.uordblks + heap.hblkhd;
}

void stub_keep_freed_memory(void)
{
    mallopt(M_TRIM_THRESHOLD, INT_MAX);
}

void *malloc(size_t size)
{
    count();
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size)
{
    count();
    return __libc_calloc(number, size);
}

void *realloc(void *block, size_t size)
{
    count();
    return __libc_realloc(block, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    count();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
    count();
    *block = __libc_memalign(alignment, size);
    return *block ? 0 : ENOMEM;
}
