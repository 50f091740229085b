#define _GNU_SOURCE
#include "pinning.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

int pinning_open(void)
{
    struct io_uring_params parameters = {0};
    int ring = (int)syscall(SYS_io_uring_setup, 1, &parameters);

    return ring < 0 ? -errno : ring;
}

void pinning_close(int ring)
{
    close(ring);
}

int pinning_pin(int ring, void *memory, size_t length)
{
    /* A buffer has at most 1 GiB. */
    enum {
        largest = 1 << 30,
        limit = 64
    };
    struct iovec buffers[limit];
    unsigned count = 0;

    for (size_t start = 0; start < length && count < limit; start += largest, count++) {
        buffers[count].iov_base = (char *)memory + start;
        buffers[count].iov_len = length - start < largest ? length - start : largest;
    }
    return syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, buffers, count) < 0 ? errno : 0;
}

void pinning_unpin(int ring)
{
    syscall(SYS_io_uring_register, ring, IORING_UNREGISTER_BUFFERS, NULL, 0);
}
