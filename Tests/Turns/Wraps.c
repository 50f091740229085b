#define _GNU_SOURCE
/* Stand in for the functions of their names, as the linker's `--wrap` has it. */
#include "Turn.h"

#include <errno.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument);
int __real_pthread_join(pthread_t thread, void **result);
int __real_pthread_detach(pthread_t thread);
int __real_pthread_mutex_lock(pthread_mutex_t *mutex);
int __real_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __real_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
int __real_pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *deadline);
int __real_pthread_cond_broadcast(pthread_cond_t *condition);
int __real_pthread_cond_signal(pthread_cond_t *condition);
int __real_sched_yield(void);
int __real_usleep(useconds_t microseconds);
int __real_poll(struct pollfd *descriptors, nfds_t count, int timeout);
int __real_clock_gettime(clockid_t clock, struct timespec *time);

static const uint64_t nanoseconds_per_second = UINT64_C(1000000000);

/* Before something that others may see, they may come first. */
static void maybe_pass(void)
{
    turn_self->yields = 0;
    if (turn_random(4) == 0)
        turn_pass();
}

/* MARK: Threads */

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument)
{
    if (!turn_self)
        return __real_pthread_create(thread, attributes, start, argument);
    int code = turn_start(thread, start, argument);
    if (code == 0)
        maybe_pass();
    return code;
}

int __wrap_pthread_join(pthread_t thread, void **result)
{
    if (!turn_self)
        return __real_pthread_join(thread, result);
    struct turn_thread *joined = turn_find(thread);
    if (!joined)
        return ESRCH;
    joined->is_joined = true;
    while (joined->state != ENDED)
        turn_wait(joined, NEVER);
    turn_forget(joined);
    return 0;
}

int __wrap_pthread_detach(pthread_t thread)
{
    if (!turn_self)
        return __real_pthread_detach(thread);
    struct turn_thread *detached = turn_find(thread);
    if (!detached)
        return ESRCH;
    if (detached->state == ENDED)
        turn_forget(detached);
    else
        detached->is_detached = true;
    return 0;
}

/* MARK: Locks and conditions */

static void lock(pthread_mutex_t *mutex)
{
    while (pthread_mutex_trylock(mutex) == EBUSY)
        turn_wait(mutex, NEVER);
}

static void unlock(pthread_mutex_t *mutex)
{
    __real_pthread_mutex_unlock(mutex);
    turn_signal(mutex, true);
}

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
    if (!turn_self)
        return __real_pthread_mutex_lock(mutex);
    maybe_pass();
    lock(mutex);
    return 0;
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    if (!turn_self)
        return __real_pthread_mutex_unlock(mutex);
    unlock(mutex);
    return 0;
}

static int wait_until(pthread_cond_t *condition, pthread_mutex_t *mutex, uint64_t deadline)
{
    turn_self->yields = 0;
    unlock(mutex);
    bool is_signaled = turn_wait(condition, deadline);
    lock(mutex);
    return is_signaled ? 0 : ETIMEDOUT;
}

int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
    if (!turn_self)
        return __real_pthread_cond_wait(condition, mutex);
    return wait_until(condition, mutex, NEVER);
}

int __wrap_pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *deadline)
{
    if (!turn_self)
        return __real_pthread_cond_timedwait(condition, mutex, deadline);
    return wait_until(condition, mutex,
                      (uint64_t)deadline->tv_sec * nanoseconds_per_second + (uint64_t)deadline->tv_nsec);
}

int __wrap_pthread_cond_broadcast(pthread_cond_t *condition)
{
    if (!turn_self)
        return __real_pthread_cond_broadcast(condition);
    turn_signal(condition, true);
    return 0;
}

int __wrap_pthread_cond_signal(pthread_cond_t *condition)
{
    if (!turn_self)
        return __real_pthread_cond_signal(condition);
    turn_signal(condition, false);
    return 0;
}

/* MARK: Time */

int __wrap_sched_yield(void)
{
    if (!turn_self)
        return __real_sched_yield();
    /* Who yields again and again waits for somebody who may be asleep. */
    uint64_t pause = UINT64_C(1000) << turn_self->yields;
    if (turn_self->yields < 10)
        turn_self->yields++;
    turn_wait(NULL, turn_now() + pause);
    return 0;
}

int __wrap_usleep(useconds_t microseconds)
{
    if (!turn_self)
        return __real_usleep(microseconds);
    turn_self->yields = 0;
    turn_wait(NULL, turn_now() + (uint64_t)microseconds * 1000);
    return 0;
}

int __wrap_poll(struct pollfd *descriptors, nfds_t count, int timeout)
{
    if (!turn_self)
        return __real_poll(descriptors, count, timeout);
    maybe_pass();
    int ready = __real_poll(descriptors, count, 0);
    if (ready != 0 || timeout == 0)
        return ready;
    turn_poll(descriptors, count, timeout < 0 ? NEVER : turn_now() + (uint64_t)timeout * 1000000);
    return __real_poll(descriptors, count, 0);
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
    if (!turn_self || clock != CLOCK_MONOTONIC)
        return __real_clock_gettime(clock, time);
    time->tv_sec = (time_t)(turn_now() / nanoseconds_per_second);
    time->tv_nsec = (long)(turn_now() % nanoseconds_per_second);
    return 0;
}
