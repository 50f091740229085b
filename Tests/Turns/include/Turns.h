/*
 * Threads that take turns: one runs at a time, and which one goes on, and what the clock says, follows from a seed.
 *
 * A program that is linked with `--wrap` for the functions in Wraps.c comes here whenever one of its threads locks,
 * waits, sleeps, yields, polls or asks for the time. Threads that were not started by one that takes turns are left
 * alone.
 */
#ifndef TURNS_H
#define TURNS_H

#include <stdbool.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/* Why nobody can go on, or seems to go on for ever. */
typedef void (*turns_stuck_handler)(const char *reason);

/*
 * The calling thread, and every thread that it and its children start, takes turns from now on.
 *
 * `stuck` is called, on the thread that noticed, where all wait for each other, or where `patience` turns go by without
 * a `turns_progress`; it does not return.
 */
void turns_begin(uint64_t seed, uint64_t patience, turns_stuck_handler stuck);

/* The program is getting somewhere. */
void turns_progress(void);

/*
 * Has the system put memory at the same addresses each time in what this process executes next. 0 or an errno value.
 */
int turns_fix_addresses(void);

/* How many turns there were. */
uint64_t turns_count(void);

/* Follows from every turn so far: two runs with the same are the same. */
uint64_t turns_fingerprint(void);

/* How many other threads there are that have not ended. */
int turns_other_threads(void);

#pragma clang assume_nonnull end

#endif
