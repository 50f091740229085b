/*
 * Somebody else's registration cache: a library that is loaded when it is asked for, because few machines have what it
 * is built with. Benchmarks/Peers has the sources of such libraries.
 */
#ifndef PEER_CACHE_H
#define PEER_CACHE_H

#include <stddef.h>
#include <stdint.h>

struct peer_cache;

/* Loads the library and makes a cache; NULL where that fails, which is said on standard error. */
struct peer_cache *peer_cache_open(const char *library);
void peer_cache_close(struct peer_cache *cache);

/*
 * Acquires and releases the registration of `length` bytes at each address in turn, `count` times altogether. Returns
 * 0, or the cache's own error.
 */
int peer_cache_use(struct peer_cache *cache, const uintptr_t *addresses, size_t address_count, size_t length,
                   uint64_t count);

/* What such a library has, by the name `peer_cache_functions`. */
struct peer_cache_functions {
    void *(*create)(void);
    void (*destroy)(void *cache);
    int (*use)(void *cache, const uintptr_t *addresses, size_t address_count, size_t length, uint64_t count);
};

#endif
