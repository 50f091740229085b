/* Which call of many is under way, told even when the process crashes within it. */
#ifndef CALL_LOG_H
#define CALL_LOG_H

#include <stdint.h>

#pragma clang assume_nonnull begin

/*
 * From now on a signal that ends the process, and a report of AddressSanitizer, is followed by the call that was under
 * way and by `replay`, which stays where it is.
 */
void call_log_begin(const char *replay);

/* A call begins: its number, and its name, which stays where it is. It may take so many seconds. */
void call_log_note(uint64_t number, const char *name);

/* The process has so many seconds for what comes next. */
void call_log_allow(unsigned seconds);

/* Tells of the last call. */
void call_log_tell(void);

#pragma clang assume_nonnull end

#endif
