/* What Swift sees of the programs in C++. */
#ifndef CONSUMER_CXX_H
#define CONSUMER_CXX_H

const char *cxx_opens_adapters(void);
const char *cxx_queries_adapters(void);
const char *cxx_builds_mappings(void);
const char *cxx_releases_mappings(void);
const char *cxx_polls_completion_queues(void);
const char *cxx_is_notified(void);
const char *cxx_posts_requests(void);
const char *cxx_posts_shared_receives(void);
const char *cxx_registers_regions(void);
const char *cxx_binds_windows(void);
const char *cxx_connects(void);
const char *cxx_listens(void);
const char *cxx_closes_objects(void);
const char *cxx_closes_beside_callbacks(void);
const char *cxx_closes_adapters(void);
const char *cxx_dispatches_callbacks(void);
const char *cxx_makes_mistakes(void);
const char *cxx_lives_on_a_device(const char *device, const char *address);

#endif /* CONSUMER_CXX_H */
