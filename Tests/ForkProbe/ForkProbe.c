#define _GNU_SOURCE
#include "ForkProbe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs in the child of a process with several threads: nothing but async-signal-safe calls. */
static void answer_once(int go, int answer)
{
    const volatile unsigned char *byte;
    unsigned char value;

    if (read(go, &byte, sizeof(byte)) == (ssize_t)sizeof(byte)) {
        value = *byte;
        if (write(answer, &value, 1) == 1)
            _exit(0);
    }
    _exit(1);
}

int fork_probe_start(struct fork_probe *probe)
{
    int question[2], answer[2];

    if (pipe2(question, O_CLOEXEC) || pipe2(answer, O_CLOEXEC))
        return errno;
    probe->go = question[1];
    probe->answer = answer[0];
    probe->child = fork();
    if (probe->child == 0) {
        close(question[1]);
        close(answer[0]);
        answer_once(question[0], answer[1]);
    }
    close(question[0]);
    close(answer[1]);
    return probe->child < 0 ? errno : 0;
}

int fork_probe_read(struct fork_probe *probe, const volatile unsigned char *byte)
{
    unsigned char value = 0;
    int status = 0, found;

    found = write(probe->go, &byte, sizeof(byte)) == (ssize_t)sizeof(byte) && read(probe->answer, &value, 1) == 1;
    close(probe->go);
    close(probe->answer);
    waitpid(probe->child, &status, 0);
    return found ? value : -1;
}
