/* Batch normalisation over the rows of x[m, c].
 *
 * Statistics: x is cut in blocks of rows small enough for the cache. Each block finds its mean, then, over data still
 * in cache, its sum of squared differences from that mean; Chan's formula joins the blocks in double precision. So x
 * comes from memory once, and nothing is lost where the mean is large against the spread (as in E[x^2] - E[x]^2).
 */
typedef struct {
    ptrdiff_t m, c, rows; /* rows: of a block */
    const float *x, *g, *y, *mean, *inv, *a, *b, *r;
    int relu;
    float *out, *partial;
} norm_work;

INLINE ptrdiff_t block_end(const norm_work *s, size_t index) {
    const ptrdiff_t end = ((ptrdiff_t)index + 1) * s->rows;
    return end < s->m ? end : s->m;
}

static void statistics_task(void *ctx, size_t index) {
    const norm_work *s = ctx;
    const ptrdiff_t c = s->c, first = (ptrdiff_t)index * s->rows, end = block_end(s, index);
    float *restrict mean = s->partial + (ptrdiff_t)index * 2 * c;
    float *restrict squares = mean + c;
    for (ptrdiff_t j = 0; j < c; j++) mean[j] = squares[j] = 0.0f;
    for (ptrdiff_t i = first; i < end; i++) {
        const float *restrict x = s->x + i * c;
        for (ptrdiff_t j = 0; j < c; j++) mean[j] += x[j];
    }
    const float count = (float)(end - first);
    for (ptrdiff_t j = 0; j < c; j++) mean[j] /= count;
    for (ptrdiff_t i = first; i < end; i++) {
        const float *restrict x = s->x + i * c;
        for (ptrdiff_t j = 0; j < c; j++) {
            const float d = x[j] - mean[j];
            squares[j] += d * d;
        }
    }
}

static void norm_statistics(ptrdiff_t m, ptrdiff_t c, const float *x, float *mean, float *var, float *partial) {
    norm_work s = {.m = m, .c = c, .rows = nk_norm_rows(m, c), .x = x, .partial = partial};
    const ptrdiff_t blocks = (m + s.rows - 1) / s.rows;
    nk_parallel(statistics_task, &s, (size_t)blocks);
    for (ptrdiff_t j = 0; j < c; j++) {
        double count = 0.0, centre = 0.0, squares = 0.0;
        for (ptrdiff_t k = 0; k < blocks; k++) {
            const double n = (double)(block_end(&s, (size_t)k) - k * s.rows);
            const double away = (double)partial[k * 2 * c + j] - centre;
            const double joint = count + n;
            centre += away * (n / joint);
            squares += (double)partial[k * 2 * c + c + j] + away * away * (count * n / joint);
            count = joint;
        }
        mean[j] = (float)centre;
        var[j] = (float)(squares / count);
    }
}

/* y = x a + b, then relu: the forward pass, trained or at rest. */
static void scale_shift_task(void *ctx, size_t index) {
    const norm_work *s = ctx;
    const ptrdiff_t c = s->c, end = block_end(s, index);
    const float *restrict a = s->a;
    const float *restrict b = s->b;
    for (ptrdiff_t i = (ptrdiff_t)index * s->rows; i < end; i++) {
        const float *restrict x = s->x + i * c;
        float *restrict y = s->out + i * c;
        if (s->relu) {
            for (ptrdiff_t j = 0; j < c; j++) {
                const float v = x[j] * a[j] + b[j];
                y[j] = v < 0.0f ? 0.0f : v;
            }
        } else {
            for (ptrdiff_t j = 0; j < c; j++) y[j] = x[j] * a[j] + b[j];
        }
    }
}

static void scale_shift(ptrdiff_t m, ptrdiff_t c, const float *x, const float *a, const float *b, int relu, float *y) {
    norm_work s = {.m = m, .c = c, .rows = nk_norm_rows(m, c), .x = x, .a = a, .b = b, .relu = relu, .out = y};
    nk_parallel(scale_shift_task, &s, (size_t)((m + s.rows - 1) / s.rows));
}

/* g where a relu let x pass (its result y is above 0), else 0. */
INLINE vf passed(vf g, vf y) { return (vf)((vi)g & (y > 0.0f)); }

/* Per block: sum of g (x - mean) inv and of g; behind a relu only where it let x pass. */
static void backward_sums_task(void *ctx, size_t index) {
    const norm_work *s = ctx;
    const ptrdiff_t c = s->c, end = block_end(s, index);
    float *dgamma = s->partial + (ptrdiff_t)index * 2 * c;
    float *dbeta = dgamma + c;
    for (ptrdiff_t j = 0; j < 2 * c; j++) dgamma[j] = 0.0f;
    for (ptrdiff_t i = (ptrdiff_t)index * s->rows; i < end; i++) {
        const float *x = s->x + i * c, *g = s->g + i * c, *y = s->y + i * c;
        for (ptrdiff_t j = 0; j < c; j += VL) {
            vf arrived = load_row(g, j, c, 0.0f);
            if (s->relu) arrived = passed(arrived, load_row(y, j, c, 0.0f));
            const vf xhat = (load_row(x, j, c, 0.0f) - load_row(s->mean, j, c, 0.0f)) * load_row(s->inv, j, c, 0.0f);
            store_row(dgamma, j, c, load_row(dgamma, j, c, 0.0f) + arrived * xhat);
            store_row(dbeta, j, c, load_row(dbeta, j, c, 0.0f) + arrived);
        }
    }
}

static void norm_backward_sums(ptrdiff_t m, ptrdiff_t c, const float *g, const float *y, const float *x,
                               const float *mean, const float *inv, int relu, float *dgamma, float *dbeta,
                               float *partial) {
    norm_work s = {.m = m, .c = c, .rows = nk_norm_rows(m, c), .x = x, .g = g, .y = y, .mean = mean, .inv = inv,
                   .relu = relu, .partial = partial};
    const ptrdiff_t blocks = (m + s.rows - 1) / s.rows;
    nk_parallel(backward_sums_task, &s, (size_t)blocks);
    for (ptrdiff_t j = 0; j < c; j++) {
        double gammas = 0.0, betas = 0.0;
        for (ptrdiff_t k = 0; k < blocks; k++) {
            gammas += (double)partial[k * 2 * c + j];
            betas += (double)partial[k * 2 * c + c + j];
        }
        dgamma[j] = (float)gammas;
        dbeta[j] = (float)betas;
    }
}

/* dx = g a + (x - mean) b + r per column: how gamma, the mean and the variance act on x is in a, b, r. */
static void backward_dx_task(void *ctx, size_t index) {
    const norm_work *s = ctx;
    const ptrdiff_t c = s->c, end = block_end(s, index);
    for (ptrdiff_t i = (ptrdiff_t)index * s->rows; i < end; i++) {
        const float *x = s->x + i * c, *g = s->g + i * c, *y = s->y + i * c;
        float *dx = s->out + i * c;
        for (ptrdiff_t j = 0; j < c; j += VL) {
            vf arrived = load_row(g, j, c, 0.0f);
            if (s->relu) arrived = passed(arrived, load_row(y, j, c, 0.0f));
            const vf away = load_row(x, j, c, 0.0f) - load_row(s->mean, j, c, 0.0f);
            const vf whole = away * load_row(s->b, j, c, 0.0f) + load_row(s->r, j, c, 0.0f);
            store_row(dx, j, c, arrived * load_row(s->a, j, c, 0.0f) + whole);
        }
    }
}

static void norm_backward_dx(ptrdiff_t m, ptrdiff_t c, const float *g, const float *y, const float *x, const float *mean,
                             const float *a, const float *b, const float *r, int relu, float *dx) {
    norm_work s = {.m = m, .c = c, .rows = nk_norm_rows(m, c), .x = x, .g = g, .y = y, .mean = mean, .a = a, .b = b,
                   .r = r, .relu = relu, .out = dx};
    nk_parallel(backward_dx_task, &s, (size_t)((m + s.rows - 1) / s.rows));
}
