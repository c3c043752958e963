/* The 3 x 3 convolution's gradients, a group of pictures at a time.
 *
 * For each group: gz, the gradient before activation and pooling, is made in a buffer (pooled: each value goes to the
 * pixel that won), together with its sums for the bias; while it is in cache it feeds the gradient to the input and the
 * gradient to the kernel. Without activation and pooling, gz is g itself. Groups and the parts that are summed apart
 * depend on the sizes alone.
 */
#define GROUP_FLOATS 250000 /* of gz: it should stay in the second-level caches */
#define GROUP_TILES 192     /* at least, in a Winograd gradient to the kernel: each group passes over all of dU */
#define DIRECT_PARTS 16      /* private sums of the direct gradient to the kernel */

typedef struct {
    const nk_conv3x3_backward *p;
    ptrdiff_t oh, ow, first; /* first: picture of the group */
    float *gz, *sums;        /* of the group; each may be NULL */
} gradient_before;

typedef uint8_t vb_any __attribute__((vector_size(VL), aligned(1), may_alias));

INLINE vi load_bytes(const uint8_t *p, ptrdiff_t n) {
    vb bytes = {0};
    if (n >= VL)
        bytes = *(const vb_any *)p;
    else
        memcpy(&bytes, p, (size_t)n);
    return __builtin_convertvector(bytes, vi);
}

/* A row of windows, for the channels from c on: `n` of them, VL or the last few. */
INLINE void pooled_row(const gradient_before *s, ptrdiff_t c, ptrdiff_t n, const float *g, const uint8_t *where,
                       float *top, float *sum) {
    const ptrdiff_t f = s->p->f, row = s->ow * f;
    vf total = {0};
    for (ptrdiff_t x = c; x < s->ow / 2 * f; x += f, top += 2 * f) {
        const vi v = (vi)load_row(g + x, 0, n, 0.0f), place = load_bytes(where + x, n);
        store_row(top, 0, n, (vf)(v & (place == 0)));
        store_row(top + f, 0, n, (vf)(v & (place == 1)));
        store_row(top + row, 0, n, (vf)(v & (place == 2)));
        store_row(top + row + f, 0, n, (vf)(v & (place == 3)));
        total += (vf)(v & (place < 4));
    }
    if (sum) store_row(sum, 0, n, load_row(sum, 0, n, 0.0f) + total);
}

static void pooled_gradient(const gradient_before *s, ptrdiff_t index) {
    const nk_conv3x3_backward *p = s->p;
    const ptrdiff_t f = p->f, ph = s->oh / 2, pw = s->ow / 2, n = s->first + index, row = s->ow * f;
    const float *g = p->g + n * ph * pw * f;
    const uint8_t *where = p->where + n * ph * pw * f;
    float *gz = s->gz + index * s->oh * row, *sum = s->sums ? s->sums + index * f : NULL;
    if (s->oh % 2) memset(gz + (s->oh - 1) * row, 0, (size_t)row * sizeof *gz);
    for (ptrdiff_t y = 0; y < ph; y++, g += pw * f, where += pw * f, gz += 2 * row) {
        for (ptrdiff_t c = 0; c < f; c += VL)
            if (f - c >= VL)
                pooled_row(s, c, VL, g, where, gz + c, sum ? sum + c : NULL);
            else
                pooled_row(s, c, f - c, g, where, gz + c, sum ? sum + c : NULL);
        if (s->ow % 2)
            for (int i = 1; i < 3; i++) memset(gz + i * row - f, 0, (size_t)f * sizeof *gz);
    }
}

/* A row of pixels, likewise. */
INLINE void plain_row(const gradient_before *s, ptrdiff_t n, const float *g, const float *y, float *gz, float *sum) {
    const ptrdiff_t f = s->p->f;
    vf total = {0};
    for (ptrdiff_t x = 0; x < s->ow * f; x += f) {
        vf v = load_row(g + x, 0, n, 0.0f);
        if (s->p->relu) v = (vf)((vi)v & (load_row(y + x, 0, n, 0.0f) > 0.0f));
        if (gz) store_row(gz + x, 0, n, v);
        total += v;
    }
    if (sum) store_row(sum, 0, n, load_row(sum, 0, n, 0.0f) + total);
}

static void plain_gradient(const gradient_before *s, ptrdiff_t index) {
    const nk_conv3x3_backward *p = s->p;
    const ptrdiff_t f = p->f, n = s->first + index;
    for (ptrdiff_t y = 0; y < s->oh; y++)
        for (ptrdiff_t c = 0; c < f; c += VL) {
            const ptrdiff_t here = (n * s->oh + y) * s->ow * f + c;
            const float *g = p->g + here, *made = p->relu ? p->y + here : g;
            float *gz = s->gz ? s->gz + (index * s->oh + y) * s->ow * f + c : NULL;
            float *sum = s->sums ? s->sums + index * f + c : NULL;
            if (f - c >= VL)
                plain_row(s, VL, g, made, gz, sum);
            else
                plain_row(s, f - c, g, made, gz, sum);
        }
}

static void gradient_before_task(void *ctx, size_t index) {
    const gradient_before *s = ctx;
    if (s->sums) memset(s->sums + (ptrdiff_t)index * s->p->f, 0, (size_t)s->p->f * sizeof(float));
    if (s->p->pool)
        pooled_gradient(s, (ptrdiff_t)index);
    else
        plain_gradient(s, (ptrdiff_t)index);
}

/* ---- the direct gradient to the kernel ---- */

typedef struct {
    frame in; /* of one group */
    const float *g;
    ptrdiff_t oh, ow, f;
    float *parts; /* [DIRECT_PARTS][panel][9 c, rounded to MR][NR] */
    ptrdiff_t part_floats;
    int start;
    float *dkernel;
    atomic_int failed;
} direct_gradient;

INLINE ptrdiff_t rounded_taps(ptrdiff_t c) { return (9 * c + MR - 1) / MR * MR; }

/* MR places (inputs at a pixel's pointer + offset) x V vectors of filters += over `lines` rows of `wide` pixels. */
INLINE void direct_gradient_tile(const int V, const ptrdiff_t *offset, const float *const *rows, ptrdiff_t lines,
                                 ptrdiff_t wide, ptrdiff_t c, const float *g, float *sum) {
    vf acc[MR][2];
    _Pragma("GCC unroll 16") for (int i = 0; i < MR; i++) acc[i][0] = acc[i][1] = (vf){0};
    for (ptrdiff_t y = 0; y < lines; y++) {
        const float *p[MR];
        _Pragma("GCC unroll 16") for (int i = 0; i < MR; i++) p[i] = rows[y] + offset[i];
        for (ptrdiff_t x = 0; x < wide; x++, g += NR) {
            const vf w0 = load(g), w1 = V == 2 ? load(g + VL) : w0;
            _Pragma("GCC unroll 16") for (int i = 0; i < MR; i++) {
                const vf a = splat(p[i][x * c]);
                acc[i][0] += a * w0;
                if (V == 2) acc[i][1] += a * w1;
            }
        }
    }
    _Pragma("GCC unroll 16") for (int i = 0; i < MR; i++, sum += NR) {
        store(sum, load(sum) + acc[i][0]);
        if (V == 2) store(sum + VL, load(sum + VL) + acc[i][1]);
    }
}

static void direct_gradient_task(void *ctx, size_t index) {
    direct_gradient *s = ctx;
    const ptrdiff_t c = s->in.in.c, taps = rounded_taps(c), row = frame_row(&s->in), units = s->in.n * s->oh;
    const ptrdiff_t end = cut(units, DIRECT_PARTS, (ptrdiff_t)index + 1);
    float *part = s->parts + (ptrdiff_t)index * s->part_floats;
    if (s->start) memset(part, 0, (size_t)s->part_floats * sizeof *part);
    ptrdiff_t band = DIRECT_PIXELS / s->ow;
    if (band < 1) band = 1;
    float *packed = nk_scratch((size_t)(band * s->ow * NR + (has_frame(&s->in) ? band * 3 * row : 0)) * sizeof(float) +
                               (size_t)taps * sizeof(ptrdiff_t) + (size_t)band * sizeof(const float *));
    if (packed == NULL) {
        atomic_store(&s->failed, 1);
        return;
    }
    ptrdiff_t *offset = (ptrdiff_t *)(packed + band * s->ow * NR);
    const float **rows = (const float **)(offset + taps);
    for (ptrdiff_t i = 0; i < taps; i++) {
        const ptrdiff_t k = i < 9 * c ? i : 9 * c - 1;
        offset[i] = k / (3 * c) * row + k % (3 * c);
    }
    for (ptrdiff_t unit = cut(units, DIRECT_PARTS, (ptrdiff_t)index); unit < end; unit += band) {
        const ptrdiff_t lines = end - unit < band ? end - unit : band;
        lay_rows(&s->in, s->oh, 1, unit, unit + lines, (float *)(rows + band), rows);
        for (ptrdiff_t j = 0; j < s->f; j += NR) {
            const ptrdiff_t width = s->f - j < NR ? s->f - j : NR;
            pack_b(s->g + unit * s->ow * s->f + j, s->f, lines * s->ow, width, packed);
            float *sum = part + j * taps;
            for (ptrdiff_t i = 0; i < taps; i += MR)
                if (width > VL)
                    direct_gradient_tile(2, offset + i, rows, lines, s->ow, c, packed, sum + i * NR);
                else
                    direct_gradient_tile(1, offset + i, rows, lines, s->ow, c, packed, sum + i * NR);
        }
    }
}

/* One channel of one tap: the parts in their order. */
static void direct_gradient_sum(void *ctx, size_t index) {
    const direct_gradient *s = ctx;
    const ptrdiff_t i = (ptrdiff_t)index, taps = rounded_taps(s->in.in.c);
    for (ptrdiff_t f = 0; f < s->f; f += VL) {
        const float *part = s->parts + f / NR * taps * NR + i * NR + f % NR;
        vf sum = load(part);
        for (int k = 1; k < DIRECT_PARTS; k++) sum += load(part + k * s->part_floats);
        store_row(s->dkernel + i * s->f, f, s->f, sum);
    }
}

/* ---- all of it ---- */

/* What lives through all groups. */
typedef struct {
    float *gz, *sums, *turned, *u; /* u: the turned kernel at the points or in panels */
    ptrdiff_t u_slot;
    direct_gradient direct;
    winograd_gradient winograd;
} backward_room;

static void give_room(backward_room *r) {
    float *all[] = {r->gz, r->sums, r->turned, r->u, r->direct.parts, r->winograd.v, r->winograd.p, r->winograd.u,
                    r->winograd.zeros, (float *)r->winograd.places};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) nk_give(all[i]);
}

static int take_rooms(const nk_conv3x3_backward *p, ptrdiff_t pixels, ptrdiff_t group, backward_room *r) {
    int good = 1;
    if (p->relu || p->pool) good &= (r->gz = nk_take((size_t)(group * pixels * p->f) * sizeof(float))) != NULL;
    if (p->dbias) good &= (r->sums = nk_take((size_t)(group * p->f) * sizeof(float))) != NULL;
    if (p->dx) {
        good &= (r->turned = kernel_turned(p->kernel, p->c, p->f)) != NULL;
        if (!good) return 0;
        r->u = p->method_dx == NK_DIRECT ? kernel_in_panels(r->turned, p->f, p->c)
                                         : kernel_at_points(p->method_dx, r->turned, p->f, p->c, &r->u_slot);
        good &= r->u != NULL;
    }
    if (p->dkernel && p->method_dkernel == NK_DIRECT) {
        r->direct.part_floats = panels_of(p->f) * NR * rounded_taps(p->c);
        good &= (r->direct.parts = nk_take((size_t)(DIRECT_PARTS * r->direct.part_floats) * sizeof(float))) != NULL;
    } else if (p->dkernel) {
        r->winograd.m = p->method_dkernel;
        good &= winograd_gradient_begin(&r->winograd, p->c, p->f);
    }
    return good;
}

static int group_dx(const nk_conv3x3_backward *p, const backward_room *r, const maps *g, ptrdiff_t first,
                    ptrdiff_t count) {
    float *dx = p->dx + first * p->h * p->w * p->c;
    if (p->method_dx == NK_DIRECT) {
        direct_pass s = {.in = {*g, count, 2 - p->top, 2 - p->bottom, 2 - p->left, 2 - p->right}, .oh = p->h,
                         .ow = p->w, .f = p->c, .weights = r->u, .y = dx};
        return direct_run(&s);
    }
    winograd_pass s = {.m = p->method_dx, .in = *g, .n = count, .top = 2 - p->top, .left = 2 - p->left, .oh = p->h,
                       .ow = p->w, .f = p->c, .u = r->u, .u_slot = r->u_slot, .y = dx};
    return winograd_run(&s);
}

static int group_dkernel(const nk_conv3x3_backward *p, backward_room *r, const maps *g, ptrdiff_t first,
                         ptrdiff_t count) {
    const maps x = maps_of(p->x + first * p->h * p->w * p->c, count, p->h, p->w, p->c);
    if (p->method_dkernel == NK_DIRECT) {
        direct_gradient *s = &r->direct;
        s->in = (frame){x, count, p->top, p->bottom, p->left, p->right};
        s->g = g->data;
        s->oh = g->h;
        s->ow = g->w;
        s->f = p->f;
        s->start = first == 0;
        atomic_init(&s->failed, 0);
        nk_parallel(direct_gradient_task, s, DIRECT_PARTS);
        return atomic_load(&s->failed) ? -1 : 0;
    }
    winograd_gradient *s = &r->winograd;
    s->x = x;
    s->g = *g;
    s->top = p->top;
    s->left = p->left;
    return winograd_gradient_run(s, count);
}

/* How many groups: looks at sizes only. Without gz there is nothing to keep in cache, and groups are larger. */
static ptrdiff_t groups_of(const nk_conv3x3_backward *p, ptrdiff_t oh, ptrdiff_t ow) {
    ptrdiff_t size = (p->relu || p->pool ? 1 : 4) * GROUP_FLOATS / (oh * ow * p->f);
    if (p->dkernel && p->method_dkernel != NK_DIRECT) {
        const tiling s = cut_in_tiles(p->method_dkernel, oh, ow);
        const ptrdiff_t least = (GROUP_TILES + s.down * s.across - 1) / (s.down * s.across);
        if (size < least) size = least;
    }
    return size < 1 ? p->n : (p->n + size - 1) / size;
}

static int conv3x3_backward(const nk_conv3x3_backward *p) {
    const ptrdiff_t oh = p->h + p->top + p->bottom - 2, ow = p->w + p->left + p->right - 2, pixels = oh * ow;
    if (p->dbias) memset(p->dbias, 0, (size_t)p->f * sizeof(float));
    if (p->n == 0 || pixels == 0 || p->f == 0 || p->c == 0) {
        /* Nothing to sum; a bias alone may still have its gradient (c = 0) below. */
        if (p->dx) memset(p->dx, 0, (size_t)(p->n * p->h * p->w * p->c) * sizeof(float));
        if (p->dkernel) memset(p->dkernel, 0, (size_t)(9 * p->c * p->f) * sizeof(float));
        if (p->n == 0 || pixels == 0 || p->f == 0) return 0;
        nk_conv3x3_backward bias_only = *p;
        bias_only.dx = bias_only.dkernel = NULL;
        bias_only.c = 1;
        return p->dbias ? conv3x3_backward(&bias_only) : 0;
    }
    const int before = p->relu || p->pool;
    const ptrdiff_t groups = groups_of(p, oh, ow);
    backward_room room = {0};
    int failed = take_rooms(p, pixels, (p->n + groups - 1) / groups, &room) ? 0 : -1;
    double *bias = failed || !p->dbias ? NULL : (double *)nk_take((size_t)p->f * sizeof(double));
    if (bias) memset(bias, 0, (size_t)p->f * sizeof(double));
    if (p->dbias && !bias) failed = -1;
    for (ptrdiff_t i = 0; i < groups && !failed; i++) {
        const ptrdiff_t first = cut(p->n, groups, i), count = cut(p->n, groups, i + 1) - first;
        if (before || p->dbias) {
            gradient_before s = {p, oh, ow, first, room.gz, room.sums};
            nk_parallel(gradient_before_task, &s, (size_t)count);
            for (ptrdiff_t k = 0; bias && k < count; k++)
                for (ptrdiff_t f = 0; f < p->f; f++) bias[f] += room.sums[k * p->f + f];
        }
        const maps g = maps_of(before ? room.gz : p->g + first * pixels * p->f, count, oh, ow, p->f);
        if (p->dx) failed |= group_dx(p, &room, &g, first, count);
        if (p->dkernel) failed |= group_dkernel(p, &room, &g, first, count);
    }
    if (!failed && p->dbias)
        for (ptrdiff_t f = 0; f < p->f; f++) p->dbias[f] = (float)bias[f];
    if (!failed && p->dkernel) {
        if (p->method_dkernel == NK_DIRECT) {
            room.direct.dkernel = p->dkernel;
            nk_parallel(direct_gradient_sum, &room.direct, (size_t)(9 * p->c));
        } else {
            winograd_gradient_end(&room.winograd, p->dkernel);
        }
    }
    nk_give(bias);
    give_room(&room);
    return failed;
}
