/* Pooling: the largest or the mean of every window of pictures (n, d, h, w, c), vectors along the channels.
 *
 * Forward, a task makes whole rows of the result. Backward, every place of dx gathers from the windows that hold it:
 * so each number is written once, windows may overlap, and no two tasks write to the same place. Padding is no place:
 * windows are cut to the picture.
 */
typedef struct {
    const nk_windows *s;
    ptrdiff_t rows; /* of the result in a task */
} pool_work;

/* Rows in a task, for rows that take `work` loads of a float. */
INLINE ptrdiff_t pool_rows(double work) {
    const double rows = 16384.0 / (work > 1.0 ? work : 1.0);
    return rows < 1.0 ? 1 : (ptrdiff_t)rows;
}

INLINE ptrdiff_t larger(ptrdiff_t a, ptrdiff_t b) { return a > b ? a : b; }
INLINE ptrdiff_t smaller(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

typedef struct {
    ptrdiff_t from, to;
} pool_range;

/* The part of window o that lies in the picture, as places within the window. */
INLINE pool_range pool_inside(const nk_windows *s, int axis, ptrdiff_t o) {
    const ptrdiff_t start = o * s->strides[axis] - s->before[axis];
    return (pool_range){larger(0, -start), smaller(s->size[axis], s->space[axis] - start)};
}

/* The windows that hold place i. */
INLINE pool_range pool_holders(const nk_windows *s, int axis, ptrdiff_t i) {
    const ptrdiff_t stride = s->strides[axis], last = i + s->before[axis], first = last - s->size[axis] + 1;
    return (pool_range){first <= 0 ? 0 : (first + stride - 1) / stride, smaller(last / stride + 1, s->out[axis])};
}

/* The channels of a place: four vectors at a time, then one (the last may overlap the one before), or number by number
 * where there are too few for a vector. `body` gets the first channel and how many vectors; 0 stands for one number. */
#define OVER_CHANNELS(c, body, ...)                                                          \
    do {                                                                                     \
        ptrdiff_t channel = 0;                                                               \
        for (; channel + 4 * VL <= (c); channel += 4 * VL) body(__VA_ARGS__, channel, 4);    \
        for (; channel + VL <= (c); channel += VL) body(__VA_ARGS__, channel, 1);            \
        if (channel < (c) && (c) >= VL) body(__VA_ARGS__, (c) - VL, 1);                      \
        if ((c) < VL)                                                                        \
            for (; channel < (c); channel++) body(__VA_ARGS__, channel, 0);                  \
    } while (0)

/* ---- the largest ---- */

/* NaN counts as the largest, as in NumPy: v takes over unless it is at most `best`, but never from NaN. */
INLINE void take_larger(vf v, int32_t place, vf *best, vi *at) {
    const vi takes = ~(v <= *best) & (*best == *best);
    *best = choose(takes, v, *best);
    *at = (vi)choose(takes, (vf)((vi){0} + place), (vf)*at);
}

/* x: where the window begins, may lie outside of the picture. */
INLINE void max_of_window(const nk_windows *s, const float *x, const pool_range *in, ptrdiff_t y, const ptrdiff_t j,
                          const int vectors) {
    const ptrdiff_t c = s->c, line = s->space[2] * c, plane = s->space[1] * line;
    const int32_t first = (int32_t)((in[0].from * s->size[1] + in[1].from) * s->size[2] + in[2].from);
    float number = -INFINITY;
    int32_t place = first;
    vf best[4];
    vi at[4];
    for (int v = 0; v < vectors; v++) {
        best[v] = splat(-INFINITY);
        at[v] = (vi){0} + first;
    }
    for (ptrdiff_t a = in[0].from; a < in[0].to; a++)
        for (ptrdiff_t b = in[1].from; b < in[1].to; b++) {
            const float *row = x + a * plane + b * line + j;
            const int32_t number_of_row = (int32_t)((a * s->size[1] + b) * s->size[2]);
            for (ptrdiff_t e = in[2].from; e < in[2].to; e++) {
                const float *here = row + e * c;
                const int32_t now = number_of_row + (int32_t)e;
                for (int v = 0; v < vectors; v++) take_larger(load(here + v * VL), now, &best[v], &at[v]);
                if (vectors == 0 && !(*here <= number) && number == number) {
                    number = *here;
                    place = now;
                }
            }
        }
    for (int v = 0; v < vectors; v++) {
        store(s->result + y + j + v * VL, best[v]);
        memcpy(s->places + y + j + v * VL, &at[v], sizeof at[v]);
    }
    if (vectors == 0) {
        s->result[y + j] = number;
        s->places[y + j] = place;
    }
}

/* A window of 2 x 2 without padding: x0 and x1 are its two rows. */
INLINE void max_of_2x2(const float *x0, const float *x1, const ptrdiff_t c, float *y, int32_t *places, const ptrdiff_t j,
                       const int vectors) {
    for (int v = 0; v < vectors; v++) {
        const ptrdiff_t k = j + v * VL;
        vf best = load(x0 + k);
        vi at = (vi){0};
        take_larger(load(x0 + c + k), 1, &best, &at);
        take_larger(load(x1 + k), 2, &best, &at);
        take_larger(load(x1 + c + k), 3, &best, &at);
        store(y + k, best);
        memcpy(places + k, &at, sizeof at);
    }
    if (vectors == 0) {
        const float four[4] = {x0[j], x0[c + j], x1[j], x1[c + j]};
        float number = four[0];
        int32_t place = 0;
        for (int32_t i = 1; i < 4; i++) {
            const int takes = !(four[i] <= number) && number == number;
            number = takes ? four[i] : number;
            place = takes ? i : place;
        }
        y[j] = number;
        places[j] = place;
    }
}

INLINE int is_2x2(const nk_windows *s) {
    return s->size[0] == 1 && s->strides[0] == 1 && s->before[0] == 0 && s->out[0] == s->space[0] && s->size[1] == 2 &&
           s->size[2] == 2 && s->strides[1] == 2 && s->strides[2] == 2 && s->before[1] == 0 && s->before[2] == 0 &&
           2 * s->out[1] <= s->space[1] && 2 * s->out[2] <= s->space[2];
}

static void max_pool_2x2_task(void *ctx, size_t index) {
    const pool_work *work = ctx;
    const nk_windows *s = work->s;
    const ptrdiff_t c = s->c, line = s->space[2] * c, all = s->n * s->out[0] * s->out[1];
    const ptrdiff_t first = (ptrdiff_t)index * work->rows, end = smaller(first + work->rows, all);
    for (ptrdiff_t row = first; row < end; row++) {
        const float *x0 = s->source + (row / s->out[1] * s->space[1] + row % s->out[1] * 2) * line, *x1 = x0 + line;
        float *y = s->result + row * s->out[2] * c;
        int32_t *places = s->places + row * s->out[2] * c;
        for (ptrdiff_t w = 0; w < s->out[2]; w++, x0 += 2 * c, x1 += 2 * c, y += c, places += c)
            OVER_CHANNELS(c, max_of_2x2, x0, x1, c, y, places);
    }
}

/* Calls body(s, start of the window in x, its part inside, place in the result) for every window of the task's rows. */
#define OVER_WINDOWS(work, index, body)                                                                          \
    do {                                                                                                         \
        const nk_windows *s = (work)->s;                                                                         \
        const ptrdiff_t c = s->c, line = s->space[2] * c, plane = s->space[1] * line;                            \
        const ptrdiff_t all = s->n * s->out[0] * s->out[1], first = (ptrdiff_t)(index) * (work)->rows;           \
        const ptrdiff_t end = smaller(first + (work)->rows, all);                                                \
        for (ptrdiff_t row = first; row < end; row++) {                                                          \
            const ptrdiff_t oh = row % s->out[1], od = row / s->out[1] % s->out[0];                              \
            const ptrdiff_t picture = row / s->out[1] / s->out[0];                                               \
            pool_range in[3] = {pool_inside(s, 0, od), pool_inside(s, 1, oh), {0, 0}};                           \
            const ptrdiff_t start = picture * s->space[0] * plane + (od * s->strides[0] - s->before[0]) * plane + \
                                    (oh * s->strides[1] - s->before[1]) * line - s->before[2] * c;               \
            for (ptrdiff_t w = 0; w < s->out[2]; w++) {                                                          \
                in[2] = pool_inside(s, 2, w);                                                                    \
                const float *x = s->source + (start + w * s->strides[2] * c);                                    \
                OVER_CHANNELS(c, body, s, x, in, (row * s->out[2] + w) * c);                                     \
            }                                                                                                    \
        }                                                                                                        \
    } while (0)

static void max_pool_task(void *ctx, size_t index) { OVER_WINDOWS((const pool_work *)ctx, index, max_of_window); }

/* How many tasks make `rows` rows, each of `places` places that look at `looks` others. */
static void pool_region(nk_task task, const nk_windows *s, ptrdiff_t rows, ptrdiff_t places, double looks) {
    pool_work work = {s, pool_rows((double)places * (double)s->c * looks)};
    nk_parallel(task, &work, (size_t)((rows + work.rows - 1) / work.rows));
}

static double pool_looks(const nk_windows *s) { return (double)s->size[0] * (double)s->size[1] * (double)s->size[2]; }

static void max_pool(const nk_windows *s) {
    pool_region(is_2x2(s) ? max_pool_2x2_task : max_pool_task, s, s->n * s->out[0] * s->out[1], s->out[2],
                pool_looks(s));
}

/* ---- the mean ---- */

INLINE void mean_of_window(const nk_windows *s, const float *x, const pool_range *in, ptrdiff_t y, const ptrdiff_t j,
                           const int vectors) {
    const ptrdiff_t c = s->c, line = s->space[2] * c, plane = s->space[1] * line;
    const float count = (float)((in[0].to - in[0].from) * (in[1].to - in[1].from) * (in[2].to - in[2].from));
    float number = 0.0f;
    vf total[4] = {{0}};
    for (ptrdiff_t a = in[0].from; a < in[0].to; a++)
        for (ptrdiff_t b = in[1].from; b < in[1].to; b++) {
            const float *row = x + a * plane + b * line + j;
            /* Row by row: one long float32 sum over a large window would lose digits. */
            float part = 0.0f;
            vf sum[4] = {{0}};
            for (ptrdiff_t e = in[2].from; e < in[2].to; e++) {
                for (int v = 0; v < vectors; v++) sum[v] += load(row + e * c + v * VL);
                if (vectors == 0) part += row[e * c];
            }
            for (int v = 0; v < vectors; v++) total[v] += sum[v];
            number += part;
        }
    for (int v = 0; v < vectors; v++) store(s->result + y + j + v * VL, total[v] / count);
    if (vectors == 0) s->result[y + j] = number / count;
}

static void average_pool_task(void *ctx, size_t index) { OVER_WINDOWS((const pool_work *)ctx, index, mean_of_window); }

static void average_pool(const nk_windows *s) {
    pool_region(average_pool_task, s, s->n * s->out[0] * s->out[1], s->out[2], pool_looks(s));
}

/* ---- backward ---- */

/* One place (at) of dx from its windows: where they say that it was the largest; or its share of each mean. */
INLINE void gather_windows(const nk_windows *s, const ptrdiff_t *at, const pool_range *by, ptrdiff_t picture, float *dx,
                           const int largest, const ptrdiff_t j, const int vectors) {
    const ptrdiff_t c = s->c;
    float number = 0.0f;
    vf sum[4] = {{0}};
    for (ptrdiff_t od = by[0].from; od < by[0].to; od++)
        for (ptrdiff_t oh = by[1].from; oh < by[1].to; oh++)
            for (ptrdiff_t ow = by[2].from; ow < by[2].to; ow++) {
                const ptrdiff_t o = (((picture * s->out[0] + od) * s->out[1] + oh) * s->out[2] + ow) * c + j;
                if (largest) {
                    const ptrdiff_t a = at[0] + s->before[0] - od * s->strides[0];
                    const ptrdiff_t b = at[1] + s->before[1] - oh * s->strides[1];
                    const ptrdiff_t e = at[2] + s->before[2] - ow * s->strides[2];
                    const int32_t place = (int32_t)((a * s->size[1] + b) * s->size[2] + e);
                    for (int v = 0; v < vectors; v++) {
                        vi told;
                        memcpy(&told, s->where + o + v * VL, sizeof told);
                        sum[v] += (vf)((vi)load(s->source + o + v * VL) & (told == place));
                    }
                    if (vectors == 0 && s->where[o] == place) number += s->source[o];
                } else {
                    const pool_range d = pool_inside(s, 0, od), h = pool_inside(s, 1, oh), w = pool_inside(s, 2, ow);
                    const float share = 1.0f / (float)((d.to - d.from) * (h.to - h.from) * (w.to - w.from));
                    for (int v = 0; v < vectors; v++) sum[v] += load(s->source + o + v * VL) * share;
                    if (vectors == 0) number += s->source[o] * share;
                }
            }
    for (int v = 0; v < vectors; v++) store(dx + j + v * VL, sum[v]);
    if (vectors == 0) dx[j] = number;
}

INLINE void backward_rows(const pool_work *work, size_t index, const int largest) {
    const nk_windows *s = work->s;
    const ptrdiff_t c = s->c, all = s->n * s->space[0] * s->space[1];
    const ptrdiff_t first = (ptrdiff_t)index * work->rows, end = smaller(first + work->rows, all);
    for (ptrdiff_t row = first; row < end; row++) {
        ptrdiff_t at[3] = {row / s->space[1] % s->space[0], row % s->space[1], 0};
        pool_range by[3] = {pool_holders(s, 0, at[0]), pool_holders(s, 1, at[1]), {0, 0}};
        const ptrdiff_t picture = row / s->space[1] / s->space[0];
        for (; at[2] < s->space[2]; at[2]++) {
            by[2] = pool_holders(s, 2, at[2]);
            OVER_CHANNELS(c, gather_windows, s, at, by, picture, s->result + (row * s->space[2] + at[2]) * c, largest);
        }
    }
}

static void max_backward_task(void *ctx, size_t index) { backward_rows(ctx, index, 1); }
static void average_backward_task(void *ctx, size_t index) { backward_rows(ctx, index, 0); }

/* A window of 2 x 2 without padding has its four places for itself. */
INLINE void spread_2x2(const float *g, const int32_t *where, const ptrdiff_t c, float *dx0, float *dx1,
                       const ptrdiff_t j, const int vectors) {
    for (int v = 0; v < vectors; v++) {
        const ptrdiff_t k = j + v * VL;
        const vi arrived = (vi)load(g + k);
        vi told;
        memcpy(&told, where + k, sizeof told);
        store(dx0 + k, (vf)(arrived & (told == 0)));
        store(dx0 + c + k, (vf)(arrived & (told == 1)));
        store(dx1 + k, (vf)(arrived & (told == 2)));
        store(dx1 + c + k, (vf)(arrived & (told == 3)));
    }
    if (vectors == 0) {
        dx0[j] = where[j] == 0 ? g[j] : 0.0f;
        dx0[c + j] = where[j] == 1 ? g[j] : 0.0f;
        dx1[j] = where[j] == 2 ? g[j] : 0.0f;
        dx1[c + j] = where[j] == 3 ? g[j] : 0.0f;
    }
}

/* A task takes rows of g; an odd last row or column of dx belongs to no window. */
static void max_backward_2x2_task(void *ctx, size_t index) {
    const pool_work *work = ctx;
    const nk_windows *s = work->s;
    const ptrdiff_t c = s->c, line = s->space[2] * c, all = s->n * s->out[0] * s->out[1];
    const ptrdiff_t rest = s->space[2] - 2 * s->out[2];
    const ptrdiff_t first = (ptrdiff_t)index * work->rows, end = smaller(first + work->rows, all);
    for (ptrdiff_t row = first; row < end; row++) {
        const ptrdiff_t oh = row % s->out[1];
        float *dx0 = s->result + (row / s->out[1] * s->space[1] + oh * 2) * line, *dx1 = dx0 + line;
        if (oh == s->out[1] - 1)
            memset(dx1 + line, 0, (size_t)((s->space[1] - 2 * s->out[1]) * line) * sizeof *dx1);
        const float *g = s->source + row * s->out[2] * c;
        const int32_t *where = s->where + row * s->out[2] * c;
        for (ptrdiff_t w = 0; w < s->out[2]; w++, g += c, where += c, dx0 += 2 * c, dx1 += 2 * c)
            OVER_CHANNELS(c, spread_2x2, g, where, c, dx0, dx1);
        memset(dx0, 0, (size_t)(rest * c) * sizeof *dx0);
        memset(dx1, 0, (size_t)(rest * c) * sizeof *dx1);
    }
}

static void max_pool_backward(const nk_windows *s) {
    if (is_2x2(s))
        pool_region(max_backward_2x2_task, s, s->n * s->out[0] * s->out[1], s->out[2], 4.0);
    else
        pool_region(max_backward_task, s, s->n * s->space[0] * s->space[1], s->space[2], 2.0);
}

static void average_pool_backward(const nk_windows *s) {
    pool_region(average_backward_task, s, s->n * s->space[0] * s->space[1], s->space[2], 2.0);
}
