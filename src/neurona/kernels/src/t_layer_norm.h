/* Layer normalisation of the rows of x[m, c]: each by its own mean and variance, then scaled and shifted by columns.
 *
 * A row stays in the first-level cache while it is read three times (mean, variance, result), so x comes from memory once.
 * Nothing is kept for the way back, which finds mean and variance anew: that costs less than to write and read them.
 * The sums for gamma and beta are made by blocks of rows, whose size depends on c alone, and joined in order.
 */
typedef struct {
    ptrdiff_t m, c;
    const float *x, *gamma, *beta, *g;
    double epsilon;
    float *out, *partial;
} layer_norm_work;

typedef struct {
    float mean, inverse; /* 1 / sqrt(variance + epsilon) */
} layer_norm_row;

INLINE layer_norm_row measure_row(const float *x, ptrdiff_t c, double epsilon) {
    vf sum = (vf){0}, squares = (vf){0};
    for (ptrdiff_t j = 0; j < c; j += VL) sum += load_row(x, j, c, 0.0f);
    const float mean = sum_lanes(sum) / (float)c;
    for (ptrdiff_t j = 0; j < c; j += VL) {
        const vf away = load_row(x, j, c, mean) - mean;
        squares += away * away;
    }
    return (layer_norm_row){mean, (float)(1.0 / sqrt((double)(sum_lanes(squares) / (float)c) + epsilon))};
}

/* The rows of a block: first ... end - 1. */
INLINE ptrdiff_t layer_norm_end(const layer_norm_work *s, size_t index, ptrdiff_t *first) {
    const ptrdiff_t rows = nk_sum_block(s->c);
    *first = (ptrdiff_t)index * rows;
    return *first + rows < s->m ? *first + rows : s->m;
}

static void layer_norm_task(void *ctx, size_t index) {
    const layer_norm_work *s = ctx;
    const ptrdiff_t c = s->c;
    ptrdiff_t i;
    const ptrdiff_t end = layer_norm_end(s, index, &i);
    for (; i < end; i++) {
        const float *x = s->x + i * c;
        const layer_norm_row row = measure_row(x, c, s->epsilon);
        for (ptrdiff_t j = 0; j < c; j += VL) {
            vf y = (load_row(x, j, c, 0.0f) - row.mean) * row.inverse;
            if (s->gamma) y *= load_row(s->gamma, j, c, 0.0f);
            if (s->beta) y += load_row(s->beta, j, c, 0.0f);
            store_row(s->out + i * c, j, c, y);
        }
    }
}

/* With h = g gamma and z = (x - mean) inverse: dx = inverse (h - mean(h) - z mean(h z)), dgamma = sum g z, dbeta = sum g. */
static void layer_norm_back_task(void *ctx, size_t index) {
    const layer_norm_work *s = ctx;
    const ptrdiff_t c = s->c;
    float *gammas = s->partial + (ptrdiff_t)index * 2 * c, *betas = gammas + c;
    memset(gammas, 0, (size_t)(2 * c) * sizeof *gammas);
    ptrdiff_t i;
    const ptrdiff_t end = layer_norm_end(s, index, &i);
    for (; i < end; i++) {
        const float *x = s->x + i * c, *g = s->g + i * c;
        const layer_norm_row row = measure_row(x, c, s->epsilon);
        vf sum = (vf){0}, product = (vf){0};
        for (ptrdiff_t j = 0; j < c; j += VL) {
            const vf arrived = load_row(g, j, c, 0.0f), z = (load_row(x, j, c, row.mean) - row.mean) * row.inverse;
            const vf h = s->gamma ? arrived * load_row(s->gamma, j, c, 0.0f) : arrived;
            sum += h;
            product += h * z;
            store_row(gammas, j, c, load_row(gammas, j, c, 0.0f) + arrived * z);
            store_row(betas, j, c, load_row(betas, j, c, 0.0f) + arrived);
        }
        const float mean_h = sum_lanes(sum) / (float)c, mean_hz = sum_lanes(product) / (float)c;
        for (ptrdiff_t j = 0; j < c; j += VL) {
            const vf z = (load_row(x, j, c, row.mean) - row.mean) * row.inverse;
            vf h = load_row(g, j, c, 0.0f);
            if (s->gamma) h *= load_row(s->gamma, j, c, 0.0f);
            store_row(s->out + i * c, j, c, (h - mean_h - z * mean_hz) * row.inverse);
        }
    }
}

static void layer_norm(ptrdiff_t m, ptrdiff_t c, const float *x, const float *gamma, const float *beta, double epsilon,
                       float *y) {
    layer_norm_work s = {.m = m, .c = c, .x = x, .gamma = gamma, .beta = beta, .epsilon = epsilon, .out = y};
    nk_parallel(layer_norm_task, &s, (size_t)nk_sum_blocks(m, c));
}

static void layer_norm_backward(ptrdiff_t m, ptrdiff_t c, const float *g, const float *x, const float *gamma,
                                double epsilon, float *dx, float *dgamma, float *dbeta, float *partial) {
    layer_norm_work s = {.m = m, .c = c, .x = x, .gamma = gamma, .g = g, .epsilon = epsilon, .out = dx, .partial = partial};
    const ptrdiff_t blocks = nk_sum_blocks(m, c);
    nk_parallel(layer_norm_back_task, &s, (size_t)blocks);
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
