#ifndef FORK_PROBE_H
#define FORK_PROBE_H

#include <sys/types.h>

/* A forked child that waits, then reads bytes of the memory it inherited. */
struct fork_probe {
    pid_t child;
    int go;
    int answer;
};

/* Forks; the child waits. Returns 0 or an errno value. */
int fork_probe_start(struct fork_probe *probe);

/* Has the child read one byte, and ends it. Returns the byte, or -1 if the child could not read it. */
int fork_probe_read(struct fork_probe *probe, const volatile unsigned char *byte);

#endif
