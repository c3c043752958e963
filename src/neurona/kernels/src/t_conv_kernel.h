/* The way back through a convolution's activation and to its kernel.
 *
 * dkernel = patches^T @ g, summed over all pixels. The pixels are cut into chunks, the patches' columns into blocks; a
 * task lays the patches of PIXELS_PER_SUM pixels into its buffer and adds their product with g, turned, to the chunk's
 * own sum, [filter][k]. The chunks are then added in their order. How many there are follows from the sizes alone.
 */
#define PIXELS_PER_SUM 192
#define FILTERS_PER_SLICE (120 / MR * MR)
#define MOST_CHUNK_BYTES ((double)(32 << 20))

typedef struct {
    sight s;
    ptrdiff_t groups, filters; /* filters: of a group */
    ptrdiff_t k_blocks, blocks, chunks;
    const float *x, *g;
    float *sums; /* [chunk][group][filter][k] */
    float *dkernel;
    atomic_int failed;
} kernel_pass;

/* to[tile][p][rows of the tile] = g[p * ld + filter], some pixels at a time, which stay in the first-level cache. */
static void pack_filters(const float *g, ptrdiff_t ld, ptrdiff_t count, ptrdiff_t filters, float *to) {
    const ptrdiff_t tile_count = (filters + MR - 1) / MR;
    for (ptrdiff_t p0 = 0; p0 < count; p0 += 16) {
        const ptrdiff_t end = p0 + 16 < count ? p0 + 16 : count;
        for (ptrdiff_t t = 0; t < tile_count; t++) {
            const ptrdiff_t i = cut(filters, tile_count, t), rows = cut(filters, tile_count, t + 1) - i;
            const float *from = g + p0 * ld + i;
            float *out = to + i * count + p0 * rows;
            ptrdiff_t p = p0;
            /* A whole vector where it fits: what is beyond the tile's rows is overwritten by the next pixel. The last
             * are exact, so that nothing is read behind g or written over the next tile's first pixels. */
            if (rows <= VL)
                for (; p < end - 1 && (count - p - 1) * ld + rows >= VL && (end - p) * rows >= VL;
                     p++, from += ld, out += rows)
                    store(out, load(from));
            for (; p < end; p++, from += ld, out += rows)
                for (ptrdiff_t r = 0; r < rows; r++) out[r] = from[r];
        }
    }
}

static void kernel_task(void *ctx, size_t index) {
    kernel_pass *all = ctx;
    const sight *s = &all->s;
    const ptrdiff_t kb = (ptrdiff_t)index % all->k_blocks, group = (ptrdiff_t)index / all->k_blocks % all->groups;
    const ptrdiff_t chunk = (ptrdiff_t)index / all->k_blocks / all->groups;
    const ptrdiff_t k0 = cut(s->k, all->k_blocks, kb), k1 = cut(s->k, all->k_blocks, kb + 1), width = k1 - k0;
    const ptrdiff_t ld = patch_line(width), channels = all->filters * all->groups;
    float *patches = nk_scratch((size_t)(PIXELS_PER_SUM * (patch_line(KC) + FILTERS_PER_SLICE) + 2 * NR) * sizeof(float));
    if (patches == NULL) {
        atomic_store(&all->failed, 1);
        return;
    }
    float *turned = patches + PIXELS_PER_SUM * ld + NR;
    float *sums = all->sums + (chunk * all->groups + group) * all->filters * s->k + k0;
    const ptrdiff_t first_block = cut(all->blocks, all->chunks, chunk), end_block = cut(all->blocks, all->chunks, chunk + 1);
    for (ptrdiff_t block = first_block; block < end_block; block++) {
        const ptrdiff_t first = block * PIXELS_PER_SUM;
        const ptrdiff_t count = s->pixels - first < PIXELS_PER_SUM ? s->pixels - first : PIXELS_PER_SUM;
        lay_patches(s, all->x, group, first, count, k0, k1, patches, ld);
        /* The tiles read whole vectors: what lies behind a patch must be numbers. */
        if (width % NR != 0)
            for (ptrdiff_t i = 0; i < count; i++)
                for (ptrdiff_t k = width; k < (width + NR - 1) / NR * NR; k++) patches[i * ld + k] = 0.0f;
        for (ptrdiff_t f0 = 0; f0 < all->filters; f0 += FILTERS_PER_SLICE) {
            const ptrdiff_t filters = all->filters - f0 < FILTERS_PER_SLICE ? all->filters - f0 : FILTERS_PER_SLICE;
            const ptrdiff_t tile_count = (filters + MR - 1) / MR;
            pack_filters(all->g + first * channels + group * all->filters + f0, channels, count, filters, turned);
            for (ptrdiff_t j = 0; j < width; j += NR) {
                tile_end e = {.ldc = s->k, .width = width - j < NR ? width - j : NR, .add = block > first_block};
                for (ptrdiff_t t = 0; t < tile_count; t++) {
                    const ptrdiff_t i = cut(filters, tile_count, t), rows = cut(filters, tile_count, t + 1) - i;
                    e.c = sums + (f0 + i) * s->k + j;
                    tiles[rows - 1][0][e.width > VL](count, turned + i * count, rows, patches + j, ld, &e);
                }
            }
        }
    }
}

#define FILTERS_PER_TURN 4

/* Adds the chunks of four filters and turns them into columns of the kernel. */
static void kernel_end_task(void *ctx, size_t index) {
    const kernel_pass *all = ctx;
    const ptrdiff_t k = all->s.k, quads = (all->filters + FILTERS_PER_TURN - 1) / FILTERS_PER_TURN;
    const ptrdiff_t group = (ptrdiff_t)index / quads, f = (ptrdiff_t)index % quads * FILTERS_PER_TURN;
    const ptrdiff_t filters = all->filters - f < FILTERS_PER_TURN ? all->filters - f : FILTERS_PER_TURN;
    const ptrdiff_t channels = all->filters * all->groups, apart = channels * k;
    float *sum = all->sums + (group * all->filters + f) * k;
    for (ptrdiff_t chunk = 1; chunk < all->chunks; chunk++)
        for (ptrdiff_t j = 0; j < filters * k; j++) sum[j] += sum[chunk * apart + j];
    float *to = all->dkernel + group * all->filters + f;
    if (filters == 4)
        turn4(sum, k, k, to, channels);
    else
        for (ptrdiff_t j = 0; j < k; j++)
            for (ptrdiff_t i = 0; i < filters; i++) to[j * channels + i] = sum[i * k + j];
}

static int conv_kernel_gradient(const nk_conv *p, const float *g, const float *x, float *dkernel) {
    kernel_pass all = {.s = forward_sight(p), .groups = p->groups, .filters = p->f / p->groups, .x = x, .g = g,
                       .dkernel = dkernel};
    sight *s = &all.s;
    s->k = s->group_channels * p->kernel[0] * p->kernel[1] * p->kernel[2];
    s->pixels = p->n * p->out[0] * p->out[1] * p->out[2];
    const size_t floats = (size_t)(s->k * p->f);
    if (s->pixels == 0) {
        memset(dkernel, 0, floats * sizeof(float));
        return 0;
    }
    all.k_blocks = (s->k + KC - 1) / KC;
    all.blocks = (s->pixels + PIXELS_PER_SUM - 1) / PIXELS_PER_SUM;
    const double macs = (double)s->pixels * (double)floats / (double)p->groups;
    double chunks = 16.0 / (double)(all.k_blocks * all.groups) + 1.0;
    if (chunks > macs / MACS_PER_CONV_TASK) chunks = macs / MACS_PER_CONV_TASK;
    if (chunks > MOST_CHUNK_BYTES / ((double)floats * 4.0)) chunks = MOST_CHUNK_BYTES / ((double)floats * 4.0);
    if (chunks > (double)all.blocks) chunks = (double)all.blocks;
    all.chunks = chunks < 1.0 ? 1 : (ptrdiff_t)chunks;
    all.sums = nk_take((size_t)all.chunks * floats * sizeof(float));
    if (all.sums == NULL) return -1;
    nk_parallel(kernel_task, &all, (size_t)(all.chunks * all.groups * all.k_blocks));
    nk_parallel(kernel_end_task, &all,
                (size_t)(all.groups * ((all.filters + FILTERS_PER_TURN - 1) / FILTERS_PER_TURN)));
    nk_give(all.sums);
    return atomic_load(&all.failed) ? -1 : 0;
}

/* gz = g activation'(y) and db = column sums of gz, over many rows and few columns: chunks of rows. */
#define MOST_ROW_CHUNKS 64

typedef struct {
    backward whole;
    ptrdiff_t chunks;
    float *partial;
} slope_pass;

static void slope_task(void *ctx, size_t index) {
    const slope_pass *all = ctx;
    const backward *w = &all->whole;
    const ptrdiff_t first = cut(w->m, all->chunks, (ptrdiff_t)index), end = cut(w->m, all->chunks, (ptrdiff_t)index + 1);
    const ptrdiff_t from = first * w->n;
    backward part = {.m = end - first, .n = w->n, .g = w->g + from, .activation = w->activation};
    if (w->activation != NK_LINEAR) part.y = w->y + from, part.gz = w->gz + from;
    if (w->db) part.db = all->partial + (ptrdiff_t)index * w->n;
    const ptrdiff_t columns = (w->n + COLUMNS_PER_TASK - 1) / COLUMNS_PER_TASK;
    for (ptrdiff_t j = 0; j < columns; j++) backward_task(&part, (size_t)j);
}

static int conv_slope(ptrdiff_t m, ptrdiff_t n, const float *g, const float *y, int activation, float *gz, float *db) {
    slope_pass all = {.whole = {m, n, g, y, activation, gz, db}, .chunks = (ptrdiff_t)((double)m * (double)n / 32768.0) + 1};
    if (all.chunks > MOST_ROW_CHUNKS) all.chunks = MOST_ROW_CHUNKS;
    if (all.chunks > m) all.chunks = m > 0 ? m : 1;
    if (db) {
        all.partial = nk_take((size_t)(all.chunks * n) * sizeof(float));
        if (all.partial == NULL) return -1;
    }
    nk_parallel(slope_task, &all, (size_t)all.chunks);
    if (db) {
        memcpy(db, all.partial, (size_t)n * sizeof(float));
        for (ptrdiff_t chunk = 1; chunk < all.chunks; chunk++)
            for (ptrdiff_t j = 0; j < n; j++) db[j] += all.partial[chunk * n + j];
        nk_give(all.partial);
    }
    return 0;
}
