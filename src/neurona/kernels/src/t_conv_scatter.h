/* The convolution's gradient to an input of few channels (colours): the vectors of t_conv.h's view would be mostly empty.
 *
 * Here the product has a column for every (tap, channel): g's pixels times the turned kernel give what each pixel sends to
 * each place it saw, and that is added up in the input's gradient. A task owns a band of one picture's rows and
 * computes all pixels that reach it, in their order, so each sum has one order however the bands are cut.
 */
typedef struct {
    const nk_conv *p;
    const float *g;
    float *dx, *packed; /* packed: [group][panel][filter][NR] */
    const float *kernel;
    sight s;                   /* the forward view */
    ptrdiff_t columns, panels; /* of a group: taps x channels */
    int axis;                  /* that is cut into bands */
    ptrdiff_t bands, block;    /* block: pixels of a product */
    atomic_int failed;
} scatter_pass;

static void pack_scatter_kernel(void *ctx, size_t index) {
    const scatter_pass *all = ctx;
    const ptrdiff_t group = (ptrdiff_t)index / all->panels, panel = (ptrdiff_t)index % all->panels;
    const ptrdiff_t filters = all->p->f / all->p->groups, j = panel * NR;
    const ptrdiff_t width = all->columns - j < NR ? all->columns - j : NR;
    pack_b_turned(all->kernel + j * all->p->f + group * filters, all->p->f, filters, width,
                  all->packed + (ptrdiff_t)index * filters * NR);
}

INLINE vi lanes_below(ptrdiff_t n) {
    vi lane = {0};
    _Pragma("GCC unroll 16") for (int i = 0; i < VL; i++) lane[i] = i;
    return lane < (int32_t)n;
}

/* to[0 ... n - 1] += from; `room`: floats from `to` on that are the task's own, to which zeros may be added. */
INLINE void add_run(float *to, const float *from, ptrdiff_t n, ptrdiff_t room) {
    ptrdiff_t j = 0;
    for (; j + VL <= n; j += VL) store(to + j, load(to + j) + load(from + j));
    if (j == n) return;
    if (j + VL <= room)
        store(to + j, load(to + j) + (vf)((vi)load(from + j) & lanes_below(n - j)));
    else
        for (; j < n; j++) to[j] += from[j];
}

/* Adds what pixel p of g sends to the places whose number along the cut axis is in [low, high). */
static void scatter_pixel(const scatter_pass *all, const pixel *p, ptrdiff_t group, const float *columns, ptrdiff_t low,
                          ptrdiff_t high) {
    const sight_axis *a = all->s.axis;
    const ptrdiff_t cg = all->s.group_channels, c = all->s.channels, line = a[2].taps * cg;
    const int joined = a[2].step == 1 && cg == c;
    const ptrdiff_t at_d = p->d * a[0].stride + a[0].offset, at_h = p->h * a[1].stride + a[1].offset;
    const ptrdiff_t at_w = p->w * a[2].stride + a[2].offset;
    ptrdiff_t t0, t1;
    taps_inside(&a[2], at_w, &t0, &t1);
    const ptrdiff_t d_low = all->axis == 0 ? low : 0, d_high = all->axis == 0 ? high : a[0].source;
    const ptrdiff_t h_low = all->axis == 1 ? low : 0, h_high = all->axis == 1 ? high : a[1].source;
    for (ptrdiff_t td = 0; td < a[0].taps; td++) {
        const ptrdiff_t d = at_d + td * a[0].step;
        if (d < d_low || d >= d_high) {
            columns += a[1].taps * line;
            continue;
        }
        for (ptrdiff_t th = 0; th < a[1].taps; th++, columns += line) {
            const ptrdiff_t h = at_h + th * a[1].step;
            if (h < h_low || h >= h_high) continue;
            const ptrdiff_t base = (((p->n * a[0].source + d) * a[1].source + h) * a[2].source + at_w) * c + group * cg;
            if (joined) {
                if (t1 > t0) add_run(all->dx + (base + t0 * c), columns + t0 * c, (t1 - t0) * c, (a[2].source - at_w - t0) * c);
            } else {
                for (ptrdiff_t t = t0; t < t1; t++)
                    for (ptrdiff_t k = 0; k < cg; k++) all->dx[base + t * a[2].step * c + k] += columns[t * cg + k];
            }
        }
    }
}

/* Pixels [first, end) of g: their product, and where it goes. */
static void scatter_pixels(const scatter_pass *all, ptrdiff_t first, ptrdiff_t end, ptrdiff_t low, ptrdiff_t high,
                           float *buffer) {
    const ptrdiff_t f = all->p->f, filters = f / all->p->groups, ld = patch_line(all->columns);
    const ptrdiff_t k_blocks = (filters + KC - 1) / KC;
    for (; first < end; first += all->block) {
        const ptrdiff_t count = end - first < all->block ? end - first : all->block, tile_count = (count + MR - 1) / MR;
        for (ptrdiff_t group = 0; group < all->p->groups; group++) {
            for (ptrdiff_t kb = 0; kb < k_blocks; kb++) {
                const ptrdiff_t k0 = cut(filters, k_blocks, kb), k1 = cut(filters, k_blocks, kb + 1);
                for (ptrdiff_t panel = 0; panel < all->panels; panel++) {
                    const ptrdiff_t j = panel * NR;
                    const float *b = all->packed + ((group * all->panels + panel) * filters + k0) * NR;
                    tile_end e = {.ldc = ld, .width = all->columns - j < NR ? all->columns - j : NR, .add = kb > 0};
                    for (ptrdiff_t t = 0; t < tile_count; t++) {
                        const ptrdiff_t i = cut(count, tile_count, t), rows = cut(count, tile_count, t + 1) - i;
                        e.c = buffer + i * ld + j;
                        tiles[rows - 1][1][e.width > VL](k1 - k0, all->g + (first + i) * f + group * filters + k0, f, b, NR,
                                                         &e);
                    }
                }
            }
            pixel p = pixel_at(&all->s, first);
            for (ptrdiff_t i = 0; i < count; i++, next_pixel(&all->s, &p))
                scatter_pixel(all, &p, group, buffer + i * ld, low, high);
        }
    }
}

static void scatter_task(void *ctx, size_t index) {
    scatter_pass *all = ctx;
    const sight_axis *a = all->s.axis, *b = &a[all->axis];
    const ptrdiff_t n = (ptrdiff_t)index / all->bands, band = (ptrdiff_t)index % all->bands;
    const ptrdiff_t low = cut(b->source, all->bands, band), high = cut(b->source, all->bands, band + 1);
    float *buffer = nk_scratch((size_t)(all->block * patch_line(all->columns) + NR) * sizeof(float));
    if (buffer == NULL) {
        atomic_store(&all->failed, 1);
        return;
    }
    const ptrdiff_t row = a[2].source * all->s.channels;
    /* The band of each d, or all of [low, high). */
    const ptrdiff_t pieces = all->axis == 1 ? a[0].source : 1;
    const ptrdiff_t rows = all->axis == 1 ? high - low : (high - low) * a[1].source;
    for (ptrdiff_t d = 0; d < pieces; d++) {
        const ptrdiff_t at = all->axis == 1 ? (n * a[0].source + d) * a[1].source + low : (n * a[0].source + low) * a[1].source;
        memset(all->dx + at * row, 0, (size_t)(rows * row) * sizeof(float));
    }
    /* The pixels along the cut axis that reach the band. */
    ptrdiff_t from = low - b->offset - (b->taps - 1) * b->step, end = high - 1 - b->offset;
    from = from <= 0 ? 0 : (from + b->stride - 1) / b->stride;
    end = end < 0 ? 0 : end / b->stride + 1;
    if (end > b->grid) end = b->grid;
    if (from >= end) return;
    if (all->axis == 0) {
        const ptrdiff_t plane = a[1].grid * a[2].grid;
        scatter_pixels(all, (n * a[0].grid + from) * plane, (n * a[0].grid + end) * plane, low, high, buffer);
    } else {
        for (ptrdiff_t d = 0; d < a[0].grid; d++) {
            const ptrdiff_t plane = (n * a[0].grid + d) * a[1].grid;
            scatter_pixels(all, (plane + from) * a[2].grid, (plane + end) * a[2].grid, low, high, buffer);
        }
    }
}

static int conv_input_scatter(const nk_conv *p, const float *g, const float *kernel, float *dx) {
    scatter_pass all = {.p = p, .g = g, .dx = dx, .kernel = kernel, .s = forward_sight(p)};
    all.columns = p->kernel[0] * p->kernel[1] * p->kernel[2] * all.s.group_channels;
    all.panels = (all.columns + NR - 1) / NR;
    all.axis = p->in[0] > 1 ? 0 : 1;
    all.block = 65536 / patch_line(all.columns) / MR * MR;
    if (all.block < MR) all.block = MR;
    if (all.block > BLOCK_PIXELS) all.block = BLOCK_PIXELS;
    const sight_axis *b = &all.s.axis[all.axis];
    const double macs = (double)p->out[0] * (double)p->out[1] * (double)p->out[2] * (double)all.columns * (double)p->f;
    const double wanted = macs / MACS_PER_CONV_TASK;
    const ptrdiff_t most = b->source / (2 * ((b->taps - 1) * b->step + 1)); /* little is computed twice */
    all.bands = wanted < 1.0 || most < 1 ? 1 : (wanted < (double)most ? (ptrdiff_t)wanted : most);
    all.packed = nk_take((size_t)(all.panels * p->f * NR) * sizeof(float));
    if (all.packed == NULL) return -1;
    for (ptrdiff_t i = 0; i < all.panels * p->groups; i++) pack_scatter_kernel(&all, (size_t)i);
    nk_parallel(scatter_task, &all, (size_t)(p->n * all.bands));
    nk_give(all.packed);
    return atomic_load(&all.failed) ? -1 : 0;
}

static int conv_input_gradient(const nk_conv *p, const float *g, const float *kernel, float *dx) {
    const ptrdiff_t taps = p->kernel[0] * p->kernel[1] * p->kernel[2], channels = p->c / p->groups;
    if (channels < VL && taps > 1 && p->f / p->groups >= 4) return conv_input_scatter(p, g, kernel, dx);
    return conv_input_view(p, g, kernel, dx);
}
