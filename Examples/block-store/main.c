/*
 * A small remote block store, written as a consumer of the NDK provider interface.
 *
 *     block-store serve 192.0.2.1:7471 --blocks 256 [--file PATH] [--once]
 *     block-store run 192.0.2.1:7471 [--depth 16] [--rounds 1]
 */
#include "protocol.h"
#include "session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int usage(void)
{
    fprintf(stderr, "usage: block-store serve ADDRESS:PORT [--blocks N] [--file PATH] [--once]\n"
                    "       block-store run ADDRESS:PORT [--depth N] [--rounds N]\n");
    return 64;
}

int main(int argc, char **argv)
{
    struct sockaddr_in address;
    uint64_t blocks = 256;
    uint64_t rounds = 1;
    const char *file = NULL;
    ULONG depth = 16;
    bool once = false;

    if (argc < 3 || !parse_address(argv[2], &address))
        return usage();
    for (int index = 3; index < argc; index++) {
        const char *value = index + 1 < argc ? argv[index + 1] : NULL;

        if (strcmp(argv[index], "--once") == 0) {
            once = true;
            continue;
        }
        if (!value)
            return usage();
        if (strcmp(argv[index], "--blocks") == 0)
            blocks = strtoull(value, NULL, 10);
        else if (strcmp(argv[index], "--file") == 0)
            file = value;
        else if (strcmp(argv[index], "--depth") == 0)
            depth = (ULONG)strtoul(value, NULL, 10);
        else if (strcmp(argv[index], "--rounds") == 0)
            rounds = strtoull(value, NULL, 10);
        else
            return usage();
        index++;
    }
    if (blocks < 1 || depth < 1 || depth > MAX_DEPTH || rounds < 1)
        return usage();
    if (strcmp(argv[1], "serve") == 0)
        return run_server(&address, file, blocks, once);
    if (strcmp(argv[1], "run") == 0)
        return run_client(&address, depth, rounds);
    return usage();
}
