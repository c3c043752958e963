/* Depthwise convolutions: each channel with its own kernel, a vector of channels at a time.
 *
 * The view is that of t_conv.h (`sight`), forward and to the input. For a vector of channels, eight neighbouring pixels
 * of a line live in registers while the taps pass; pixels whose taps leave the source are computed one by one. A last
 * vector that is not full is moved back until it is: its channels are computed twice, to the same result. Several
 * filters a channel: the source is laid out with every channel repeated, which makes them one filter a channel.
 */
#define MACS_PER_DEPTHWISE_TASK 100000.0
#define PIXELS_AT_ONCE 8

typedef struct {
    sight s;
    ptrdiff_t taps, lines, parts;
    size_t first_task;
    float *packed; /* [taps][line of the channels] */
} depthwise_part;

typedef struct {
    ptrdiff_t c, line; /* line: channels; fewer than VL are repeated */
    ptrdiff_t floats;  /* of the source */
    const float *source, *bias, *kernel;
    int activation;
    ptrdiff_t kernel_taps[3];
    float *result;
    depthwise_part *parts;
    ptrdiff_t count;
} depthwise_pass;

/* Where the channels of vector v begin. */
INLINE ptrdiff_t vector_start(ptrdiff_t v, ptrdiff_t c) { return c < VL ? 0 : (v * VL + VL <= c ? v * VL : c - VL); }

INLINE vf load_channels(const float *p, ptrdiff_t c) { return c < VL ? load_part(p, c, 0.0f) : load(p); }

/* The taps [d0, d1) x [h0, h1) x [w0, w1) of a pixel; `at`: its place for tap 0, which may lie outside. */
typedef struct {
    ptrdiff_t d0, d1, h0, h1, w0, w1;
} tap_box;

/* Bias and activation of what stays in registers, then y. */
INLINE void depthwise_end(const int R, const int whole, vf *sum, vf bias, int activation, float *y, ptrdiff_t apart,
                          ptrdiff_t c) {
    if (whole && activation <= NK_RELU) {
        _Pragma("GCC unroll 8") for (int i = 0; i < R; i++) {
            const vf z = sum[i] + bias;
            store(y + i * apart, activation == NK_RELU ? relu_vector(z) : z);
        }
        return;
    }
    vf kept[PIXELS_AT_ONCE]; /* in memory: the loop below is not unrolled */
    _Pragma("GCC unroll 8") for (int i = 0; i < R; i++) kept[i] = sum[i];
    for (int i = 0; i < R; i++) {
        const vf z = activate(kept[i] + bias, activation);
        if (whole)
            store(y + i * apart, z);
        else
            for (ptrdiff_t k = 0; k < c; k++) y[i * apart + k] = z[k];
    }
}

/* R neighbouring pixels that share a box. whole: reads and writes of VL channels; else fewer are written, and read one by
 * one unless `reads`. */
INLINE void depthwise_pixels(const int R, const int whole, const int reads, const depthwise_pass *all,
                             const depthwise_part *part, const tap_box *box, ptrdiff_t at, ptrdiff_t j, float *y,
                             ptrdiff_t apart) {
    const sight *s = &part->s;
    const sight_axis *a = s->axis;
    const ptrdiff_t c = all->c, next = a[2].stride * c, step_w = a[2].step * c;
    const ptrdiff_t step_h = a[1].step * a[2].source * c, step_d = a[0].step * a[1].source * a[2].source * c;
    vf sum[PIXELS_AT_ONCE];
    _Pragma("GCC unroll 8") for (int i = 0; i < R; i++) sum[i] = (vf){0};
    for (ptrdiff_t d = box->d0; d < box->d1; d++)
        for (ptrdiff_t h = box->h0; h < box->h1; h++) {
            const float *x = all->source + (at + d * step_d + h * step_h + box->w0 * step_w + j);
            const float *w = part->packed + ((d * a[1].taps + h) * a[2].taps + box->w0) * all->line + j;
            for (ptrdiff_t t = box->w0; t < box->w1; t++, x += step_w, w += all->line) {
                const vf weight = load(w);
                _Pragma("GCC unroll 8") for (int i = 0; i < R; i++)
                    sum[i] += (reads ? load(x + i * next) : load_part(x + i * next, c, 0.0f)) * weight;
            }
        }
    vf bias = (vf){0};
    if (all->bias) bias = whole ? load(all->bias + j) : load_part(all->bias, c, 0.0f);
    depthwise_end(R, whole, sum, bias, all->activation, y + j, apart, c);
}

static void depthwise_8(const depthwise_pass *all, const depthwise_part *part, const tap_box *box, ptrdiff_t at, ptrdiff_t j,
                        float *y, ptrdiff_t apart) {
    depthwise_pixels(8, 1, 1, all, part, box, at, j, y, apart);
}

static void depthwise_4(const depthwise_pass *all, const depthwise_part *part, const tap_box *box, ptrdiff_t at, ptrdiff_t j,
                        float *y, ptrdiff_t apart) {
    depthwise_pixels(4, 1, 1, all, part, box, at, j, y, apart);
}

static void depthwise_1(const depthwise_pass *all, const depthwise_part *part, const tap_box *box, ptrdiff_t at, ptrdiff_t j,
                        float *y, ptrdiff_t apart) {
    const sight_axis *a = part->s.axis;
    if (all->c >= VL) {
        depthwise_pixels(1, 1, 1, all, part, box, at, j, y, apart);
        return;
    }
    const ptrdiff_t last = at + (((box->d1 - 1) * a[0].step * a[1].source + (box->h1 - 1) * a[1].step) * a[2].source +
                                 (box->w1 - 1) * a[2].step) * all->c;
    if (last + VL <= all->floats)
        depthwise_pixels(1, 0, 1, all, part, box, at, j, y, apart);
    else
        depthwise_pixels(1, 0, 0, all, part, box, at, j, y, apart);
}

/* Fewer channels than a vector has lanes, pixels side by side: R vectors of numbers from the line's q-th on, whatever
 * their channels; the weights repeat in memory. */
INLINE void depthwise_flat(const int R, const depthwise_pass *all, const depthwise_part *part, const tap_box *box,
                           ptrdiff_t at, ptrdiff_t q, const float *bias, float *y) {
    const sight_axis *a = part->s.axis;
    const ptrdiff_t c = all->c, step_w = a[2].step * c;
    const ptrdiff_t step_h = a[1].step * a[2].source * c, step_d = a[0].step * a[1].source * a[2].source * c;
    vf sum[4];
    ptrdiff_t phase[4];
    _Pragma("GCC unroll 4") for (int i = 0; i < R; i++) sum[i] = (vf){0}, phase[i] = (q + i * VL) % c;
    for (ptrdiff_t d = box->d0; d < box->d1; d++)
        for (ptrdiff_t h = box->h0; h < box->h1; h++) {
            const float *x = all->source + (at + d * step_d + h * step_h + box->w0 * step_w + q);
            const float *w = part->packed + ((d * a[1].taps + h) * a[2].taps + box->w0) * all->line;
            for (ptrdiff_t t = box->w0; t < box->w1; t++, x += step_w, w += all->line)
                _Pragma("GCC unroll 4") for (int i = 0; i < R; i++) sum[i] += load(x + i * VL) * load(w + phase[i]);
        }
    vf kept[4];
    _Pragma("GCC unroll 4") for (int i = 0; i < R; i++) kept[i] = sum[i];
    for (int i = 0; i < R; i++) store(y + q + i * VL, activate(kept[i] + load(bias + (q + i * VL) % c), all->activation));
}

/* The numbers [from, end) of a line, at least VL of them. */
static void depthwise_flat_line(const depthwise_pass *all, const depthwise_part *part, const tap_box *box, ptrdiff_t at,
                                ptrdiff_t from, ptrdiff_t end, float *y) {
    float bias[2 * VL];
    for (ptrdiff_t k = 0; k < 2 * VL; k++) bias[k] = all->bias ? all->bias[k % all->c] : 0.0f;
    for (ptrdiff_t q = from; q < end;) {
        if (end - q >= 4 * VL) {
            depthwise_flat(4, all, part, box, at, q, bias, y);
            q += 4 * VL;
        } else {
            const ptrdiff_t last = end - q >= VL ? q : end - VL;
            depthwise_flat(1, all, part, box, at, last, bias, y);
            q = last + VL;
        }
    }
}

static void depthwise_line(const depthwise_pass *all, const depthwise_part *part, ptrdiff_t line) {
    const sight *s = &part->s;
    const sight_axis *a = s->axis;
    pixel p = pixel_at(s, line * a[2].grid);
    const ptrdiff_t at_d = p.d * a[0].stride + a[0].offset, at_h = p.h * a[1].stride + a[1].offset;
    tap_box box, inner;
    taps_inside(&a[0], at_d, &box.d0, &box.d1);
    taps_inside(&a[1], at_h, &box.h0, &box.h1);
    inner = box;
    inner.w0 = 0, inner.w1 = a[2].taps;
    const ptrdiff_t c = all->c, apart = a[2].places * c, next = a[2].stride * c;
    const ptrdiff_t at = (((p.n * a[0].source + at_d) * a[1].source + at_h) * a[2].source + a[2].offset) * c;
    float *y = all->result + result_place(s, &p) * c;
    ptrdiff_t from, end;
    pixels_inside(&a[2], &from, &end);
    const ptrdiff_t vectors = (c + VL - 1) / VL;
    if (c < VL && a[2].stride == 1 && a[2].places == 1 && (end - from) * c >= VL)
        depthwise_flat_line(all, part, &inner, at, from * c, end * c, y);
    else if (c < VL || end - from < 4)
        from = end = 0;
    for (ptrdiff_t i = 0; i < a[2].grid;) {
        if (i >= from && i < end && c < VL) {
            i = end; /* done above */
        } else if (i >= from && i < end) {
            /* Eight, or four: the last ones are moved back over pixels that are done, to the same result. */
            const int many = end - i > 4 && end - from >= 8;
            const ptrdiff_t size = many ? 8 : 4, at_once = i + size <= end ? i : end - size;
            for (ptrdiff_t v = 0; v < vectors; v++)
                (many ? depthwise_8 : depthwise_4)(all, part, &inner, at + at_once * next, vector_start(v, c),
                                                   y + at_once * apart, apart);
            i = at_once + size;
        } else {
            taps_inside(&a[2], i * a[2].stride + a[2].offset, &box.w0, &box.w1);
            for (ptrdiff_t v = 0; v < vectors; v++)
                depthwise_1(all, part, &box, at + i * next, vector_start(v, c), y + i * apart, apart);
            i++;
        }
    }
}

static void depthwise_task(void *ctx, size_t index) {
    const depthwise_pass *all = ctx;
    ptrdiff_t i = 0;
    while (i + 1 < all->count && all->parts[i + 1].first_task <= index) i++;
    const depthwise_part *part = &all->parts[i];
    const ptrdiff_t number = (ptrdiff_t)(index - part->first_task), end = cut(part->lines, part->parts, number + 1);
    for (ptrdiff_t line = cut(part->lines, part->parts, number); line < end; line++) depthwise_line(all, part, line);
}

static void pack_depthwise(const depthwise_pass *all, const depthwise_part *part) {
    const sight_axis *a = part->s.axis;
    float *to = part->packed;
    for (ptrdiff_t d = 0; d < a[0].taps; d++)
        for (ptrdiff_t h = 0; h < a[1].taps; h++)
            for (ptrdiff_t w = 0; w < a[2].taps; w++, to += all->line) {
                const ptrdiff_t tap = ((a[0].tap + d * a[0].tap_step) * all->kernel_taps[1] + a[1].tap + h * a[1].tap_step) *
                                          all->kernel_taps[2] + a[2].tap + w * a[2].tap_step;
                memcpy(to, all->kernel + tap * all->c, (size_t)all->c * sizeof *to);
                for (ptrdiff_t k = all->c; k < all->line; k++) to[k] = to[k - all->c];
            }
}

static int depthwise_run(depthwise_pass *all) {
    size_t tasks = 0, floats = 0;
    const sight *first = &all->parts[0].s;
    all->floats = first->n * first->axis[0].source * first->axis[1].source * first->axis[2].source * all->c;
    all->line = all->c < VL ? 2 * VL : all->c;
    for (ptrdiff_t i = 0; i < all->count; i++) {
        depthwise_part *part = &all->parts[i];
        const sight_axis *a = part->s.axis;
        part->taps = a[0].taps * a[1].taps * a[2].taps;
        part->lines = a[2].grid > 0 ? part->s.n * a[0].grid * a[1].grid : 0;
        const double macs = (double)part->lines * (double)a[2].grid * (double)(part->taps + 4) * (double)all->line;
        double parts = macs / MACS_PER_DEPTHWISE_TASK + 1.0;
        if (parts > 16.0 * nk_get_threads()) parts = 16.0 * nk_get_threads();
        part->parts = (ptrdiff_t)parts < part->lines ? (ptrdiff_t)parts : part->lines;
        part->first_task = tasks;
        tasks += (size_t)part->parts;
        floats += (size_t)(part->taps * all->line);
    }
    float *packed = nk_take((floats + VL) * sizeof(float));
    if (packed == NULL) return -1;
    floats = 0;
    for (ptrdiff_t i = 0; i < all->count; i++) {
        all->parts[i].packed = packed + floats;
        floats += (size_t)(all->parts[i].taps * all->line);
        pack_depthwise(all, &all->parts[i]);
    }
    nk_parallel(depthwise_task, all, tasks);
    nk_give(packed);
    return 0;
}

/* ---- several filters a channel ---- */

typedef struct {
    ptrdiff_t pixels, c, times;
    const float *narrow_in, *wide_in;
    float *narrow, *wide;
} repeat_pass;

#define FLOATS_PER_REPEAT 16384

INLINE void repeat_part(const repeat_pass *s, ptrdiff_t first, ptrdiff_t end, const ptrdiff_t times) {
    if (s->wide) {
        for (ptrdiff_t i = first; i < end; i++)
            for (ptrdiff_t m = 0; m < times; m++) s->wide[i * times + m] = s->narrow_in[i];
    } else {
        for (ptrdiff_t i = first; i < end; i++) {
            float sum = 0.0f;
            for (ptrdiff_t m = 0; m < times; m++) sum += s->wide_in[i * times + m];
            s->narrow[i] = sum;
        }
    }
}

static void repeat_task(void *ctx, size_t index) {
    const repeat_pass *s = ctx;
    const ptrdiff_t all = s->pixels * s->c, first = (ptrdiff_t)index * FLOATS_PER_REPEAT;
    const ptrdiff_t end = first + FLOATS_PER_REPEAT < all ? first + FLOATS_PER_REPEAT : all;
    if (s->times == 2)
        repeat_part(s, first, end, 2);
    else if (s->times == 4)
        repeat_part(s, first, end, 4);
    else
        repeat_part(s, first, end, s->times);
}

INLINE void run_repeat(repeat_pass *s) {
    nk_parallel(repeat_task, s, (size_t)((s->pixels * s->c + FLOATS_PER_REPEAT - 1) / FLOATS_PER_REPEAT));
}

/* x with each channel `times` times, in new memory; NULL when that is out. */
static float *repeated(const nk_conv *p, const float *x) {
    repeat_pass s = {.pixels = p->n * p->in[0] * p->in[1] * p->in[2], .c = p->c, .times = p->f / p->c, .narrow_in = x};
    s.wide = nk_take((size_t)(s.pixels * p->f) * sizeof(float));
    if (s.wide != NULL) run_repeat(&s);
    return s.wide;
}

static int depthwise(const nk_conv *p, const float *x, const float *kernel, const float *bias, int activation, float *y) {
    float *wide = NULL;
    if (p->f != p->c && (wide = repeated(p, x)) == NULL) return -1;
    depthwise_part part = {.s = forward_sight(p)};
    depthwise_pass all = {.c = p->f, .source = wide ? wide : x, .bias = bias, .kernel = kernel, .activation = activation,
                          .result = y, .parts = &part, .count = 1};
    memcpy(all.kernel_taps, p->kernel, sizeof all.kernel_taps);
    const int failed = depthwise_run(&all);
    nk_give(wide);
    return failed;
}

static int depthwise_input_gradient(const nk_conv *p, const float *g, const float *kernel, float *dx) {
    const ptrdiff_t count = backward_phases(p, 0) * backward_phases(p, 1) * backward_phases(p, 2);
    if (count == 0) return 0;
    depthwise_pass all = {.c = p->f, .source = g, .kernel = kernel, .result = dx, .count = count};
    memcpy(all.kernel_taps, p->kernel, sizeof all.kernel_taps);
    repeat_pass narrow = {.pixels = p->n * p->in[0] * p->in[1] * p->in[2], .c = p->c, .times = p->f / p->c, .narrow = dx};
    float *wide = NULL;
    if (p->f != p->c) {
        wide = nk_take((size_t)(narrow.pixels * p->f) * sizeof(float));
        if (wide == NULL) return -1;
        all.result = wide;
        narrow.wide_in = wide;
    }
    int failed = -1;
    all.parts = nk_take((size_t)count * sizeof(depthwise_part));
    if (all.parts != NULL) {
        for (ptrdiff_t i = 0; i < count; i++) all.parts[i] = (depthwise_part){.s = backward_sight(p, i)};
        failed = depthwise_run(&all);
        if (!failed && wide) run_repeat(&narrow);
        nk_give(all.parts);
    }
    nk_give(wide);
    return failed;
}

/* ---- to the kernel ---- */

typedef struct {
    sight s;
    ptrdiff_t c, line, lines, chunks; /* line: channels in whole vectors; flat: c vectors */
    int flat;
    const float *x, *g;
    float *sums; /* [chunk][tap][vector] */
    float *dkernel;
} depthwise_kernel_pass;

/* sums[T] += over the pixels [from, end) of x (T neighbouring taps) times g; whole: all lanes exist. */
INLINE void depthwise_sums(const int T, const int whole, const float *x, ptrdiff_t next, ptrdiff_t tap, const float *g,
                           ptrdiff_t c, ptrdiff_t count, float *sums, ptrdiff_t line) {
    vf sum[4][2];
    _Pragma("GCC unroll 4") for (int t = 0; t < T; t++) sum[t][0] = sum[t][1] = (vf){0};
    ptrdiff_t i = 0;
    for (; i + 2 <= count; i += 2, x += 2 * next, g += 2 * c) {
        const vf g0 = whole ? load(g) : load_part(g, c, 0.0f), g1 = whole ? load(g + c) : load_part(g + c, c, 0.0f);
        _Pragma("GCC unroll 4") for (int t = 0; t < T; t++) {
            const float *at = x + t * tap;
            sum[t][0] += (whole ? load(at) : load_part(at, c, 0.0f)) * g0;
            sum[t][1] += (whole ? load(at + next) : load_part(at + next, c, 0.0f)) * g1;
        }
    }
    if (i < count) {
        const vf g0 = whole ? load(g) : load_part(g, c, 0.0f);
        _Pragma("GCC unroll 4") for (int t = 0; t < T; t++) {
            const float *at = x + t * tap;
            sum[t][0] += (whole ? load(at) : load_part(at, c, 0.0f)) * g0;
        }
    }
    _Pragma("GCC unroll 4") for (int t = 0; t < T; t++)
        store(sums + t * line, load(sums + t * line) + (sum[t][0] + sum[t][1]));
}

/* Fewer channels than lanes, pixels side by side: `count` numbers of x times those of g; sums is c vectors, which hold the
 * channels as they come, again and again. */
static void depthwise_flat_sums(const float *x, const float *g, ptrdiff_t count, ptrdiff_t c, float *sums) {
    const ptrdiff_t period = c * VL;
    ptrdiff_t q = 0;
    for (ptrdiff_t m = 0; m < c; m++) {
        vf sum[2] = {{0}, {0}};
        ptrdiff_t i = m * VL;
        for (; i + period + VL <= count; i += 2 * period) {
            sum[0] += load(x + i) * load(g + i);
            sum[1] += load(x + i + period) * load(g + i + period);
        }
        if (i + VL <= count) sum[0] += load(x + i) * load(g + i);
        store(sums + m * VL, load(sums + m * VL) + (sum[0] + sum[1]));
    }
    for (q = count / VL * VL; q < count; q++) sums[q % period] += x[q] * g[q];
}

/* The pixels [*from, *end) that meet the source with tap t. */
INLINE void pixels_of_tap(const sight_axis *a, ptrdiff_t t, ptrdiff_t *from, ptrdiff_t *end) {
    const ptrdiff_t offset = a->offset + t * a->step, room = a->source - 1 - offset;
    *from = offset < 0 ? (-offset + a->stride - 1) / a->stride : 0;
    *end = room < 0 ? 0 : room / a->stride + 1;
    if (*end > a->grid) *end = a->grid;
    if (*from > *end) *from = *end;
}

static void depthwise_kernel_line(const depthwise_kernel_pass *all, ptrdiff_t number, float *sums) {
    const sight *s = &all->s;
    const sight_axis *a = s->axis;
    const pixel p = pixel_at(s, number * a[2].grid);
    const ptrdiff_t c = all->c, next = a[2].stride * c, tap = a[2].step * c;
    const float *g = all->g + number * a[2].grid * c;
    ptrdiff_t inner_from, inner_end;
    pixels_inside(&a[2], &inner_from, &inner_end);
    for (ptrdiff_t td = 0; td < a[0].taps; td++)
        for (ptrdiff_t th = 0; th < a[1].taps; th++) {
            const ptrdiff_t d = p.d * a[0].stride + a[0].offset + td * a[0].step;
            const ptrdiff_t h = p.h * a[1].stride + a[1].offset + th * a[1].step;
            if (d < 0 || d >= a[0].source || h < 0 || h >= a[1].source) continue;
            const ptrdiff_t at = (((p.n * a[0].source + d) * a[1].source + h) * a[2].source + a[2].offset) * c;
            float *out = sums + (td * a[1].taps + th) * a[2].taps * all->line;
            if (all->flat) {
                for (ptrdiff_t t = 0; t < a[2].taps; t++) {
                    ptrdiff_t from, end;
                    pixels_of_tap(&a[2], t, &from, &end);
                    if (end > from)
                        depthwise_flat_sums(all->x + (at + from * c + t * tap), g + from * c, (end - from) * c, c,
                                            out + t * all->line);
                }
                continue;
            }
            for (ptrdiff_t v = 0; v < all->line / VL; v++) {
                const ptrdiff_t j = vector_start(v, c);
                for (ptrdiff_t t = 0; t < a[2].taps;) {
                    /* Taps together over the pixels where all lie inside; then each over its own rest. */
                    const ptrdiff_t left = a[2].taps - t;
                    const int many = c >= VL && inner_end > inner_from ? (left >= 4 ? 4 : (left == 3 ? 3 : 1)) : 1;
                    if (many > 1) {
                        const float *x = all->x + (at + inner_from * next + t * tap + j);
                        const float *from = g + inner_from * c + j;
                        float *to = out + t * all->line + v * VL;
                        if (many == 4)
                            depthwise_sums(4, 1, x, next, tap, from, c, inner_end - inner_from, to, all->line);
                        else
                            depthwise_sums(3, 1, x, next, tap, from, c, inner_end - inner_from, to, all->line);
                    }
                    for (int k = 0; k < many; k++, t++) {
                        ptrdiff_t from, end;
                        pixels_of_tap(&a[2], t, &from, &end);
                        const ptrdiff_t cuts[2][2] = {{from, many > 1 ? inner_from : end}, {inner_end, many > 1 ? end : inner_end}};
                        for (int side = 0; side < 2; side++) {
                            const ptrdiff_t first = cuts[side][0], count = cuts[side][1] - first;
                            if (count <= 0) continue;
                            const float *x = all->x + (at + first * next + t * tap + j);
                            float *to = out + t * all->line + v * VL;
                            if (c >= VL)
                                depthwise_sums(1, 1, x, next, tap, g + first * c + j, c, count, to, all->line);
                            else
                                depthwise_sums(1, 0, x, next, tap, g + first * c, c, count, to, all->line);
                        }
                    }
                }
            }
        }
}

static void depthwise_kernel_task(void *ctx, size_t index) {
    const depthwise_kernel_pass *all = ctx;
    const sight_axis *a = all->s.axis;
    const ptrdiff_t size = a[0].taps * a[1].taps * a[2].taps * all->line, chunk = (ptrdiff_t)index;
    float *sums = all->sums + chunk * size;
    memset(sums, 0, (size_t)size * sizeof *sums);
    const ptrdiff_t end = cut(all->lines, all->chunks, chunk + 1);
    for (ptrdiff_t i = cut(all->lines, all->chunks, chunk); i < end; i++) depthwise_kernel_line(all, i, sums);
}

static int depthwise_kernel_gradient(const nk_conv *p, const float *g, const float *x, float *dkernel) {
    depthwise_kernel_pass all = {.s = forward_sight(p), .c = p->f, .line = (p->f + VL - 1) / VL * VL, .x = x, .g = g,
                                 .dkernel = dkernel, .lines = p->n * p->out[0] * p->out[1]};
    all.flat = p->f < VL && p->stride[2] == 1;
    if (all.flat) all.line = p->f * VL;
    const ptrdiff_t taps = p->kernel[0] * p->kernel[1] * p->kernel[2], size = taps * all.line;
    if (all.lines == 0 || p->out[2] == 0) {
        memset(dkernel, 0, (size_t)(taps * p->f) * sizeof(float));
        return 0;
    }
    float *wide = NULL;
    if (p->f != p->c) {
        if ((wide = repeated(p, x)) == NULL) return -1;
        all.x = wide;
    }
    const double macs = (double)all.lines * (double)p->out[2] * (double)size;
    double chunks = macs / (4.0 * MACS_PER_DEPTHWISE_TASK) + 1.0;
    if (chunks > 32.0) chunks = 32.0;
    all.chunks = (ptrdiff_t)chunks < all.lines ? (ptrdiff_t)chunks : all.lines;
    all.sums = nk_take((size_t)(all.chunks * size) * sizeof(float));
    if (all.sums != NULL) {
        nk_parallel(depthwise_kernel_task, &all, (size_t)all.chunks);
        for (ptrdiff_t i = 1; i < all.chunks; i++)
            for (ptrdiff_t k = 0; k < size; k++) all.sums[k] += all.sums[i * size + k];
        for (ptrdiff_t t = 0; t < taps; t++) {
            float *to = dkernel + t * p->f;
            const float *from = all.sums + t * all.line;
            if (all.flat) {
                memcpy(to, from, (size_t)p->f * sizeof(float));
                for (ptrdiff_t k = p->f; k < all.line; k++) to[k % p->f] += from[k];
            } else {
                for (ptrdiff_t v = 0; v < all.line / VL; v++)
                    memcpy(to + vector_start(v, p->f), from + v * VL, (size_t)(p->f < VL ? p->f : VL) * sizeof(float));
            }
        }
    }
    nk_give(wide);
    nk_give(all.sums);
    return all.sums == NULL ? -1 : 0;
}
