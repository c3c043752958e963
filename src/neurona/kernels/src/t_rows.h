/* Work row by row or element by element: softmax with crossentropy, dropout, gathering rows. */
#define ELEMENTS_PER_TASK 16384

/* Rows in a task of about ELEMENTS_PER_TASK elements. */
INLINE ptrdiff_t rows_per_task(ptrdiff_t columns) {
    ptrdiff_t rows = ELEMENTS_PER_TASK / (columns > 0 ? columns : 1);
    return rows > 0 ? rows : 1;
}

typedef struct {
    ptrdiff_t n, c;
    const float *x, *targets, *g;
    const int64_t *labels;
    float *loss, *out;
} softmax_work;

/* loss = sum_j t_j (log sum exp(x - max) - (x_j - max)); probs = exp(x - max) / sum. */
static void softmax_row(const softmax_work *s, ptrdiff_t row) {
    const ptrdiff_t c = s->c;
    const float *x = s->x + row * c;
    float *p = s->out + row * c;
    vf most = splat(-INFINITY);
    for (ptrdiff_t j = 0; j < c; j += VL) {
        vf v = load_row(x, j, c, -INFINITY);
        most = choose(v > most, v, most);
    }
    const float top = max_lanes(most); /* subtracted: exp overflows float32 above 88 */
    vf sums = (vf){0};
    for (ptrdiff_t j = 0; j < c; j += VL) {
        vf e = exp_vector(load_row(x, j, c, -INFINITY) - top);
        sums += e;
        store_row(p, j, c, e);
    }
    const float sum = sum_lanes(sums);
    const float inverse = 1.0f / sum;
    for (ptrdiff_t j = 0; j < c; j += VL) store_row(p, j, c, load_row(p, j, c, 0.0f) * inverse);
    const float log_sum = logf(sum);
    if (s->labels) {
        s->loss[row] = log_sum - (x[s->labels[row]] - top);
        return;
    }
    const float *t = s->targets + row * c;
    vf total = (vf){0};
    for (ptrdiff_t j = 0; j < c; j += VL) {
        vf target = load_row(t, j, c, 0.0f);
        /* 0 x infinity is no loss: where nothing is expected, nothing is lost. */
        vf lost = target * (log_sum - (load_row(x, j, c, top) - top));
        total += (vf)((vi)lost & ~(target == 0.0f));
    }
    s->loss[row] = sum_lanes(total);
}

static void softmax_task(void *ctx, size_t index) {
    const softmax_work *s = ctx;
    const ptrdiff_t rows = rows_per_task(s->c), first = (ptrdiff_t)index * rows;
    const ptrdiff_t end = first + rows < s->n ? first + rows : s->n;
    for (ptrdiff_t i = first; i < end; i++) softmax_row(s, i);
}

static void softmax_loss(ptrdiff_t n, ptrdiff_t c, const float *x, const int64_t *labels, const float *targets,
                         float *loss, float *probs) {
    softmax_work s = {.n = n, .c = c, .x = x, .labels = labels, .targets = targets, .loss = loss, .out = probs};
    nk_parallel(softmax_task, &s, (size_t)((n + rows_per_task(c) - 1) / rows_per_task(c)));
}

/* dx = g (probs sum(t) - t); a label is a target with a single 1. */
static void softmax_back_task(void *ctx, size_t index) {
    const softmax_work *s = ctx;
    const ptrdiff_t c = s->c, rows = rows_per_task(c), first = (ptrdiff_t)index * rows;
    const ptrdiff_t end = first + rows < s->n ? first + rows : s->n;
    for (ptrdiff_t i = first; i < end; i++) {
        const float *restrict p = s->x + i * c;
        float *restrict dx = s->out + i * c;
        const float g = s->g[i];
        if (s->labels) {
            for (ptrdiff_t j = 0; j < c; j++) dx[j] = g * p[j];
            dx[s->labels[i]] -= g;
        } else {
            const float *restrict t = s->targets + i * c;
            vf sums = (vf){0};
            for (ptrdiff_t j = 0; j < c; j += VL) sums += load_row(t, j, c, 0.0f);
            const float weight = sum_lanes(sums);
            for (ptrdiff_t j = 0; j < c; j++) dx[j] = g * (p[j] * weight - t[j]);
        }
    }
}

static void softmax_loss_backward(ptrdiff_t n, ptrdiff_t c, const float *g, const float *probs, const int64_t *labels,
                                  const float *targets, float *dx) {
    softmax_work s = {.n = n, .c = c, .x = probs, .labels = labels, .targets = targets, .g = g, .out = dx};
    nk_parallel(softmax_back_task, &s, (size_t)((n + rows_per_task(c) - 1) / rows_per_task(c)));
}

/* ---- dropout: the mask is a hash of the element's place and two keys, so none is stored ---- */

typedef struct {
    size_t n;
    const float *x;
    uint32_t threshold, key0, key1;
    float scale;
    float *y;
} dropout_work;

/* Chris Wellons's lowbias32: a bijection of 32 bits that lets each input bit reach each output bit. */
#define LOWBIAS32(x)             \
    do {                         \
        x ^= x >> 16;            \
        x *= UINT32_C(0x7feb352d); \
        x ^= x >> 15;            \
        x *= UINT32_C(0x846ca68b); \
        x ^= x >> 16;            \
    } while (0)

static void dropout_task(void *ctx, size_t index) {
    const dropout_work *s = ctx;
    const size_t first = index * ELEMENTS_PER_TASK;
    const size_t count = s->n - first < ELEMENTS_PER_TASK ? s->n - first : ELEMENTS_PER_TASK;
    const float *x = s->x + first;
    float *y = s->y + first;
    /* ELEMENTS_PER_TASK divides 2^32: the place's high half is the same for the whole task. */
    uint32_t high = (uint32_t)((uint64_t)first >> 32);
    LOWBIAS32(high);
    vu place;
    for (uint32_t lane = 0; lane < VL; lane++) place[lane] = (uint32_t)first + lane;
    for (size_t i = 0; i < count; i += VL, place += VL) {
        vu hash = (place ^ high) + s->key0;
        LOWBIAS32(hash);
        hash ^= s->key1;
        LOWBIAS32(hash);
        const vi keep = hash >= s->threshold;
        if (i + VL <= count)
            store(y + i, (vf)((vi)(load(x + i) * s->scale) & keep));
        else
            store_part(y + i, (ptrdiff_t)(count - i),
                       (vf)((vi)(load_part(x + i, (ptrdiff_t)(count - i), 0.0f) * s->scale) & keep));
    }
}

static void dropout(size_t n, const float *x, uint32_t threshold, float scale, uint32_t key0, uint32_t key1, float *y) {
    dropout_work s = {n, x, threshold, key0, key1, scale, y};
    nk_parallel(dropout_task, &s, (n + ELEMENTS_PER_TASK - 1) / ELEMENTS_PER_TASK);
}

/* ---- rows picked by index ---- */

typedef struct {
    ptrdiff_t rows, d;
    const float *floats;
    const uint8_t *bytes;
    const int64_t *index;
    float scale;
    float *out;
} gather_work;

static void gather_task(void *ctx, size_t index) {
    const gather_work *s = ctx;
    const ptrdiff_t d = s->d, rows = rows_per_task(d), first = (ptrdiff_t)index * rows;
    const ptrdiff_t end = first + rows < s->rows ? first + rows : s->rows;
    const float scale = s->scale;
    for (ptrdiff_t i = first; i < end; i++) {
        float *restrict out = s->out + i * d;
        if (s->bytes) {
            const uint8_t *restrict row = s->bytes + s->index[i] * d;
            for (ptrdiff_t j = 0; j < d; j++) out[j] = (float)row[j] * scale;
        } else {
            const float *restrict row = s->floats + s->index[i] * d;
            if (scale == 1.0f)
                memcpy(out, row, (size_t)d * sizeof *out);
            else
                for (ptrdiff_t j = 0; j < d; j++) out[j] = row[j] * scale;
        }
    }
}

static void gather_rows(const gather_work *s) {
    const ptrdiff_t rows = rows_per_task(s->d);
    nk_parallel(gather_task, (void *)s, (size_t)((s->rows + rows - 1) / rows));
}

static void gather_float(ptrdiff_t rows, ptrdiff_t d, const float *src, const int64_t *index, float scale, float *out) {
    const gather_work s = {rows, d, src, NULL, index, scale, out};
    gather_rows(&s);
}

static void gather_byte(ptrdiff_t rows, ptrdiff_t d, const uint8_t *src, const int64_t *index, float scale, float *out) {
    const gather_work s = {rows, d, NULL, src, index, scale, out};
    gather_rows(&s);
}
