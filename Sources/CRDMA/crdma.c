#include "crdma.h"

#include <stddef.h>

_Thread_local uintptr_t crdma_thread_word;

/* The layouts that Swift fills and reads on the way of every request. */

_Static_assert(sizeof(struct ibv_sge) == 16, "a scatter/gather element is two words, as in NDK");
_Static_assert(offsetof(struct ibv_sge, addr) == 0, "address first");
_Static_assert(offsetof(struct ibv_sge, length) == 8, "then the length");
_Static_assert(offsetof(struct ibv_sge, lkey) == 12, "then the key");

_Static_assert(sizeof(struct ibv_send_wr) == 128, "a send request is two cache lines");
_Static_assert(sizeof(struct ibv_recv_wr) == 32, "a receive request is half a cache line");
_Static_assert(sizeof(struct ibv_wc) == 48, "a completion is three quarters of a cache line");
_Static_assert(offsetof(struct ibv_wc, status) == 8, "the status stands beside the identifier");

_Static_assert(offsetof(struct ibv_send_wr, wr) == 40, "remote address after the immediate");
_Static_assert(offsetof(struct ibv_send_wr, bind_mw) == 80, "a bind uses what a transfer leaves alone");
