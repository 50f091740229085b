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

static const char usage_text[] = "usage: block-store serve ADDRESS:PORT [--blocks N] [--file PATH] [--once]\n"
                                 "       block-store run ADDRESS:PORT [--from ADDRESS] [--depth N] [--rounds N]\n";

static int usage(void)
{
    fputs(usage_text, stderr);
    return 64;
}

static int help(void)
{
    fputs(usage_text, stdout);
    printf(
        "\nA small remote block store over RDMA, with blocks of %d bytes.\n"
        "\n"
        "serve  lets clients read and write the blocks, until it is interrupted; port 0 has one chosen, which it says\n"
        "  --blocks N   how many there are (256)\n"
        "  --file PATH  where they are kept; in memory unless told otherwise\n"
        "  --once       end with the first client\n"
        "run    writes every block, reads it again and compares\n"
        "  --depth N    requests under way at a time, 1 to %d (16)\n"
        "  --rounds N   how often (1)\n"
        "\n"
        "Exit status: 0 done; 1 not done, and standard error says why; 64 the call makes no sense.\n",
        BLOCK_SIZE, MAX_DEPTH);
    return 0;
}

int main(int argc, char **argv)
{
    struct sockaddr_in address;
    uint64_t blocks = 256;
    uint64_t rounds = 1;
    const char *file = NULL;
    struct sockaddr_in own;
    bool has_own = false;
    ULONG depth = 16;
    bool once = false;

    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return help();
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
        else if (strcmp(argv[index], "--from") == 0 && parse_host(value, &own))
            has_own = true;
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
        return run_client(&address, has_own ? &own : NULL, depth, rounds);
    return usage();
}
