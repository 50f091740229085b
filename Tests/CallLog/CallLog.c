#include "CallLog.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

static const char *volatile replay_command;
static const char *volatile call_name;
static volatile uint64_t call_number;
static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGABRT, SIGFPE};
static struct sigaction former[sizeof signals / sizeof *signals];

/* Only there in a process with AddressSanitizer. */
void __asan_set_death_callback(void (*callback)(void)) __attribute__((weak));

/* From within signal handlers: no memory, no locks. */
static void put(const char *text)
{
    size_t length = text ? strlen(text) : 0;
    while (length > 0) {
        ssize_t written = write(STDERR_FILENO, text, length);
        if (written <= 0)
            return;
        text += written;
        length -= (size_t)written;
    }
}

static void put_number(uint64_t number)
{
    char digits[24];
    char *first = digits + sizeof digits - 1;
    *first = 0;
    do {
        *--first = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    put(first);
}

void call_log_tell(void)
{
    put("fuzz: within or after call ");
    put_number(call_number);
    put(" (");
    put(call_name);
    put(")\nreplay with: ");
    put(replay_command);
    put("\n");
}

static void crash(int number)
{
    put("fuzz: signal ");
    put_number((uint64_t)number);
    put("\n");
    call_log_tell();
    /* What happened happens again, and meets whoever was here before. */
    for (size_t index = 0; index < sizeof signals / sizeof *signals; index++) {
        if (signals[index] == number)
            sigaction(number, &former[index], NULL);
    }
    if (number == SIGABRT)
        raise(number);
}

static void hang(int number)
{
    (void)number;
    put("fuzz: it hangs\n");
    call_log_tell();
    _exit(1);
}

void call_log_begin(const char *replay)
{
    replay_command = replay;
    call_name = "none";
    struct sigaction action = {.sa_handler = crash, .sa_flags = SA_ONSTACK | SA_NODEFER};
    for (size_t index = 0; index < sizeof signals / sizeof *signals; index++)
        sigaction(signals[index], &action, &former[index]);
    action.sa_handler = hang;
    sigaction(SIGALRM, &action, NULL);
    if (__asan_set_death_callback)
        __asan_set_death_callback(call_log_tell);
}

void call_log_note(uint64_t number, const char *name)
{
    call_number = number;
    call_name = name;
}

void call_log_allow(unsigned seconds)
{
    alarm(seconds);
}
