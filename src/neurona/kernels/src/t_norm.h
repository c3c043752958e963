/* Batch normalisation over the rows of x[m, c], with an activation in the same pass.
 *
 * Wide rows: where c is no multiple of a vector, or small, several rows are read as one of p = k c columns (nk_norm_plan
 * in kernels.h), and what belongs to a channel stands k times side by side. So every loop runs over whole vectors.
 *
 * Statistics: x is cut in blocks of wide rows. Each block sums the differences from a centre of its own, and their squares;
 * the blocks are joined in double precision. So x comes from memory once, and nothing is lost where the mean is large
 * against the spread (as in E[x^2] - E[x]^2). The centre is the middle one of three rows: no single outlier moves it away.
 *
 * Backward: the activation's argument is made again from x, by the very operations of the way forward; that is a shorter
 * way than to read y. A smooth activation's slope is dear, so the first pass leaves g slope in dx for the second.
 *
 * The passes over a large array run in turn from the front and from the back: its last part is still in cache.
 */
typedef struct {
    nk_norm_plan plan;
    ptrdiff_t n; /* floats of x */
    const float *x, *g;
    const float *centre, *scale, *shift, *b, *r; /* p floats each, padded to whole vectors */
    int activation;
    float *out, *partial;
} norm_work;

/* The floats of a block: first ... end - 1. */
INLINE ptrdiff_t norm_first(const norm_work *s, size_t index) { return (ptrdiff_t)index * s->plan.rows * s->plan.p; }

INLINE ptrdiff_t norm_end(const norm_work *s, size_t index) {
    const ptrdiff_t end = norm_first(s, index + 1);
    return end < s->n ? end : s->n;
}

/* Rows that hold column j, among `count` floats from a row's start. */
INLINE ptrdiff_t norm_rows_of(ptrdiff_t count, ptrdiff_t p, ptrdiff_t j) { return count / p + (j < count % p); }

/* The differences from the centre of four rows: the sums are fetched and put back once for them all. */
INLINE void statistics_of_4(const float *x, const ptrdiff_t p, const float *centre, float *away, float *squares,
                            const ptrdiff_t j, const ptrdiff_t n) {
    const vf k = load(centre + j);
    const vf d0 = load_here(x + j, n) - k, d1 = load_here(x + p + j, n) - k;
    const vf d2 = load_here(x + 2 * p + j, n) - k, d3 = load_here(x + 3 * p + j, n) - k;
    const vf sum = load(away + j) + ((d0 + d1) + (d2 + d3));
    const vf square = load(squares + j) + ((d0 * d0 + d1 * d1) + (d2 * d2 + d3 * d3));
    store(away + j, sum);
    store(squares + j, square);
}

INLINE void statistics_of_1(const float *x, const float *centre, float *away, float *squares, const ptrdiff_t j,
                            const ptrdiff_t n) {
    const vf k = load(centre + j);
    vf d = load_here(x + j, n) - k;
    if (n < VL) { /* beyond the end: no difference */
        vf part = (vf){0};
        memcpy(&part, &d, (size_t)n * sizeof(float));
        d = part;
    }
    store(away + j, load(away + j) + d);
    store(squares + j, load(squares + j) + d * d);
}

INLINE void middle_of_3(const float *a, const float *b, const float *c, float *middle, const ptrdiff_t j,
                        const ptrdiff_t n) {
    const vf u = load_here(a + j, n), v = load_here(b + j, n), w = load_here(c + j, n);
    const vf low = choose(u < v, u, v), high = choose(u < v, v, u);
    store(middle + j, choose(w < low, low, choose(w > high, high, w)));
}

static void statistics_task(void *ctx, size_t index) {
    const norm_work *s = ctx;
    const ptrdiff_t p = s->plan.p, start = norm_first(s, index), padded = s->plan.padded;
    const float *x = s->x + start, *const end = s->x + norm_end(s, index);
    float *away = s->partial + (ptrdiff_t)index * 3 * padded, *squares = away + padded, *centre = squares + padded;
    memset(away, 0, (size_t)(3 * padded) * sizeof *away);
    const ptrdiff_t rows = (end - x) / p;
    if (rows == 0)
        memcpy(centre, x, (size_t)(end - x) * sizeof *centre);
    else
        OVER_COLUMNS(p, middle_of_3, x, x + rows / 2 * p, x + (rows - 1) * p, centre);
    for (; end - x >= 4 * p; x += 4 * p) OVER_COLUMNS(p, statistics_of_4, x, p, centre, away, squares);
    for (; end - x > 0; x += p) {
        const ptrdiff_t width = end - x < p ? end - x : p;
        OVER_COLUMNS(width, statistics_of_1, x, centre, away, squares);
    }
}

/* mean and var of the channels, from the blocks' sums; `wide` holds 2 padded doubles. */
static void join_statistics(const norm_work *s, ptrdiff_t c, double *wide, float *mean, float *var) {
    const ptrdiff_t p = s->plan.p, padded = s->plan.padded, m = s->n / c;
    double *restrict total = wide, *restrict squares = wide + padded;
    for (ptrdiff_t j = 0; j < padded; j++) total[j] = squares[j] = 0.0;
    for (ptrdiff_t k = 0; k < s->plan.blocks; k++) {
        const float *restrict away = s->partial + k * 3 * padded;
        const float *restrict centre = away + 2 * padded;
        const double rows = (double)s->plan.rows;
        const ptrdiff_t count = norm_end(s, (size_t)k) - norm_first(s, (size_t)k);
        if (count == s->plan.rows * p)
            for (ptrdiff_t j = 0; j < p; j++) total[j] += (double)away[j] + rows * (double)centre[j];
        else
            for (ptrdiff_t j = 0; j < p; j++)
                total[j] += (double)away[j] + (double)norm_rows_of(count, p, j) * (double)centre[j];
    }
    /* The copies of a channel, folded into its first. */
    for (ptrdiff_t j = c; j < p; j++) total[j % c] += total[j];
    for (ptrdiff_t j = 0; j < c; j++) total[j] /= (double)m;
    for (ptrdiff_t j = c; j < p; j++) total[j] = total[j - c];
    for (ptrdiff_t k = 0; k < s->plan.blocks; k++) {
        const float *restrict away = s->partial + k * 3 * padded;
        const float *restrict own = away + padded;
        const float *restrict centre = own + padded;
        const ptrdiff_t count = norm_end(s, (size_t)k) - norm_first(s, (size_t)k);
        const double rows = (double)s->plan.rows;
        /* sum (x - mean)^2 = sum d^2 + 2 (centre - mean) sum d + rows (centre - mean)^2 for x = centre + d */
        if (count == s->plan.rows * p)
            for (ptrdiff_t j = 0; j < p; j++) {
                const double off = (double)centre[j] - total[j];
                squares[j] += (double)own[j] + off * (2.0 * (double)away[j] + rows * off);
            }
        else
            for (ptrdiff_t j = 0; j < p; j++) {
                const double off = (double)centre[j] - total[j];
                squares[j] += (double)own[j] + off * (2.0 * (double)away[j] + (double)norm_rows_of(count, p, j) * off);
            }
    }
    for (ptrdiff_t j = c; j < p; j++) squares[j % c] += squares[j];
    for (ptrdiff_t j = 0; j < c; j++) {
        const double v = squares[j] / (double)m;
        mean[j] = (float)total[j];
        var[j] = v < 0.0 ? 0.0f : (float)v; /* by rounding alone it may fall below 0; NaN stays */
    }
}

INLINE void norm_forward_1(const float *x, float *y, const float *centre, const float *scale, const float *shift,
                           const int activation, const ptrdiff_t j, const ptrdiff_t n) {
    vf z = load_here(x + j, n);
    if (centre) z -= load(centre + j);
    store_here(y + j, n, activated(z * load(scale + j) + load(shift + j), activation));
}

INLINE void norm_forward_rows(const norm_work *s, size_t index, const int activation) {
    const ptrdiff_t p = s->plan.p, end = norm_end(s, index);
    const float *x = s->x, *centre = s->centre, *scale = s->scale, *shift = s->shift;
    float *y = s->out;
    for (ptrdiff_t i = norm_first(s, index); i < end; i += p) {
        const ptrdiff_t width = end - i < p ? end - i : p;
        if (centre)
            OVER_COLUMNS(width, norm_forward_1, x + i, y + i, centre, scale, shift, activation);
        else
            OVER_COLUMNS(width, norm_forward_1, x + i, y + i, NULL, scale, shift, activation);
    }
}

static void norm_forward_task(void *ctx, size_t index) {
    const norm_work *s = ctx;
    index = (size_t)s->plan.blocks - 1 - index;
    FOR_EACH_ACTIVATION(s->activation, norm_forward_rows, s, index);
}

typedef struct {
    const float *centre, *scale, *shift, *b, *r;
} norm_vectors;

/* g behind the activation, from g and the distance of x from the mean. */
INLINE vf norm_arrived(vf g, vf away, const norm_vectors v, ptrdiff_t j, const int activation) {
    if (activation == NK_LINEAR) return g;
    return through_activation(g, away * load(v.scale + j) + load(v.shift + j), activation);
}

INLINE void norm_sums_of_4(const float *g, const float *x, const ptrdiff_t p, const norm_vectors v, float *betas,
                           float *gammas, const int activation, const ptrdiff_t j, const ptrdiff_t n) {
    const vf centre = load(v.centre + j);
    const vf d0 = load_here(x + j, n) - centre, d1 = load_here(x + p + j, n) - centre;
    const vf d2 = load_here(x + 2 * p + j, n) - centre, d3 = load_here(x + 3 * p + j, n) - centre;
    const vf g0 = norm_arrived(load_here(g + j, n), d0, v, j, activation);
    const vf g1 = norm_arrived(load_here(g + p + j, n), d1, v, j, activation);
    const vf g2 = norm_arrived(load_here(g + 2 * p + j, n), d2, v, j, activation);
    const vf g3 = norm_arrived(load_here(g + 3 * p + j, n), d3, v, j, activation);
    const vf sum = load(betas + j) + ((g0 + g1) + (g2 + g3));
    const vf product = load(gammas + j) + ((g0 * d0 + g1 * d1) + (g2 * d2 + g3 * d3));
    store(betas + j, sum);
    store(gammas + j, product);
}

INLINE void norm_sums_of_1(const float *g, const float *x, float *out, const norm_vectors v, float *betas,
                           float *gammas, const int activation, const ptrdiff_t j, const ptrdiff_t n) {
    const vf away = load_here(x + j, n) - load(v.centre + j);
    const vf arrived = norm_arrived(load_here(g + j, n), away, v, j, activation);
    if (out) store_here(out + j, n, arrived);
    store(betas + j, load(betas + j) + arrived);
    store(gammas + j, load(gammas + j) + arrived * away);
}

/* Per block: sums of g and of g (x - mean), g behind the activation. */
INLINE void norm_sums_rows(const norm_work *s, size_t index, const int activation) {
    const ptrdiff_t p = s->plan.p, end = norm_end(s, index), padded = s->plan.padded;
    const norm_vectors v = {s->centre, s->scale, s->shift, NULL, NULL};
    const float *x = s->x, *g = s->g;
    float *out = s->out, *betas = s->partial + (ptrdiff_t)index * 2 * padded, *gammas = betas + padded;
    memset(betas, 0, (size_t)(2 * padded) * sizeof *betas);
    ptrdiff_t i = norm_first(s, index);
    if (activation == NK_LINEAR || activation == NK_RELU) {
        out = NULL;
        for (; i + 4 * p <= end; i += 4 * p)
            OVER_COLUMNS(p, norm_sums_of_4, g + i, x + i, p, v, betas, gammas, activation);
    }
    for (; i < end; i += p) {
        const ptrdiff_t width = end - i < p ? end - i : p;
        OVER_COLUMNS(width, norm_sums_of_1, g + i, x + i, out ? out + i : NULL, v, betas, gammas, activation);
    }
}

static void norm_sums_task(void *ctx, size_t index) {
    const norm_work *s = ctx;
    FOR_EACH_ACTIVATION(s->activation, norm_sums_rows, s, index);
}

/* dx = g scale + (x - mean) b + r: how gamma, the mean and the variance act on x is in scale, b and r. */
INLINE void norm_dx_1(const float *g, const float *x, float *dx, const norm_vectors v, const int activation,
                      const ptrdiff_t j, const ptrdiff_t n) {
    const vf away = load_here(x + j, n) - load(v.centre + j);
    const vf arrived = norm_arrived(load_here(g + j, n), away, v, j, activation);
    store_here(dx + j, n, arrived * load(v.scale + j) + (away * load(v.b + j) + load(v.r + j)));
}

INLINE void norm_dx_rows(const norm_work *s, size_t index, const int activation) {
    const ptrdiff_t p = s->plan.p, end = norm_end(s, index);
    const norm_vectors v = {s->centre, s->scale, s->shift, s->b, s->r};
    const float *x = s->x, *g = s->g;
    float *dx = s->out;
    for (ptrdiff_t i = norm_first(s, index); i < end; i += p) {
        const ptrdiff_t width = end - i < p ? end - i : p;
        OVER_COLUMNS(width, norm_dx_1, g + i, x + i, dx + i, v, activation);
    }
}

static void norm_dx_task(void *ctx, size_t index) {
    const norm_work *s = ctx;
    index = (size_t)s->plan.blocks - 1 - index;
    if (s->activation == NK_RELU)
        norm_dx_rows(s, index, NK_RELU);
    else
        norm_dx_rows(s, index, NK_LINEAR);
}

/* `from` (c numbers, or NULL for a constant) k times side by side, then zeros up to whole vectors. */
static float *norm_spread(const nk_norm_plan *plan, ptrdiff_t c, const float *from, float constant, float **side) {
    float *to = *side;
    *side += plan->padded;
    memset(to + plan->p, 0, (size_t)(plan->padded - plan->p) * sizeof *to);
    for (ptrdiff_t k = 0; k < plan->p; k += c)
        for (ptrdiff_t j = 0; j < c; j++) to[k + j] = from ? from[j] : constant;
    return to;
}

/* gamma / sqrt(var + epsilon), spread. */
static float *norm_scale(const nk_norm_plan *plan, ptrdiff_t c, const float *gamma, const float *var, double epsilon,
                         float **side) {
    float *to = *side;
    for (ptrdiff_t j = 0; j < c; j++) to[j] = (float)((gamma ? (double)gamma[j] : 1.0) / sqrt((double)var[j] + epsilon));
    return norm_spread(plan, c, to, 0.0f, side);
}

static void batch_norm_train(ptrdiff_t m, ptrdiff_t c, const float *x, const float *gamma, const float *beta,
                             double epsilon, int activation, float *y, float *mean, float *var, double *side) {
    norm_work s = {.plan = nk_plan_norm(m, c), .n = m * c, .x = x, .activation = activation, .out = y};
    float *vectors = (float *)(side + 2 * s.plan.padded);
    s.partial = vectors + 5 * s.plan.padded;
    nk_parallel(statistics_task, &s, (size_t)s.plan.blocks);
    join_statistics(&s, c, side, mean, var);
    s.centre = norm_spread(&s.plan, c, mean, 0.0f, &vectors);
    s.scale = norm_scale(&s.plan, c, gamma, var, epsilon, &vectors);
    s.shift = norm_spread(&s.plan, c, beta, 0.0f, &vectors);
    nk_parallel(norm_forward_task, &s, (size_t)s.plan.blocks);
}

static void batch_norm_infer(ptrdiff_t m, ptrdiff_t c, const float *x, const float *a, const float *b, int activation,
                             float *y, double *side) {
    norm_work s = {.plan = nk_plan_norm(m, c), .n = m * c, .x = x, .activation = activation, .out = y};
    float *vectors = (float *)side;
    s.scale = norm_spread(&s.plan, c, a, 0.0f, &vectors);
    s.shift = norm_spread(&s.plan, c, b, 0.0f, &vectors);
    nk_parallel(norm_forward_task, &s, (size_t)s.plan.blocks);
}

/* dx = gamma inv (g - mean(g) - xhat mean(g xhat)),  xhat = (x - mean) inv,  inv = 1 / sqrt(var + epsilon),
 * g behind the activation. */
static void batch_norm_backward(ptrdiff_t m, ptrdiff_t c, const float *g, const float *x, const float *gamma,
                                const float *beta, const float *mean, const float *var, double epsilon, int activation,
                                float *dx, float *dgamma, float *dbeta, double *side) {
    norm_work s = {.plan = nk_plan_norm(m, c), .n = m * c, .x = x, .g = g, .activation = activation, .out = dx};
    const ptrdiff_t p = s.plan.p, padded = s.plan.padded;
    float *vectors = (float *)(side + 2 * padded);
    s.partial = vectors + 5 * padded;
    s.centre = norm_spread(&s.plan, c, mean, 0.0f, &vectors);
    s.scale = norm_scale(&s.plan, c, gamma, var, epsilon, &vectors);
    s.shift = norm_spread(&s.plan, c, beta, 0.0f, &vectors);
    nk_parallel(norm_sums_task, &s, (size_t)s.plan.blocks);
    double *restrict betas = side, *restrict gammas = side + padded;
    for (ptrdiff_t j = 0; j < p; j++) betas[j] = gammas[j] = 0.0;
    for (ptrdiff_t k = 0; k < s.plan.blocks; k++) {
        const float *restrict sums = s.partial + k * 2 * padded;
        for (ptrdiff_t j = 0; j < p; j++) {
            betas[j] += (double)sums[j];
            gammas[j] += (double)sums[padded + j];
        }
    }
    for (ptrdiff_t j = c; j < p; j++) {
        betas[j % c] += betas[j];
        gammas[j % c] += gammas[j];
    }
    float *b = vectors, *r = vectors + padded; /* each is spread from its own first c numbers */
    for (ptrdiff_t j = 0; j < c; j++) {
        const double inv = 1.0 / sqrt((double)var[j] + epsilon), scale = (gamma ? (double)gamma[j] : 1.0) * inv;
        dbeta[j] = (float)betas[j];
        dgamma[j] = (float)(gammas[j] * inv);
        b[j] = (float)(-scale * inv * inv * gammas[j] / (double)m);
        r[j] = (float)(-scale * betas[j] / (double)m);
    }
    s.b = norm_spread(&s.plan, c, b, 0.0f, &vectors);
    s.r = norm_spread(&s.plan, c, r, 0.0f, &vectors);
    if (activation != NK_LINEAR && activation != NK_RELU) s.g = dx;
    nk_parallel(norm_dx_task, &s, (size_t)s.plan.blocks);
}
