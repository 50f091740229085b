/*
 * A hit of libfabric's registration cache: fi_mr_reg and fi_close of buffers that its verbs provider has registered
 * before. The cache is the provider's own, with its usual settings; the least that a program can do is to close what it
 * registers.
 *
 * libfabric_cache ADDRESS COUNT: uses COUNT buffers of 64 KiB in turn on the device of an address, and prints the
 * median of the rounds in nanoseconds.
 */
#include <rdma/fabric.h>
#include <rdma/fi_domain.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    buffer_length = 64 << 10,
    operations = 1024,
    rounds = 101
};

#define REQUIRE(call)                                                                                                  \
    do {                                                                                                               \
        int code = (int)(call);                                                                                        \
        if (code) {                                                                                                    \
            fprintf(stderr, "libfabric_cache: %s: %s\n", #call, fi_strerror(-code));                                   \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

static struct fid_domain *open_domain(const char *address)
{
    struct fi_info *hints = fi_allocinfo(), *info;
    struct fid_fabric *fabric;
    struct fid_domain *domain;

    hints->caps = FI_MSG | FI_RMA;
    hints->ep_attr->type = FI_EP_MSG;
    hints->domain_attr->mr_mode = FI_MR_LOCAL | FI_MR_ALLOCATED | FI_MR_PROV_KEY | FI_MR_VIRT_ADDR;
    hints->fabric_attr->prov_name = strdup("verbs");
    REQUIRE(fi_getinfo(FI_VERSION(1, 17), address, "0", FI_SOURCE, hints, &info));
    REQUIRE(fi_fabric(info->fabric_attr, &fabric, NULL));
    REQUIRE(fi_domain(fabric, info, &domain, NULL));
    return domain;
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return 1e9 * (double)time.tv_sec + (double)time.tv_nsec;
}

static double use(struct fid_domain *domain, char **buffers, int count)
{
    double start = now();

    for (int index = 0; index < operations; index++) {
        struct fid_mr *region;

        REQUIRE(fi_mr_reg(domain, buffers[index % count], buffer_length, FI_SEND | FI_RECV | FI_READ | FI_WRITE, 0, 0,
                          0, &region, NULL));
        REQUIRE(fi_close(&region->fid));
    }
    return (now() - start) / operations;
}

static int compare(const void *left, const void *right)
{
    double difference = *(const double *)left - *(const double *)right;

    return (difference > 0) - (difference < 0);
}

int main(int argument_count, char **arguments)
{
    int count = argument_count == 3 ? atoi(arguments[2]) : 0;
    char **buffers = count > 0 ? calloc((size_t)count, sizeof(*buffers)) : NULL;
    struct fid_domain *domain;
    double times[rounds];

    if (!buffers) {
        fprintf(stderr, "usage: libfabric_cache ADDRESS COUNT\n");
        return 2;
    }
    for (int index = 0; index < count; index++) {
        buffers[index] = aligned_alloc(4096, buffer_length);
        memset(buffers[index], 0, buffer_length);
    }
    domain = open_domain(arguments[1]);
    use(domain, buffers, count);
    for (int round = 0; round < rounds; round++)
        times[round] = use(domain, buffers, count);
    qsort(times, rounds, sizeof(*times), compare);
    printf("%.1f\n", times[rounds / 2]);
    return 0;
}
