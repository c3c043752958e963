/* One thread pool for every kernel.
 *
 * What: nk_parallel(fn, ctx, n) runs fn(ctx, 0) ... fn(ctx, n - 1), each exactly once, on the caller and on the
 * workers, and returns when all are done. Which thread runs which task is left open, so a task may write only what
 * no other task touches; then the result is the same with one thread and with many.
 *
 * Why our own: a region costs under a microsecond while the workers still spin, and nothing else in the process
 * (OpenMP, a BLAS) competes for the same cores.
 */
#ifndef NEURONA_POOL_H
#define NEURONA_POOL_H

#include <stddef.h>

typedef void (*nk_task)(void *ctx, size_t index);

/* Once, before anything else: 0, or -1 when the fork handlers cannot be registered. */
int nk_pool_init(void);

/* Takes effect at the next region; 1 means that the caller works alone. */
void nk_set_threads(int count);
int nk_get_threads(void);

void nk_parallel(nk_task fn, void *ctx, size_t tasks);

/* At least `bytes` of 64-byte aligned memory that belongs to the calling thread until it asks again; NULL when
 * memory is out. */
void *nk_scratch(size_t bytes);

#endif
