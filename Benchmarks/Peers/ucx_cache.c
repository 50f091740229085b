/*
 * UCX's registration cache, by its installed header. Settings are those of its InfiniBand transport, except that
 * registering costs nothing: memory that is unmapped is noticed, regions have no limit.
 */
#include "peer_cache.h"

#include <sys/mman.h>
#include <ucm/api/ucm.h>
#include <ucs/memory/rcache.h>

static ucs_status_t register_region(void *context, ucs_rcache_t *cache, void *argument, ucs_rcache_region_t *region,
                                    uint16_t flags)
{
    (void)context, (void)cache, (void)argument, (void)region, (void)flags;
    return UCS_OK;
}

static void deregister_region(void *context, ucs_rcache_t *cache, ucs_rcache_region_t *region)
{
    (void)context, (void)cache, (void)region;
}

static void describe_region(void *context, ucs_rcache_t *cache, ucs_rcache_region_t *region, char *text, size_t length)
{
    (void)context, (void)cache, (void)region;
    if (length > 0)
        *text = 0;
}

static void *create(void)
{
    static const ucs_rcache_ops_t operations = {
        .mem_reg = register_region, .mem_dereg = deregister_region, .dump_region = describe_region};
    const ucs_rcache_params_t parameters = {
        .region_struct_size = sizeof(ucs_rcache_region_t),
        .alignment = UCS_RCACHE_MIN_ALIGNMENT,
        .max_alignment = 4096,
        .ucm_events = UCM_EVENT_VM_UNMAPPED,
        .ucm_event_priority = 1000,
        .ops = &operations,
        .max_regions = ~0ul,
        .max_size = ~(size_t)0,
        .max_unreleased = ~(size_t)0,
    };
    ucs_rcache_t *cache;

    return ucs_rcache_create(&parameters, "lam-bench", NULL, &cache) == UCS_OK ? cache : NULL;
}

static void destroy(void *cache)
{
    ucs_rcache_destroy(cache);
}

static int use(void *cache, const uintptr_t *addresses, size_t address_count, size_t length, uint64_t count)
{
    size_t position = 0;

    for (uint64_t index = 0; index < count; index++) {
        ucs_rcache_region_t *region;
        ucs_status_t status =
            ucs_rcache_get(cache, (void *)addresses[position], length, PROT_READ | PROT_WRITE, NULL, &region);

        if (status != UCS_OK)
            return status;
        ucs_rcache_region_put(cache, region);
        position = position + 1 == address_count ? 0 : position + 1;
    }
    return 0;
}

const struct peer_cache_functions peer_cache_functions = {create, destroy, use};
