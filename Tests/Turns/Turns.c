#define _GNU_SOURCE
#include "Turns.h"

#include "Turn.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/personality.h>

/* The functions themselves. */
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument);
int __real_pthread_join(pthread_t thread, void **result);
int __real_poll(struct pollfd *descriptors, nfds_t count, int timeout);

_Thread_local struct turn_thread *turn_self;

static struct turn_thread *threads;
/* Has ended, but for what the system has to do. */
static struct turn_thread *last_ended;
static pthread_key_t end_key;
static uint64_t random_state;
static uint64_t now = UINT64_C(1000000000000);
static uint64_t turns;
static uint64_t fingerprint;
static uint64_t next_number;
static uint64_t patience;
static uint64_t last_progress;
static turns_stuck_handler stuck;

/* A thread may lose its processor for so long while others go on. */
static const uint64_t longest_absence = 5 * 1000 * 1000;

/* MARK: Numbers */

uint64_t turn_now(void)
{
    return now;
}

/* SplitMix64, whose whole state is the seed. */
uint64_t turn_random(uint64_t bound)
{
    random_state += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t bits = random_state;
    bits = (bits ^ bits >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    bits = (bits ^ bits >> 27) * UINT64_C(0x94D049BB133111EB);
    bits ^= bits >> 31;
    return (uint64_t)((unsigned __int128)bits * bound >> 64);
}

int turns_fix_addresses(void)
{
    return personality(ADDR_NO_RANDOMIZE) == -1 ? errno : 0;
}

uint64_t turns_count(void)
{
    return turns;
}

uint64_t turns_fingerprint(void)
{
    return fingerprint;
}

void turns_progress(void)
{
    last_progress = turns;
}

int turns_other_threads(void)
{
    int count = 0;
    for (struct turn_thread *thread = threads; thread; thread = thread->next)
        count += thread != turn_self && thread->state != ENDED;
    return count;
}

/* MARK: Whose turn it is */

static bool is_able(struct turn_thread *thread)
{
    switch (thread->state) {
    case READY:
        return true;
    case WAITING:
        return thread->deadline <= now;
    case POLLING:
        return thread->deadline <= now || __real_poll(thread->polled, thread->polled_count, 0) != 0;
    case ENDED:
        return false;
    }
    return false;
}

static uint64_t next_deadline(void)
{
    uint64_t earliest = NEVER;
    for (struct turn_thread *thread = threads; thread; thread = thread->next) {
        bool waits = thread->state == WAITING || thread->state == POLLING;
        if (waits && thread->deadline < earliest)
            earliest = thread->deadline;
    }
    return earliest;
}

static struct turn_thread *pick(void)
{
    struct turn_thread *picked = NULL;
    uint64_t count = 0;
    for (struct turn_thread *thread = threads; thread; thread = thread->next) {
        if (!is_able(thread))
            continue;
        count++;
        /* Each of them with the same chance. */
        if (turn_random(count) == 0)
            picked = thread;
    }
    return picked;
}

static struct turn_thread *choose(void)
{
    now += 200 + turn_random(800);
    uint64_t deadline = next_deadline();
    if (turn_random(64) == 0 && deadline > now && deadline - now < longest_absence)
        now = deadline;
    while (true) {
        struct turn_thread *picked = pick();
        if (picked)
            return picked;
        deadline = next_deadline();
        if (deadline == NEVER)
            stuck("every thread waits for another one");
        now = deadline;
    }
}

/* Hands the turn to somebody, perhaps to the caller. */
static struct turn_thread *hand_over(void)
{
    struct turn_thread *chosen = choose();
    turns++;
    fingerprint = (fingerprint ^ chosen->number ^ now << 16) * UINT64_C(0x100000001B3);
    if (turns - last_progress > patience)
        stuck("turns go by and nothing is done");
    if (chosen->state != READY) {
        chosen->is_late = chosen->deadline <= now;
        chosen->state = READY;
    }
    return chosen;
}

/* What an ended thread still has to do is over before anybody goes on: it allocates and frees, too. */
static void bury(void)
{
    struct turn_thread *ended = last_ended;
    if (!ended)
        return;
    last_ended = NULL;
    __real_pthread_join(ended->handle, NULL);
    if (ended->is_detached)
        turn_forget(ended);
}

void turn_pass(void)
{
    struct turn_thread *self = turn_self;
    struct turn_thread *chosen = hand_over();
    if (chosen == self)
        return;
    sem_post(&chosen->turn);
    while (sem_wait(&self->turn) != 0)
        ;
    bury();
}

/* MARK: Waiting */

bool turn_wait(const void *object, uint64_t deadline)
{
    struct turn_thread *self = turn_self;
    self->state = WAITING;
    self->object = object;
    self->deadline = deadline;
    turn_pass();
    self->object = NULL;
    return !self->is_late;
}

void turn_signal(const void *object, bool is_for_all)
{
    struct turn_thread *picked = NULL;
    uint64_t count = 0;
    for (struct turn_thread *thread = threads; thread; thread = thread->next) {
        if (thread->state != WAITING || thread->object != object)
            continue;
        if (is_for_all) {
            thread->state = READY;
            thread->is_late = false;
        } else if (turn_random(++count) == 0) {
            picked = thread;
        }
    }
    if (picked) {
        picked->state = READY;
        picked->is_late = false;
    }
}

void turn_poll(struct pollfd *polled, nfds_t count, uint64_t deadline)
{
    struct turn_thread *self = turn_self;
    self->state = POLLING;
    self->polled = polled;
    self->polled_count = count;
    self->deadline = deadline;
    turn_pass();
}

/* MARK: Threads */

static const size_t stack_bytes = 1 << 20;

static struct turn_thread *add(void *(*start)(void *), void *argument)
{
    struct turn_thread *thread = calloc(1, sizeof *thread);
    if (!thread)
        abort();
    thread->number = next_number++;
    thread->start = start;
    thread->argument = argument;
    sem_init(&thread->turn, 0, 0);
    thread->next = threads;
    threads = thread;
    return thread;
}

void turn_forget(struct turn_thread *thread)
{
    struct turn_thread **link = &threads;
    while (*link != thread)
        link = &(*link)->next;
    *link = thread->next;
    sem_destroy(&thread->turn);
    munmap(thread->stack, stack_bytes);
    free(thread);
}

struct turn_thread *turn_find(pthread_t handle)
{
    for (struct turn_thread *thread = threads; thread; thread = thread->next) {
        if (!thread->is_joined && !thread->is_detached && pthread_equal(thread->handle, handle))
            return thread;
    }
    return NULL;
}

/* The destructor of `end_key`, and the last one of all: they run in rounds, and this one asks for another round. */
static void end(void *thread_)
{
    struct turn_thread *thread = thread_;
    if (!thread->is_last_round) {
        thread->is_last_round = true;
        pthread_setspecific(end_key, thread);
        return;
    }
    thread->state = ENDED;
    turn_signal(thread, true);
    last_ended = thread;
    turn_self = NULL;
    sem_post(&hand_over()->turn);
}

static void *run(void *thread_)
{
    struct turn_thread *thread = thread_;
    turn_self = thread;
    while (sem_wait(&thread->turn) != 0)
        ;
    bury();
    pthread_setspecific(end_key, thread);
    return thread->start(thread->argument);
}

int turn_start(pthread_t *handle, void *(*start)(void *), void *argument)
{
    struct turn_thread *thread = add(start, argument);
    thread->stack = mmap(NULL, stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (thread->stack == MAP_FAILED)
        abort();
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, thread->stack, stack_bytes);
    int code = __real_pthread_create(&thread->handle, &attributes, run, thread);
    pthread_attr_destroy(&attributes);
    if (code == 0)
        *handle = thread->handle;
    else
        turn_forget(thread);
    return code;
}

void turns_begin(uint64_t seed, uint64_t patience_, turns_stuck_handler stuck_)
{
    random_state = seed;
    patience = patience_;
    stuck = stuck_;
    if (pthread_key_create(&end_key, end) != 0)
        abort();
    turn_self = add(NULL, NULL);
    turn_self->handle = pthread_self();
}
