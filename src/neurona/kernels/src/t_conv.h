/* Convolutions of any shape: patches of a block of pixels, laid side by side, times the kernel.
 *
 * A `sight` is the view that rows of pixels take of a source: along each axis, pixel i of a grid looks at the places
 * i * stride + offset + t * step, t = 0 ... taps - 1. The convolution is one such view. So is, for each remainder of the
 * input position divided by the stride, its gradient to the input: the pixels of one remainder look at the same taps of
 * the output's gradient, one place further for each pixel. Nothing is added to memory that another task writes, and no
 * multiplication with the zeros between strides is done.
 *
 * A task takes blocks of pixels; for each block of k it lays their patches into a thread's own buffer, that the
 * second-level cache holds, and multiplies them tile by tile with the packed kernel. Where the patches lie in the
 * source just so (1 x 1, no stride), they are read in place.
 */
#define BLOCK_PIXELS 96 /* a multiple of every MR */
#define MACS_PER_CONV_TASK 400000.0

typedef struct {
    ptrdiff_t source, grid; /* places there are, pixels there are */
    ptrdiff_t stride, taps, offset, step;
    ptrdiff_t tap, tap_step; /* t = 0 is this tap of the kernel, t = 1 the one tap_step further */
    ptrdiff_t place, places; /* pixel 0 is this pixel of the result, pixel 1 the one `places` further */
    ptrdiff_t result;        /* pixels the result has */
} sight_axis;

typedef struct {
    sight_axis axis[3];
    ptrdiff_t n;
    ptrdiff_t channels, group_channels; /* of the source */
    ptrdiff_t k;                        /* taps x group_channels */
    ptrdiff_t pixels;                   /* in all pictures */
} sight;

typedef struct {
    ptrdiff_t n, d, h, w;
} pixel;

INLINE pixel pixel_at(const sight *s, ptrdiff_t i) {
    pixel p;
    p.w = i % s->axis[2].grid, i /= s->axis[2].grid;
    p.h = i % s->axis[1].grid, i /= s->axis[1].grid;
    p.d = i % s->axis[0].grid;
    p.n = i / s->axis[0].grid;
    return p;
}

INLINE void next_pixel(const sight *s, pixel *p) {
    if (++p->w < s->axis[2].grid) return;
    p->w = 0;
    if (++p->h < s->axis[1].grid) return;
    p->h = 0;
    if (++p->d < s->axis[0].grid) return;
    p->d = 0;
    p->n++;
}

/* The pixel's number in the result. */
INLINE ptrdiff_t result_place(const sight *s, const pixel *p) {
    const sight_axis *a = s->axis;
    return ((p->n * a[0].result + a[0].place + p->d * a[0].places) * a[1].result + a[1].place + p->h * a[1].places) *
               a[2].result + a[2].place + p->w * a[2].places;
}

/* The taps t in [from, end) that meet the source from place `at` on. */
INLINE void taps_inside(const sight_axis *a, ptrdiff_t at, ptrdiff_t *from, ptrdiff_t *end) {
    *from = at < 0 ? (-at + a->step - 1) / a->step : 0;
    *end = a->taps;
    if (at + (a->taps - 1) * a->step >= a->source) *end = at < a->source ? (a->source - 1 - at) / a->step + 1 : 0;
    if (*from > *end) *from = *end;
}

/* n floats of each of `count` pixels, `next` apart in the source and ld apart in the buffer. Whole vectors where the
 * source goes on that far: what is written beyond n is overwritten by what comes next in the pixel's own line, or is the
 * line's slack. */
INLINE void lay_strip(const int vectors, float *to, ptrdiff_t ld, const float *from, ptrdiff_t next, ptrdiff_t n,
                      ptrdiff_t count, const float *source_end) {
    for (; count > 0 && source_end - from >= n + VL; count--, to += ld, from += next) {
        if (vectors == 1)
            store(to, load(from));
        else if (vectors == 2)
            store(to, load(from)), store(to + VL, load(from + VL));
        else
            for (ptrdiff_t j = 0; j < n; j += VL) store(to + j, load(from + j));
    }
    for (; count > 0; count--, to += ld, from += next)
        for (ptrdiff_t j = 0; j < n; j++) to[j] = from[j];
}

static void lay_pieces(float *to, ptrdiff_t ld, const float *from, ptrdiff_t next, ptrdiff_t n, ptrdiff_t count,
                       const float *source_end) {
    if (n <= VL)
        lay_strip(1, to, ld, from, next, n, count, source_end);
    else if (n <= 2 * VL)
        lay_strip(2, to, ld, from, next, n, count, source_end);
    else
        lay_strip(0, to, ld, from, next, n, count, source_end);
}

static void lay_zeros(float *to, ptrdiff_t ld, ptrdiff_t n, ptrdiff_t count) {
    for (; count > 0; count--, to += ld)
        for (ptrdiff_t j = 0; j < n; j += VL) store(to + j, (vf){0});
}

INLINE ptrdiff_t within(ptrdiff_t x, ptrdiff_t low, ptrdiff_t high) { return x < low ? low : (x > high ? high : x); }

/* The pixels [*from, *end) of an axis whose taps all lie inside. */
INLINE void pixels_inside(const sight_axis *a, ptrdiff_t *from, ptrdiff_t *end) {
    const ptrdiff_t room = a->source - 1 - a->offset - (a->taps - 1) * a->step; /* of the last pixel's start */
    *from = a->offset < 0 ? (-a->offset + a->stride - 1) / a->stride : 0;
    *end = room < 0 ? 0 : room / a->stride + 1;
    if (*end > a->grid) *end = a->grid;
    if (*from > *end) *from = *end;
}

/* Columns [k0, k1) of the patches of `count` pixels from `first` on: to[i * ld + k - k0], in lines of patch_line(k1 - k0).
 * Column k is tap k / group_channels, taps in the order of the sight. Pixels of one line of the picture whose taps all lie
 * inside go together. */
static void lay_patches(const sight *s, const float *source, ptrdiff_t group, ptrdiff_t first, ptrdiff_t count,
                        ptrdiff_t k0, ptrdiff_t k1, float *to, ptrdiff_t ld) {
    const sight_axis *ad = &s->axis[0], *ah = &s->axis[1], *aw = &s->axis[2];
    const ptrdiff_t cg = s->group_channels, line = aw->taps * cg, row = aw->source * s->channels;
    const float *source_end = source + s->n * ad->source * ah->source * row;
    const int joined = aw->taps == 1 || (aw->step == 1 && cg == s->channels); /* the taps of a line lie side by side */
    const ptrdiff_t first_line = k0 / line, lines = (k1 + line - 1) / line;
    ptrdiff_t inner_from, inner_end;
    pixels_inside(aw, &inner_from, &inner_end);
    pixel p = pixel_at(s, first);
    while (count > 0) {
        const int inner = p.w >= inner_from && p.w < inner_end;
        ptrdiff_t strip = inner ? inner_end - p.w : 1;
        if (strip > count) strip = count;
        const ptrdiff_t at_w = p.w * aw->stride + aw->offset, at_h = p.h * ah->stride + ah->offset;
        const ptrdiff_t at_d = p.d * ad->stride + ad->offset, next = aw->stride * s->channels;
        ptrdiff_t t0 = 0, t1 = aw->taps;
        if (!inner) taps_inside(aw, at_w, &t0, &t1);
        ptrdiff_t td = first_line / ah->taps, th = first_line % ah->taps;
        float *out = to;
        for (ptrdiff_t l = first_line; l < lines; l++) {
            const ptrdiff_t from = l == first_line ? k0 - l * line : 0, end = l == lines - 1 ? k1 - l * line : line;
            const ptrdiff_t d = at_d + td * ad->step, h = at_h + th * ah->step;
            if (++th == ah->taps) th = 0, td++;
            if (d < 0 || d >= ad->source || h < 0 || h >= ah->source || t0 == t1) {
                lay_zeros(out, ld, end - from, strip);
            } else {
                const ptrdiff_t base = ((p.n * ad->source + d) * ah->source + h) * row + at_w * s->channels + group * cg;
                const ptrdiff_t a = within(t0 * cg, from, end), b = within(t1 * cg, from, end);
                if (a > from) lay_zeros(out, ld, a - from, strip);
                if (joined) {
                    if (b > a) lay_pieces(out + (a - from), ld, source + base + a, next, b - a, strip, source_end);
                } else {
                    for (ptrdiff_t k = a; k < b;) {
                        const ptrdiff_t t = k / cg, c = k - t * cg, size = b - k < cg - c ? b - k : cg - c;
                        lay_pieces(out + (k - from), ld, source + base + t * aw->step * s->channels + c, next, size, strip,
                                   source_end);
                        k += size;
                    }
                }
                if (end > b) lay_zeros(out + (b - from), ld, end - b, strip);
            }
            out += end - from;
        }
        to += strip * ld;
        count -= strip;
        p.w += strip - 1;
        next_pixel(s, &p);
    }
}

/* A line of the buffer: slack for whole vectors, and an odd number of 32-byte pieces, so that a column spreads over all
 * sets of a cache. */
INLINE ptrdiff_t patch_line(ptrdiff_t k) { return ((k + VL + 7) / 8 | 1) * 8; }

/* One view with its kernel, a part of a pass. */
typedef struct {
    sight s;
    float *packed; /* [group][panel][k][NR] */
    ptrdiff_t blocks, k_blocks;
    ptrdiff_t block_parts, panel_parts; /* tasks: groups x block_parts x panel_parts */
    size_t first_task;
    int in_place; /* the patches are the source's own rows */
    int direct;   /* the pixels are the result's own rows */
} conv_part;

typedef struct {
    ptrdiff_t groups, results; /* results: channels of a group */
    ptrdiff_t panels;
    const float *source, *bias;
    int activation;
    float *result;
    /* The kernel as it is stored: (taps, channels of a group, all filters). Turned: the source has the filters. */
    const float *kernel;
    ptrdiff_t kernel_taps[3], kernel_channels, filters;
    int turned;
    conv_part *parts;
    ptrdiff_t count;
    atomic_int failed;
} conv_pass;

/* One panel of one group of one part. */
static void pack_conv_kernel(void *ctx, size_t index) {
    const conv_pass *all = ctx;
    const ptrdiff_t per_part = all->groups * all->panels;
    const conv_part *part = &all->parts[(ptrdiff_t)index / per_part];
    const sight *s = &part->s;
    const ptrdiff_t group = (ptrdiff_t)index % per_part / all->panels, panel = (ptrdiff_t)index % all->panels;
    const ptrdiff_t j = panel * NR, width = all->results - j < NR ? all->results - j : NR;
    float *to = part->packed + (group * all->panels + panel) * s->k * NR;
    const ptrdiff_t filters = all->filters / all->groups;
    for (ptrdiff_t d = 0; d < s->axis[0].taps; d++)
        for (ptrdiff_t h = 0; h < s->axis[1].taps; h++)
            for (ptrdiff_t w = 0; w < s->axis[2].taps; w++) {
                const ptrdiff_t tap = ((s->axis[0].tap + d * s->axis[0].tap_step) * all->kernel_taps[1] +
                                       s->axis[1].tap + h * s->axis[1].tap_step) * all->kernel_taps[2] +
                                      s->axis[2].tap + w * s->axis[2].tap_step;
                const float *from = all->kernel + tap * all->kernel_channels * all->filters + group * filters;
                if (all->turned)
                    pack_b_turned(from + j * all->filters, all->filters, s->group_channels, width, to);
                else
                    pack_b(from + j, all->filters, s->group_channels, width, to);
                to += s->group_channels * NR;
            }
}

/* A block of pixels of one group through some panels. */
static void conv_block(const conv_pass *all, const conv_part *part, ptrdiff_t group, ptrdiff_t block, ptrdiff_t first_panel,
                       ptrdiff_t end_panel, float *buffer) {
    const sight *s = &part->s;
    const ptrdiff_t first = block * BLOCK_PIXELS;
    const ptrdiff_t count = s->pixels - first < BLOCK_PIXELS ? s->pixels - first : BLOCK_PIXELS;
    const ptrdiff_t tile_count = (count + MR - 1) / MR, channels = all->results * all->groups;
    float *c = all->result + first * channels + group * all->results;
    ptrdiff_t ldc = channels;
    if (!part->direct) {
        c = buffer + BLOCK_PIXELS * patch_line(KC) + NR;
        ldc = all->results;
    }
    for (ptrdiff_t kb = 0; kb < part->k_blocks; kb++) {
        const ptrdiff_t k0 = cut(s->k, part->k_blocks, kb), k1 = cut(s->k, part->k_blocks, kb + 1);
        const float *a = all->source + first * s->channels + group * s->group_channels + k0;
        ptrdiff_t lda = s->channels;
        if (!part->in_place) {
            lda = patch_line(k1 - k0);
            lay_patches(s, all->source, group, first, count, k0, k1, buffer, lda);
            a = buffer;
        }
        for (ptrdiff_t panel = first_panel; panel < end_panel; panel++) {
            const ptrdiff_t j = panel * NR, width = all->results - j < NR ? all->results - j : NR;
            const float *b = part->packed + ((group * all->panels + panel) * s->k + k0) * NR;
            tile_end e = {.ldc = ldc,
                          .width = width,
                          .bias = all->bias ? all->bias + group * all->results + j : NULL,
                          .add = kb > 0,
                          .last = kb == part->k_blocks - 1 && (all->bias != NULL || all->activation != NK_LINEAR),
                          .activation = all->activation};
            for (ptrdiff_t t = 0; t < tile_count; t++) {
                const ptrdiff_t i = cut(count, tile_count, t), rows = cut(count, tile_count, t + 1) - i;
                e.c = c + i * ldc + j;
                tiles[rows - 1][1][width > VL](k1 - k0, a + i * lda, lda, b, NR, &e);
            }
        }
    }
    if (part->direct) return;
    const ptrdiff_t j = first_panel * NR, end = end_panel * NR < all->results ? end_panel * NR : all->results;
    pixel p = pixel_at(s, first);
    for (ptrdiff_t i = 0; i < count; i++, next_pixel(s, &p)) {
        float *to = all->result + result_place(s, &p) * channels + group * all->results;
        if (s->k == 0)
            for (ptrdiff_t k = j; k < end; k++) to[k] = 0.0f; /* pixels between the strides that no tap reaches */
        else
            memcpy(to + j, c + i * ldc + j, (size_t)(end - j) * sizeof *to);
    }
}

static void conv_task(void *ctx, size_t index) {
    conv_pass *all = ctx;
    ptrdiff_t low = 0, high = all->count; /* the last part whose first task is not behind this one */
    while (high - low > 1) {
        const ptrdiff_t middle = (low + high) / 2;
        if (all->parts[middle].first_task <= index)
            low = middle;
        else
            high = middle;
    }
    const conv_part *part = &all->parts[low];
    ptrdiff_t number = (ptrdiff_t)(index - part->first_task);
    const ptrdiff_t panel_part = number % part->panel_parts;
    number /= part->panel_parts;
    const ptrdiff_t block_part = number % part->block_parts, group = number / part->block_parts;
    float *buffer = nk_scratch((size_t)(BLOCK_PIXELS * (patch_line(KC) + (part->direct ? 0 : all->results)) + 2 * NR) *
                               sizeof(float));
    if (buffer == NULL) {
        atomic_store(&all->failed, 1);
        return;
    }
    const ptrdiff_t end = cut(part->blocks, part->block_parts, block_part + 1);
    for (ptrdiff_t block = cut(part->blocks, part->block_parts, block_part); block < end; block++)
        conv_block(all, part, group, block, cut(all->panels, part->panel_parts, panel_part),
                   cut(all->panels, part->panel_parts, panel_part + 1), buffer);
}

/* Divides a part into tasks. */
static void plan_conv_part(const conv_pass *all, conv_part *part, int threads) {
    sight *s = &part->s;
    s->k = s->group_channels;
    s->pixels = s->n;
    int plain = 1, own = 1;
    for (int i = 0; i < 3; i++) {
        const sight_axis *a = &s->axis[i];
        s->k *= a->taps;
        s->pixels *= a->grid;
        plain = plain && a->taps == 1 && a->offset == 0 && a->stride == 1 && a->grid == a->source;
        own = own && a->places == 1 && a->place == 0 && a->grid == a->result;
    }
    part->in_place = plain && s->channels % 1024 != 0;
    part->direct = own && s->k > 0;
    part->k_blocks = (s->k + KC - 1) / KC;
    part->blocks = (s->pixels + BLOCK_PIXELS - 1) / BLOCK_PIXELS;
    const double macs = (double)s->pixels * (double)s->k * (double)all->panels * NR;
    double want = macs / MACS_PER_CONV_TASK;
    if (want > 16.0 * threads) want = 16.0 * threads;
    ptrdiff_t parts = (ptrdiff_t)want < 1 ? 1 : (ptrdiff_t)want;
    part->block_parts = parts < part->blocks ? parts : part->blocks;
    const ptrdiff_t least = parts < 2 * threads ? parts : 2 * threads;
    const ptrdiff_t tasks = part->block_parts * all->groups;
    part->panel_parts = tasks > 0 && tasks < least ? (least + tasks - 1) / tasks : 1;
    if (part->panel_parts > all->panels) part->panel_parts = all->panels;
}

static int conv_run(conv_pass *all) {
    const int threads = nk_get_threads();
    size_t tasks = 0, floats = 0;
    for (ptrdiff_t i = 0; i < all->count; i++) {
        conv_part *part = &all->parts[i];
        plan_conv_part(all, part, threads);
        part->first_task = tasks;
        tasks += (size_t)(all->groups * part->block_parts * part->panel_parts);
        floats += (size_t)(all->groups * all->panels * part->s.k * NR);
    }
    float *packed = nk_take(floats * sizeof(float));
    if (packed == NULL) return -1;
    floats = 0;
    for (ptrdiff_t i = 0; i < all->count; i++) {
        all->parts[i].packed = packed + floats;
        floats += (size_t)(all->groups * all->panels * all->parts[i].s.k * NR);
    }
    const size_t packings = (size_t)(all->count * all->groups * all->panels);
    if (floats < 16384)
        for (size_t i = 0; i < packings; i++) pack_conv_kernel(all, i);
    else
        nk_parallel(pack_conv_kernel, all, packings);
    nk_parallel(conv_task, all, tasks);
    nk_give(packed);
    return atomic_load(&all->failed) ? -1 : 0;
}

/* The view of the convolution itself. */
static sight forward_sight(const nk_conv *p) {
    sight s = {.n = p->n, .channels = p->c, .group_channels = p->c / p->groups};
    for (int i = 0; i < 3; i++)
        s.axis[i] = (sight_axis){.source = p->in[i], .grid = p->out[i], .stride = p->stride[i], .taps = p->kernel[i],
                                 .offset = -p->before[i], .step = p->dilation[i], .tap_step = 1, .places = 1,
                                 .result = p->out[i]};
    return s;
}

/* Input position i = phase + stride q meets output (i + before - tap dilation) / stride where that is a whole number. */
static sight_axis backward_axis(const nk_conv *p, int i, ptrdiff_t phase) {
    const ptrdiff_t stride = p->stride[i];
    sight_axis a = {.source = p->out[i], .grid = (p->in[i] - phase + stride - 1) / stride, .stride = 1, .step = 1,
                    .place = phase, .places = stride, .result = p->in[i]};
    for (ptrdiff_t tap = p->kernel[i] - 1; tap >= 0; tap--) {
        const ptrdiff_t at = phase + p->before[i] - tap * p->dilation[i];
        if (at % stride != 0) continue;
        if (a.taps == 0)
            a.tap = tap, a.offset = at / stride;
        else if (a.taps == 1)
            a.tap_step = tap - a.tap, a.step = at / stride - a.offset;
        a.taps++;
    }
    return a;
}

static ptrdiff_t backward_phases(const nk_conv *p, int i) { return p->stride[i] < p->in[i] ? p->stride[i] : p->in[i]; }

static sight backward_sight(const nk_conv *p, ptrdiff_t index) {
    sight s = {.n = p->n, .channels = p->f, .group_channels = p->f / p->groups};
    for (int i = 2; i >= 0; i--) {
        const ptrdiff_t phases = backward_phases(p, i);
        s.axis[i] = backward_axis(p, i, index % phases);
        index /= phases;
    }
    return s;
}

static int conv(const nk_conv *p, const float *x, const float *kernel, const float *bias, int activation, float *y) {
    conv_part part = {.s = forward_sight(p)};
    conv_pass all = {.groups = p->groups, .results = p->f / p->groups, .source = x, .bias = bias,
                     .activation = activation, .result = y, .kernel = kernel, .kernel_channels = p->c / p->groups,
                     .filters = p->f, .parts = &part, .count = 1};
    memcpy(all.kernel_taps, p->kernel, sizeof all.kernel_taps);
    all.panels = (all.results + NR - 1) / NR;
    return conv_run(&all);
}

static int conv_input_view(const nk_conv *p, const float *g, const float *kernel, float *dx) {
    const ptrdiff_t count = backward_phases(p, 0) * backward_phases(p, 1) * backward_phases(p, 2);
    if (count == 0) return 0;
    conv_pass all = {.groups = p->groups, .results = p->c / p->groups, .source = g, .result = dx, .kernel = kernel,
                     .kernel_channels = p->c / p->groups, .filters = p->f, .turned = 1, .count = count};
    memcpy(all.kernel_taps, p->kernel, sizeof all.kernel_taps);
    all.panels = (all.results + NR - 1) / NR;
    all.parts = nk_take((size_t)count * sizeof(conv_part));
    if (all.parts == NULL) return -1;
    for (ptrdiff_t i = 0; i < count; i++) all.parts[i] = (conv_part){.s = backward_sight(p, i)};
    const int failed = conv_run(&all);
    nk_give(all.parts);
    return failed;
}
