#include "peer_cache.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

struct peer_cache {
    const struct peer_cache_functions *functions;
    void *cache;
};

struct peer_cache *peer_cache_open(const char *library)
{
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    struct peer_cache *cache = calloc(1, sizeof(*cache));

    if (handle && cache)
        cache->functions = dlsym(handle, "peer_cache_functions");
    if (!cache || !cache->functions) {
        fprintf(stderr, "%s\n", dlerror());
        free(cache);
        return NULL;
    }
    cache->cache = cache->functions->create();
    if (cache->cache)
        return cache;
    fprintf(stderr, "%s makes no cache\n", library);
    free(cache);
    return NULL;
}

void peer_cache_close(struct peer_cache *cache)
{
    cache->functions->destroy(cache->cache);
    free(cache);
}

int peer_cache_use(struct peer_cache *cache, const uintptr_t *addresses, size_t address_count, size_t length,
                   uint64_t count)
{
    return cache->functions->use(cache->cache, addresses, address_count, length, count);
}
