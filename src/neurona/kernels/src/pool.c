/* The thread pool: see pool.h.
 *
 * A region is published in one 64-bit ticket: generation | tasks | next task. A thread owns a task once it has
 * advanced the ticket by compare-and-swap; the region cannot end while a task is owned, so the owner may read the
 * region's function and context without further ado. A worker that sleeps or comes late finds no task left and
 * nobody waits for it: a busy machine delays a region by the tasks in flight, never by a missing worker.
 *
 * Workers spin for a short while (the next kernel of a training step comes soon), then sleep.
 */
#include "pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#define MAX_THREADS 64
#define INDEX_BITS 20
#define INDEX_MASK ((UINT64_C(1) << INDEX_BITS) - 1)
#define SPIN_NANOSECONDS 100000
#define STACK_BYTES (1u << 20)

static struct {
    _Atomic uint64_t ticket;
    _Atomic size_t done;
    _Atomic int sleepers;
    _Atomic int stop;
    atomic_flag busy; /* a region is running; a second caller works alone */
    nk_task fn;
    void *ctx;
    int wanted;  /* threads, the caller included */
    int started; /* workers that exist */
    pthread_t workers[MAX_THREADS];
    pthread_mutex_t mutex;
    pthread_cond_t wake;
} pool = {.wanted = 1, .busy = ATOMIC_FLAG_INIT, .mutex = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

static pthread_key_t scratch_key;

typedef struct {
    void *memory;
    size_t bytes;
} scratch;

static inline void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline int has_task(uint64_t ticket) {
    return (ticket & INDEX_MASK) < ((ticket >> INDEX_BITS) & INDEX_MASK);
}

/* Runs tasks until none is left. */
static void work(void) {
    uint64_t ticket = atomic_load(&pool.ticket);
    while (has_task(ticket)) {
        if (atomic_compare_exchange_weak(&pool.ticket, &ticket, ticket + 1)) {
            pool.fn(pool.ctx, (size_t)(ticket & INDEX_MASK));
            atomic_fetch_add(&pool.done, 1);
            ticket = atomic_load(&pool.ticket);
        }
    }
}

static void *worker(void *unused) {
    (void)unused;
    while (!atomic_load(&pool.stop)) {
        work();
        int64_t until = now() + SPIN_NANOSECONDS;
        int found = 0;
        while (!found && !atomic_load(&pool.stop) && now() < until) {
            for (int i = 0; i < 32 && !found; i++) {
                relax();
                found = has_task(atomic_load_explicit(&pool.ticket, memory_order_relaxed));
            }
        }
        if (found) continue;
        pthread_mutex_lock(&pool.mutex);
        /* Counted as asleep before the last look: a region published after that look sees the count and wakes us. */
        atomic_fetch_add(&pool.sleepers, 1);
        while (!has_task(atomic_load(&pool.ticket)) && !atomic_load(&pool.stop))
            pthread_cond_wait(&pool.wake, &pool.mutex);
        atomic_fetch_sub(&pool.sleepers, 1);
        pthread_mutex_unlock(&pool.mutex);
    }
    return NULL;
}

static void wake_all(void) {
    pthread_mutex_lock(&pool.mutex);
    pthread_cond_broadcast(&pool.wake);
    pthread_mutex_unlock(&pool.mutex);
}

/* Called with `busy` held. A worker that cannot be started is done without. */
static void start_workers(void) {
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0) return;
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    while (pool.started < pool.wanted - 1) {
        if (pthread_create(&pool.workers[pool.started], &attributes, worker, NULL) != 0) {
            pool.wanted = pool.started + 1;
            break;
        }
        pool.started++;
    }
    pthread_attr_destroy(&attributes);
}

static void stop_workers(void) {
    atomic_store(&pool.stop, 1);
    wake_all();
    for (int i = 0; i < pool.started; i++) pthread_join(pool.workers[i], NULL);
    pool.started = 0;
    atomic_store(&pool.stop, 0);
}

void nk_set_threads(int count) {
    while (atomic_flag_test_and_set(&pool.busy)) sched_yield();
    int wanted = count < 1 ? 1 : (count > MAX_THREADS ? MAX_THREADS : count);
    if (wanted - 1 < pool.started) stop_workers();
    pool.wanted = wanted;
    atomic_flag_clear(&pool.busy);
}

int nk_get_threads(void) { return pool.wanted; }

void nk_parallel(nk_task fn, void *ctx, size_t tasks) {
    if (tasks <= 1 || tasks > INDEX_MASK || pool.wanted == 1 || atomic_flag_test_and_set(&pool.busy)) {
        for (size_t i = 0; i < tasks; i++) fn(ctx, i);
        return;
    }
    if (pool.started < pool.wanted - 1) start_workers();
    pool.fn = fn;
    pool.ctx = ctx;
    atomic_store(&pool.done, 0);
    uint64_t generation = (atomic_load(&pool.ticket) >> (2 * INDEX_BITS)) + 1;
    atomic_store(&pool.ticket, (generation << (2 * INDEX_BITS)) | ((uint64_t)tasks << INDEX_BITS));
    if (atomic_load(&pool.sleepers) > 0) wake_all();
    work();
    for (int spins = 0; atomic_load(&pool.done) < tasks; spins++) {
        if (spins < 2000)
            relax();
        else
            sched_yield(); /* the worker that owns the last task may have lost its core to another process */
    }
    atomic_flag_clear(&pool.busy);
}

static void free_scratch(void *held) {
    scratch *s = held;
    free(s->memory);
    free(s);
}

void *nk_scratch(size_t bytes) {
    scratch *s = pthread_getspecific(scratch_key);
    if (s == NULL) {
        s = calloc(1, sizeof *s);
        if (s == NULL) return NULL;
        if (pthread_setspecific(scratch_key, s) != 0) {
            free(s);
            return NULL;
        }
    }
    if (s->bytes < bytes) {
        free(s->memory);
        s->bytes = 0;
        if (posix_memalign(&s->memory, 64, bytes) != 0) {
            s->memory = NULL;
            return NULL;
        }
        s->bytes = bytes;
    }
    return s->memory;
}

/* The child of a fork has only the thread that forked: it starts with an idle pool and no workers. */
static void reset_in_child(void) {
    pthread_mutex_init(&pool.mutex, NULL);
    pthread_cond_init(&pool.wake, NULL);
    pool.started = 0;
    atomic_store(&pool.ticket, 0);
    atomic_store(&pool.done, 0);
    atomic_store(&pool.sleepers, 0);
    atomic_store(&pool.stop, 0);
    atomic_flag_clear(&pool.busy);
}

int nk_pool_init(void) {
    static int ready = 0;
    if (ready) return 0;
    if (pthread_key_create(&scratch_key, free_scratch) != 0) return -1;
    if (pthread_atfork(NULL, NULL, reset_in_child) != 0) return -1;
    ready = 1;
    return 0;
}
