/* Recycled memory for the arrays that kernels return.
 *
 * What: 64-byte aligned blocks from 32 KB up that go to a small shelf when their array dies and come back for the
 * next array of that size. Why: a training step frees and asks for the same large arrays again and again; handed
 * back to the system each time, every step would pay their page faults anew. What waits there is bounded by what was once
 * in use at the same time.
 */
#ifndef NEURONA_MEMORY_H
#define NEURONA_MEMORY_H

#include <stddef.h>

#define NK_RECYCLED_FROM ((size_t)32768)

int nk_memory_init(void);
void *nk_take(size_t bytes);
void nk_give(void *memory);
size_t nk_bytes_of(const void *memory);

/* Bytes that wait on the shelf; nk_shelf_clear hands them back to the system. */
size_t nk_shelf_bytes(void);
/* How often a block had to come from the system. */
size_t nk_fresh_count(void);
void nk_shelf_clear(void);

#endif
