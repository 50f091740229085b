/*
 * What a program written against ndkpi.h does: requests and results through the dispatch tables of libndk.so.
 *
 * The library is the one that Scripts/install makes, which has all of Swift inside and hides it.
 */
#ifndef TABLE_CALLS_H
#define TABLE_CALLS_H

#include <stddef.h>
#include <stdint.h>

struct table_calls;

/*
 * Loads the library, opens the first device, maps `length` bytes and connects a queue pair; NULL where something fails,
 * which is said on standard error.
 */
struct table_calls *table_calls_open(const char *library, size_t length);
void table_calls_close(struct table_calls *calls);

/* Posts `count` sends of 4 KiB, the result of each taken before the next. */
void table_calls_send(struct table_calls *calls, uint64_t count);

#endif
