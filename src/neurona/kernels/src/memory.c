/* The shelf of recycled blocks: see memory.h. A block's size stands in the 64 bytes before it. */
#if defined(__linux__)
#define _DEFAULT_SOURCE /* madvise */
#endif
#include "memory.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

#define HEADER ((size_t)64)
#define GRAIN ((size_t)4096)
#define HUGE_PAGE ((size_t)2 << 20)
#define HUGE_FROM ((size_t)4 << 20)
#define SHELF_BLOCKS 512
/* What may lie idle however little is in use. */
#define FLOOR_BYTES ((size_t)64 << 20)

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
/* Oldest first; sizes beside the pointers, so that a search touches no block. */
static void *shelf[SHELF_BLOCKS];
static size_t sizes[SHELF_BLOCKS];
static int blocks = 0;
static size_t shelf_bytes = 0, used_bytes = 0, most_used = 0;
static size_t fresh_count = 0;

size_t nk_bytes_of(const void *memory) { return *(const size_t *)((const char *)memory - HEADER); }

static void release(void *memory) { free((char *)memory - HEADER); }

/* With the mutex held: takes block i off the shelf. */
static void *lift(int i) {
    void *memory = shelf[i];
    shelf_bytes -= sizes[i];
    for (int j = i + 1; j < blocks; j++) {
        shelf[j - 1] = shelf[j];
        sizes[j - 1] = sizes[j];
    }
    blocks--;
    return memory;
}

/* With the mutex held. A step that repeats asks for the same sizes in the same order, so what it held at its height is
 * worth keeping, with half as much again for sizes that do not meet; beyond that the oldest blocks go. */
static void make_room(size_t more) {
    const size_t most = most_used + most_used / 2 + FLOOR_BYTES;
    while (blocks > 0 && used_bytes + shelf_bytes + more > most) release(lift(0));
}

/* With the mutex held: the shelf's block that wastes least, no more than a quarter; of equals the newest, which is most
 * likely still in cache. -1 where there is none. */
static int find(size_t wanted) {
    int best = -1;
    for (int i = blocks - 1; i >= 0; i--) {
        if (sizes[i] == wanted) return i;
        if (sizes[i] > wanted && sizes[i] <= wanted + wanted / 4 && (best < 0 || sizes[i] < sizes[best])) best = i;
    }
    return best;
}

static void *fresh(size_t rounded) {
    void *start;
    const int huge = rounded >= HUGE_FROM;
    if (posix_memalign(&start, huge ? HUGE_PAGE : 64, HEADER + rounded) != 0) return NULL;
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    /* One page fault for 2 MB instead of 512; only a hint, whose refusal changes nothing. */
    if (huge) (void)madvise(start, HEADER + rounded, MADV_HUGEPAGE);
#endif
    *(size_t *)start = rounded;
    return (char *)start + HEADER;
}

void *nk_take(size_t bytes) {
    if (bytes > SIZE_MAX / 2) return NULL;
    size_t rounded = (bytes + GRAIN - 1) / GRAIN * GRAIN;
    void *memory = NULL;
    pthread_mutex_lock(&mutex);
    const int found = find(rounded);
    if (found >= 0) {
        rounded = sizes[found];
        memory = lift(found);
    } else {
        fresh_count++;
        make_room(rounded);
    }
    used_bytes += rounded;
    if (used_bytes > most_used) most_used = used_bytes;
    pthread_mutex_unlock(&mutex);
    if (memory == NULL) memory = fresh(rounded);
    if (memory == NULL) {
        nk_shelf_clear(); /* what lies idle may be just what is missing */
        memory = fresh(rounded);
    }
    if (memory == NULL) {
        pthread_mutex_lock(&mutex);
        used_bytes -= rounded;
        pthread_mutex_unlock(&mutex);
    }
    return memory;
}

void nk_give(void *memory) {
    if (memory == NULL) return;
    const size_t bytes = nk_bytes_of(memory);
    pthread_mutex_lock(&mutex);
    used_bytes -= bytes;
    if (blocks == SHELF_BLOCKS) release(lift(0));
    shelf[blocks] = memory;
    sizes[blocks++] = bytes;
    shelf_bytes += bytes;
    make_room(0);
    pthread_mutex_unlock(&mutex);
}

size_t nk_shelf_bytes(void) { return shelf_bytes; }

size_t nk_fresh_count(void) { return fresh_count; }

void nk_shelf_clear(void) {
    pthread_mutex_lock(&mutex);
    while (blocks > 0) release(lift(blocks - 1));
    most_used = used_bytes;
    pthread_mutex_unlock(&mutex);
}

static void hold(void) { pthread_mutex_lock(&mutex); }
static void let_go(void) { pthread_mutex_unlock(&mutex); }
static void reset_in_child(void) { pthread_mutex_init(&mutex, NULL); }

int nk_memory_init(void) {
    static int ready = 0;
    if (ready) return 0;
    /* Held across a fork, so that the child never inherits a shelf that another thread was rearranging. */
    if (pthread_atfork(hold, let_go, reset_in_child) != 0) return -1;
    ready = 1;
    return 0;
}
