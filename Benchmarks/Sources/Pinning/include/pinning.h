/*
 * Memory pinned by the kernel for a device, without a device: as buffers of an io_uring.
 *
 * The kernel takes the same way as for a registration with an adapter: it makes the pages resident, one after the
 * other, and pins them.
 */
#ifndef PINNING_H
#define PINNING_H

#include <stddef.h>

/* A ring for one buffer; negative where the kernel has none: an errno value. */
int pinning_open(void);
void pinning_close(int ring);

/* Pins whole pages of up to 64 GiB, and returns 0 or an errno value. */
int pinning_pin(int ring, void *memory, size_t length);
void pinning_unpin(int ring);

#endif
