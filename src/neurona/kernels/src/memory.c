/* The shelf of recycled blocks: see memory.h. A block's size stands in the 64 bytes before it. */
#include "memory.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#define HEADER ((size_t)64)
#define GRAIN ((size_t)4096)
#define SHELF_BLOCKS 64
#define SHELF_BYTES ((size_t)256 << 20)

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static void *shelf[SHELF_BLOCKS]; /* oldest first */
static int blocks = 0;
static size_t shelf_bytes = 0;

size_t nk_bytes_of(const void *memory) { return *(const size_t *)((const char *)memory - HEADER); }

static void release(void *memory) { free((char *)memory - HEADER); }

/* With the mutex held: takes block i off the shelf. */
static void *lift(int i) {
    void *memory = shelf[i];
    for (int j = i + 1; j < blocks; j++) shelf[j - 1] = shelf[j];
    blocks--;
    shelf_bytes -= nk_bytes_of(memory);
    return memory;
}

void *nk_take(size_t bytes) {
    if (bytes > SIZE_MAX / 2) return NULL;
    size_t rounded = (bytes + GRAIN - 1) / GRAIN * GRAIN;
    void *memory = NULL;
    pthread_mutex_lock(&mutex);
    /* The newest block of the size is the one most likely still in cache. */
    for (int i = blocks - 1; i >= 0 && memory == NULL; i--)
        if (nk_bytes_of(shelf[i]) == rounded) memory = lift(i);
    pthread_mutex_unlock(&mutex);
    if (memory != NULL) return memory;
    void *start;
    if (posix_memalign(&start, 64, HEADER + rounded) != 0) return NULL;
    *(size_t *)start = rounded;
    return (char *)start + HEADER;
}

void nk_give(void *memory) {
    if (memory == NULL) return;
    size_t bytes = nk_bytes_of(memory);
    if (bytes > SHELF_BYTES / 4) {
        release(memory);
        return;
    }
    pthread_mutex_lock(&mutex);
    while (blocks == SHELF_BLOCKS || (blocks > 0 && shelf_bytes + bytes > SHELF_BYTES)) release(lift(0));
    shelf[blocks++] = memory;
    shelf_bytes += bytes;
    pthread_mutex_unlock(&mutex);
}

size_t nk_shelf_bytes(void) { return shelf_bytes; }

void nk_shelf_clear(void) {
    pthread_mutex_lock(&mutex);
    while (blocks > 0) release(lift(blocks - 1));
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
