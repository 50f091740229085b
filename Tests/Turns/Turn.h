/* What Turns.c and Wraps.c share. Only the thread whose turn it is touches any of it. */
#ifndef TURN_H
#define TURN_H

#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>

#define NEVER UINT64_MAX

struct turn_thread {
    enum {
        READY,
        WAITING, /* for `object` to be signaled, or until `deadline` */
        POLLING, /* for a descriptor in `polled`, or until `deadline` */
        ENDED,
    } state;
    const void *object;
    uint64_t deadline;
    bool is_late; /* whether the last wait ended with its deadline */
    struct pollfd *polled;
    nfds_t polled_count;
    int yields; /* without anything else between */
    uint64_t number;
    sem_t turn;
    /* At an address of its own until the thread is forgotten, because handles are addresses within. */
    void *stack;
    pthread_t handle;
    bool is_joined; /* somebody waits for its end, or did */
    bool is_detached;
    bool is_last_round; /* of what it does when it ends */
    void *(*start)(void *);
    void *argument;
    struct turn_thread *next;
};

/* NULL on a thread that does not take turns. */
extern _Thread_local struct turn_thread *turn_self;

/* Nanoseconds. */
uint64_t turn_now(void);

/* A number from 0 up to, but not including, `bound`. */
uint64_t turn_random(uint64_t bound);

/* Gives the turn away; returns with the next own one. */
void turn_pass(void);

/* Waits for a signal to `object`, and no longer than until `deadline`; false if that came first. */
bool turn_wait(const void *object, uint64_t deadline);

/* Wakes all who wait for `object`, or one of them. */
void turn_signal(const void *object, bool is_for_all);

/* Waits for a descriptor to be ready, and no longer than until `deadline`. */
void turn_poll(struct pollfd *polled, nfds_t count, uint64_t deadline);

/* Starts a thread that takes turns; 0 or an errno value. */
int turn_start(pthread_t *handle, void *(*start)(void *), void *argument);

/* Forgets a thread that has ended. */
void turn_forget(struct turn_thread *thread);

/* The thread with a handle, which was neither joined nor detached. */
struct turn_thread *turn_find(pthread_t handle);

#endif
