/* The direct 3 x 3 convolution: stride 1, channels last.
 *
 * In a row of the input (column, channel) lie side by side, so an output pixel is three sums over 3 C numbers that
 * follow each other: one for each row of the kernel. A tile is MR pixels x 2 vectors of filters; its pixels are given
 * by MR pointers, so tiles cross rows and pictures and waste nothing on small maps. A task takes some rows of some
 * pictures: with padding it first copies them into a frame of zeros, else it reads them in place. A panel of filters is
 * finished (bias, relu, 2 x 2 maxima) from a strip that is still in cache.
 *
 * The gradient to the input is the same with the turned kernel over dY; that to the kernel takes MR of the 9 C (row,
 * column, channel) places x 2 vectors of filters, and runs over the pixels.
 */
#define DIRECT_PIXELS 192 /* of a task, about */
#define DIRECT_K 256      /* a block of k: its weights stay in the first-level cache */

/* ---- the rows that a task sees ---- */

typedef struct {
    maps in;
    ptrdiff_t n, top, bottom, left, right;
} frame;

INLINE int has_frame(const frame *s) { return (s->top | s->bottom | s->left | s->right) != 0; }
INLINE ptrdiff_t frame_row(const frame *s) { return (s->in.w + s->left + s->right) * s->in.c; }

/* Row y (counted with the padding) of picture n into `to`. */
static void copy_row(const frame *s, ptrdiff_t n, ptrdiff_t y, float *to) {
    const ptrdiff_t c = s->in.c, row = s->in.w * c, iy = y - s->top;
    if (iy < 0 || iy >= s->in.h) {
        memset(to, 0, (size_t)frame_row(s) * sizeof *to);
        return;
    }
    memset(to, 0, (size_t)(s->left * c) * sizeof *to);
    memcpy(to + s->left * c, s->in.data + (n * s->in.h + iy) * row, (size_t)row * sizeof *to);
    memset(to + s->left * c + row, 0, (size_t)(s->right * c) * sizeof *to);
}

/* Output rows come in units of one row, or of two that are pooled together: `per` in each picture, `high` rows each.
 * Fills at[0 ... (end - first) * high) with where the inputs of each output row begin. */
static void lay_rows(const frame *s, ptrdiff_t per, ptrdiff_t high, ptrdiff_t first, ptrdiff_t end, float *room,
                     const float **at) {
    const ptrdiff_t row = frame_row(s);
    for (ptrdiff_t unit = first; unit < end; unit++) {
        const ptrdiff_t n = unit / per, y = unit % per * high;
        if (!has_frame(s)) {
            for (ptrdiff_t i = 0; i < high; i++) *at++ = s->in.data + (n * s->in.h + y + i) * row;
            continue;
        }
        /* Two of a unit's rows were the last of the unit before, if that was in the same picture. */
        const ptrdiff_t known = unit > first && y > 0 ? 2 : 0;
        for (ptrdiff_t i = known; i < high + 2; i++, room += row) copy_row(s, n, y + i, room);
        for (ptrdiff_t i = 0; i < high; i++) *at++ = room + (i - high - 2) * row;
    }
}

/* ---- forward ---- */

typedef struct {
    frame in;
    ptrdiff_t oh, ow, f; /* before pooling */
    int relu, pool;
    const float *weights; /* [panel][9 c][NR] */
    const float *bias;
    float *y;
    uint8_t *where;
    ptrdiff_t per, high, units, per_task;
    atomic_int failed;
} direct_pass;

/* MR pixels x V vectors (+)= over `kernel_rows` rows, kc numbers in each; px + shift: the pixels' inputs. */
INLINE void direct_tile(const int V, const float *const *px, ptrdiff_t shift, ptrdiff_t row, int kernel_rows,
                        ptrdiff_t kc, const float *w, float *out, int add) {
    vf acc[MR][2];
    const float *p[MR];
    _Pragma("GCC unroll 16") for (int i = 0; i < MR; i++) {
        acc[i][0] = acc[i][1] = (vf){0};
        p[i] = px[i] + shift;
    }
    for (int r = 0; r < kernel_rows; r++) {
        for (ptrdiff_t k = 0; k < kc; k++, w += NR) {
            const vf w0 = load(w), w1 = V == 2 ? load(w + VL) : w0;
            _Pragma("GCC unroll 16") for (int i = 0; i < MR; i++) {
                const vf x = splat(p[i][k]);
                acc[i][0] += x * w0;
                if (V == 2) acc[i][1] += x * w1;
            }
        }
        _Pragma("GCC unroll 16") for (int i = 0; i < MR; i++) p[i] += row;
    }
    _Pragma("GCC unroll 16") for (int i = 0; i < MR; i++, out += NR) {
        store(out, add ? load(out) + acc[i][0] : acc[i][0]);
        if (V == 2) store(out + VL, add ? load(out + VL) + acc[i][1] : acc[i][1]);
    }
}

/* A panel of filters for all pixels (a multiple of MR) -> out[pixel][NR]. */
static void direct_panel(const float *const *px, ptrdiff_t pixels, ptrdiff_t row, ptrdiff_t c, int two, const float *w,
                         float *out) {
    /* Few channels: all nine taps in one go; else a block of k at a time, whose weights all tiles use. */
    const int together = 9 * c <= DIRECT_K;
    const ptrdiff_t k = 3 * c, parts = together ? 1 : (k + DIRECT_K - 1) / DIRECT_K;
    const int kernel_rows = together ? 3 : 1, steps = together ? 1 : 3;
    for (int r = 0; r < steps; r++)
        for (ptrdiff_t part = 0; part < parts; part++) {
            const ptrdiff_t k0 = cut(k, parts, part), kc = cut(k, parts, part + 1) - k0, shift = r * row + k0;
            const float *block = w + (r * k + k0) * NR;
            for (ptrdiff_t i = 0; i < pixels; i += MR)
                if (two)
                    direct_tile(2, px + i, shift, row, kernel_rows, kc, block, out + i * NR, r + part > 0);
                else
                    direct_tile(1, px + i, shift, row, kernel_rows, kc, block, out + i * NR, r + part > 0);
        }
}

/* The strip `out` of one panel -> its columns of y. */
static void direct_finish(const direct_pass *s, const float *out, ptrdiff_t first, ptrdiff_t units, ptrdiff_t j) {
    const ptrdiff_t wide = s->pool ? s->ow / 2 : s->ow;
    for (ptrdiff_t c = j; c < s->f && c < j + NR; c += VL, out += VL) {
        const ptrdiff_t left = s->f - c;
        const vf bias = s->bias ? load_row(s->bias, c, s->f, 0.0f) : (vf){0};
        float *y = s->y + first * wide * s->f + c;
        if (!s->pool) {
            for (ptrdiff_t i = 0; i < units * wide; i++) {
                vf v = load(out + i * NR) + bias;
                if (s->relu) v = relu_vector(v);
                store_row(y + i * s->f, 0, left, v);
            }
            continue;
        }
        uint8_t *where = s->where + first * wide * s->f + c;
        for (ptrdiff_t u = 0; u < units; u++)
            for (ptrdiff_t x = 0; x < wide; x++) {
                const float *top = out + (u * 4 * wide + 2 * x) * NR, *bottom = top + 2 * wide * NR;
                const vf window[4] = {load(top) + bias, load(top + NR) + bias, load(bottom) + bias,
                                      load(bottom + NR) + bias};
                vi place;
                const vf best = pool_window(window, s->relu, &place);
                store_row(y + (u * wide + x) * s->f, 0, left, best);
                store_bytes(where + (u * wide + x) * s->f, left, place);
            }
    }
}

static void direct_task(void *ctx, size_t index) {
    direct_pass *s = ctx;
    const ptrdiff_t first = (ptrdiff_t)index * s->per_task;
    const ptrdiff_t end = first + s->per_task < s->units ? first + s->per_task : s->units;
    const ptrdiff_t lines = (end - first) * s->high, wide = s->pool ? s->ow / 2 * 2 : s->ow;
    const ptrdiff_t pixels = lines * wide, rounded = (pixels + MR - 1) / MR * MR;
    const ptrdiff_t c = s->in.in.c, row = frame_row(&s->in);
    /* Each unit copies at most high + 2 rows. */
    const ptrdiff_t room = has_frame(&s->in) ? (end - first) * (s->high + 2) * row : 0;
    float *out = nk_scratch((size_t)(rounded * NR + room) * sizeof(float) +
                            (size_t)(rounded + lines) * sizeof(const float *));
    if (out == NULL) {
        atomic_store(&s->failed, 1);
        return;
    }
    const float **px = (const float **)(out + rounded * NR), **rows = px + rounded;
    lay_rows(&s->in, s->per, s->high, first, end, (float *)(rows + lines), rows);
    for (ptrdiff_t i = 0; i < lines; i++)
        for (ptrdiff_t x = 0; x < wide; x++) px[i * wide + x] = rows[i] + x * c;
    for (ptrdiff_t i = pixels; i < rounded; i++) px[i] = px[pixels - 1];
    for (ptrdiff_t j = 0; j < s->f; j += NR) {
        direct_panel(px, rounded, row, c, s->f - j > VL, s->weights + j * 9 * c, out);
        direct_finish(s, out, first, end - first, j);
    }
}

static int direct_run(direct_pass *s) {
    s->high = s->pool ? 2 : 1;
    s->per = s->oh / s->high;
    s->units = s->in.n * s->per;
    const ptrdiff_t wide = s->pool ? s->ow / 2 * 2 : s->ow;
    atomic_init(&s->failed, 0);
    if (s->units == 0 || wide == 0 || s->f == 0) return 0;
    s->per_task = DIRECT_PIXELS / (s->high * wide);
    if (s->per_task < 1) s->per_task = 1;
    nk_parallel(direct_task, s, (size_t)((s->units + s->per_task - 1) / s->per_task));
    return atomic_load(&s->failed) ? -1 : 0;
}

/* ---- the kernel in panels, and turned ---- */

typedef struct {
    ptrdiff_t c, f;
    const float *kernel;
    float *to;
} kernel_copy;

static void pack_panel(void *ctx, size_t index) {
    const kernel_copy *s = ctx;
    const ptrdiff_t j = (ptrdiff_t)index * NR, k = 9 * s->c;
    pack_b(s->kernel + j, s->f, k, s->f - j < NR ? s->f - j : NR, s->to + j * k);
}

static float *kernel_in_panels(const float *kernel, ptrdiff_t c, ptrdiff_t f) {
    kernel_copy s = {c, f, kernel, nk_take((size_t)(9 * c * panels_of(f) * NR) * sizeof(float))};
    if (s.to != NULL) nk_parallel(pack_panel, &s, (size_t)panels_of(f));
    return s.to;
}

#define TURNED_FILTERS 16 /* in a task */
static void turn_part(void *ctx, size_t index) {
    const kernel_copy *s = ctx;
    const ptrdiff_t tap = (ptrdiff_t)index % 9, first = (ptrdiff_t)index / 9 * TURNED_FILTERS;
    const ptrdiff_t count = s->f - first < TURNED_FILTERS ? s->f - first : TURNED_FILTERS;
    const float *from = s->kernel + tap * s->c * s->f + first;
    float *to = s->to + ((8 - tap) * s->f + first) * s->c;
    ptrdiff_t c = 0;
    for (; c + 4 <= s->c; c += 4) turn4(from + c * s->f, s->f, count, to + c, s->c);
    for (; c < s->c; c++)
        for (ptrdiff_t f = 0; f < count; f++) to[f * s->c + c] = from[c * s->f + f];
}

/* (3, 3, c, f) -> (3, 3, f, c), turned by half a circle. */
static float *kernel_turned(const float *kernel, ptrdiff_t c, ptrdiff_t f) {
    kernel_copy s = {c, f, kernel, nk_take((size_t)(9 * c * f) * sizeof(float))};
    if (s.to != NULL) nk_parallel(turn_part, &s, (size_t)(9 * ((f + TURNED_FILTERS - 1) / TURNED_FILTERS)));
    return s.to;
}

/* ---- either way ---- */

static int conv3x3(const nk_conv3x3 *p) {
    const maps in = maps_of(p->x, p->n, p->h, p->w, p->c);
    const ptrdiff_t oh = p->h + p->top + p->bottom - 2, ow = p->w + p->left + p->right - 2;
    int failed;
    if (p->method == NK_DIRECT) {
        direct_pass s = {.in = {in, p->n, p->top, p->bottom, p->left, p->right}, .oh = oh, .ow = ow, .f = p->f,
                         .relu = p->relu, .pool = p->pool, .bias = p->bias, .y = p->y, .where = p->where};
        float *weights = kernel_in_panels(p->kernel, p->c, p->f);
        s.weights = weights;
        failed = weights == NULL ? -1 : direct_run(&s);
        nk_give(weights);
    } else {
        winograd_pass s = {.m = p->method, .relu = p->relu, .pool = p->pool, .in = in, .n = p->n, .top = p->top,
                           .left = p->left, .oh = oh, .ow = ow, .f = p->f, .bias = p->bias, .y = p->y,
                           .where = p->where};
        float *u = kernel_at_points(p->method, p->kernel, p->c, p->f, &s.u_slot);
        s.u = u;
        failed = u == NULL ? -1 : winograd_run(&s);
        nk_give(u);
    }
    return failed;
}
