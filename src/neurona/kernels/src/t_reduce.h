/* Sums over an axis that is not the last: y[a, j] = scale sum_i x[a, i, j], and the way back.
 *
 * Rows are summed in blocks, four at a time, and the blocks are joined in double precision: a float32 sum over a long axis
 * would lose digits. A block's size depends on the data's sizes alone.
 */
typedef struct {
    ptrdiff_t outer, rows, inner, block, blocks;
    const float *source;
    float scale;
    float *result, *partial;
} reduce_work;

INLINE void sum_of_4(const float *x, const ptrdiff_t inner, float *sums, const ptrdiff_t j, const ptrdiff_t n) {
    const vf a = load_here(x + j, n) + load_here(x + inner + j, n);
    const vf b = load_here(x + 2 * inner + j, n) + load_here(x + 3 * inner + j, n);
    store_here(sums + j, n, load_here(sums + j, n) + (a + b));
}

INLINE void sum_of_1(const float *x, float *sums, const ptrdiff_t j, const ptrdiff_t n) {
    store_here(sums + j, n, load_here(sums + j, n) + load_here(x + j, n));
}

static void sum_rows_task(void *ctx, size_t index) {
    const reduce_work *s = ctx;
    const ptrdiff_t inner = s->inner, outer = (ptrdiff_t)index / s->blocks, first = (ptrdiff_t)index % s->blocks * s->block;
    const ptrdiff_t end = first + s->block < s->rows ? first + s->block : s->rows;
    const float *x = s->source + (outer * s->rows + first) * inner;
    float *sums = s->partial + (ptrdiff_t)index * inner;
    memset(sums, 0, (size_t)inner * sizeof *sums);
    ptrdiff_t i = first;
    for (; i + 4 <= end; i += 4, x += 4 * inner) OVER_COLUMNS(inner, sum_of_4, x, inner, sums);
    for (; i < end; i++, x += inner) OVER_COLUMNS(inner, sum_of_1, x, sums);
}

/* The blocks of one outer place. */
static void join_task(void *ctx, size_t index) {
    const reduce_work *s = ctx;
    const float *sums = s->partial + (ptrdiff_t)index * s->blocks * s->inner;
    float *restrict y = s->result + (ptrdiff_t)index * s->inner;
    double total[64];
    for (ptrdiff_t j0 = 0; j0 < s->inner; j0 += 64) {
        const ptrdiff_t width = s->inner - j0 < 64 ? s->inner - j0 : 64;
        for (ptrdiff_t j = 0; j < width; j++) total[j] = 0.0;
        for (ptrdiff_t k = 0; k < s->blocks; k++)
            for (ptrdiff_t j = 0; j < width; j++) total[j] += (double)sums[k * s->inner + j0 + j];
        for (ptrdiff_t j = 0; j < width; j++) y[j0 + j] = (float)(total[j] * (double)s->scale);
    }
}

static void sum_rows(ptrdiff_t outer, ptrdiff_t rows, ptrdiff_t inner, const float *x, float scale, float *y,
                     float *partial) {
    reduce_work s = {outer, rows, inner, nk_sum_block(inner), nk_sum_blocks(rows, inner), x, scale, y, partial};
    nk_parallel(sum_rows_task, &s, (size_t)(outer * s.blocks));
    if ((double)outer * (double)s.blocks * (double)inner < 16384.0)
        for (ptrdiff_t i = 0; i < outer; i++) join_task(&s, (size_t)i);
    else
        nk_parallel(join_task, &s, (size_t)outer);
}

INLINE void scaled_row(const float *g, float scale, float *dx, const ptrdiff_t j, const ptrdiff_t n) {
    store_here(dx + j, n, load_here(g + j, n) * scale);
}

static void repeat_rows_task(void *ctx, size_t index) {
    const reduce_work *s = ctx;
    const ptrdiff_t inner = s->inner, outer = (ptrdiff_t)index / s->blocks, first = (ptrdiff_t)index % s->blocks * s->block;
    const ptrdiff_t end = first + s->block < s->rows ? first + s->block : s->rows;
    const float *g = s->source + outer * inner;
    float *dx = s->result + (outer * s->rows + first) * inner;
    for (ptrdiff_t i = first; i < end; i++, dx += inner) OVER_COLUMNS(inner, scaled_row, g, s->scale, dx);
}

/* dx[a, i, j] = scale g[a, j] */
static void repeat_rows(ptrdiff_t outer, ptrdiff_t rows, ptrdiff_t inner, const float *g, float scale, float *dx) {
    reduce_work s = {outer, rows, inner, nk_sum_block(inner), nk_sum_blocks(rows, inner), g, scale, dx, NULL};
    nk_parallel(repeat_rows_task, &s, (size_t)(outer * s.blocks));
}
