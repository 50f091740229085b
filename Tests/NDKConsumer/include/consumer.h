/*
 * What the tests of the C interface do as a program: one function for each table and topic, which returns NULL, or what
 * was not as it should be. The same sources are compiled as C and as C++.
 */
#ifndef CONSUMER_H
#define CONSUMER_H

#include <ndk.h>
#include <stdbool.h>

#ifdef __cplusplus
#define CONSUMER(name) cxx_##name
extern "C" {
#else
#define CONSUMER(name) c_##name
#endif

const char *CONSUMER(opens_adapters)(void);
const char *CONSUMER(queries_adapters)(void);
const char *CONSUMER(builds_mappings)(void);
const char *CONSUMER(releases_mappings)(void);
const char *CONSUMER(polls_completion_queues)(void);
const char *CONSUMER(is_notified)(void);
const char *CONSUMER(posts_requests)(void);
const char *CONSUMER(posts_shared_receives)(void);
const char *CONSUMER(registers_regions)(void);
const char *CONSUMER(binds_windows)(void);
const char *CONSUMER(connects)(void);
const char *CONSUMER(listens)(void);
const char *CONSUMER(closes_objects)(void);
const char *CONSUMER(closes_beside_callbacks)(void);
const char *CONSUMER(closes_adapters)(void);
const char *CONSUMER(dispatches_callbacks)(void);
const char *CONSUMER(makes_mistakes)(void);

/* On a real device, by its name, which has the IPv4 address. */
const char *CONSUMER(lives_on_a_device)(const char *device, const char *address);

/* What the device and the peer do, which the test behind the program plays. */

/* A message arrives in the oldest receive of the newest queue pair; a token that is not 0 is invalidated by it. */
void stage_message(ULONG byteCount, UINT32 invalidatedToken);
/* The oldest request of the newest queue pair fails. */
void stage_failure(void);
/* A peer asks the listener for a connection, and says this. */
void stage_request(const char *privateData);

/* The same of one that is to be refused without anybody's doing; false if it is not, in ten seconds. */
bool stage_refused_request(const char *privateData);
/* The peer of the newest connection disconnects. */
void stage_disconnect(void);

#ifdef __cplusplus
}
#endif

#endif /* CONSUMER_H */
