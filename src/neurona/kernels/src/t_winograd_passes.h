/* Winograd's convolution over whole batches: blocks of tiles through three stages that stay in cache.
 *
 * Forward (and the gradient to the input, which is a forward pass over dY with the turned kernel): the kernel
 * went to the points once per call, U[point][panel of f][c][NR] (t_winograd_kernel.h). Then a task takes a block of
 * tiles, wherever they lie in the batch, so that small maps fill the blocks too:
 *
 *     V[point] = tiles to points              (tiles x C at each point)
 *     M[point] = V[point] U[point]            (tiles x F), a product for each point
 *     y        = M back from points, + bias, relu, 2 x 2 maxima, all in registers
 *
 * V and M share memory: M[point] lies where V[point - 1] was, which halves what must stay in cache. A tile's result
 * does not depend on the block it is in, so blocks are cut to suit the threads. Within a block, tiles are sorted by
 * kind (the last of a row or a column may be smaller), so that those that have a certain point follow each other.
 */
#define BLOCK_FLOATS 200000.0 /* V and M of a block, about: they stay in the second-level cache */
#define BLOCK_TILES 72        /* of a block, at least: each panel of U is read once per block */

/* ---- how a map is cut in tiles ---- */

typedef struct {
    int m, full, last_y, last_x; /* kinds (t_winograd.h): of a whole tile, of those in the last row and column */
    ptrdiff_t down, across;      /* tiles of a picture */
} tiling;

INLINE tiling cut_in_tiles(int m, ptrdiff_t oh, ptrdiff_t ow) {
    tiling s = {.m = m, .full = m == 2 ? 0 : 4, .down = (oh + m - 1) / m, .across = (ow + m - 1) / m};
    s.last_y = m == 2 || oh % 4 == 0 ? s.full : (int)(oh % 4);
    s.last_x = m == 2 || ow % 4 == 0 ? s.full : (int)(ow % 4);
    return s;
}

/* A tile's picture, first output row and column, and kinds. */
typedef struct {
    ptrdiff_t n, y, x;
    int kind_y, kind_x;
} tile_place;

INLINE tile_place place_of(const tiling *s, ptrdiff_t t) {
    const ptrdiff_t x = t % s->across, y = t / s->across % s->down;
    return (tile_place){t / s->across / s->down, y * s->m, x * s->m, y + 1 < s->down ? s->full : s->last_y,
                        x + 1 < s->across ? s->full : s->last_x};
}

/* Sections of a sorted run of tiles: smaller in x, whole, smaller in y, smaller in both. So the tiles that are whole in
 * y, or in x, or in both, follow each other. */
#define SECTIONS 4
INLINE int section_of(const tiling *s, const tile_place *p) {
    const int whole_y = p->kind_y == s->full, whole_x = p->kind_x == s->full;
    return whole_y ? whole_x : 3 - whole_x;
}

static void sort_tiles(const tiling *s, ptrdiff_t first, ptrdiff_t count, tile_place *places, ptrdiff_t *section) {
    ptrdiff_t next[SECTIONS + 1] = {0};
    for (ptrdiff_t t = first; t < first + count; t++) {
        const tile_place p = place_of(s, t);
        next[section_of(s, &p) + 1]++;
    }
    for (int i = 0; i < SECTIONS; i++) next[i + 1] += next[i];
    memcpy(section, next, sizeof next);
    for (ptrdiff_t t = first; t < first + count; t++) {
        const tile_place p = place_of(s, t);
        places[next[section_of(s, &p)]++] = p;
    }
}

/* Which of the sorted tiles have point q: from *begin to before *end. */
INLINE void tiles_with_point(const tiling *s, const ptrdiff_t *section, int q, ptrdiff_t *begin, ptrdiff_t *end) {
    const int grid = s->m + 2, all_y = has_point(s->last_y, q / grid), all_x = has_point(s->last_x, q % grid);
    *begin = all_x ? section[0] : section[1];
    *end = all_y ? (all_x ? section[4] : section[3]) : section[2];
}

/* ---- forward ---- */

typedef struct {
    int m, relu, pool;
    maps in;
    ptrdiff_t n, top, left; /* zeros above and at the left */
    ptrdiff_t oh, ow, f;    /* y before pooling */
    tiling cut;
    ptrdiff_t unit, units, blocks; /* a block is made of units: pictures, or tiles where a picture has many */
    const float *u, *bias;
    ptrdiff_t u_slot;
    float *y;
    uint8_t *where;
    atomic_int failed;
} winograd_pass;

typedef uint8_t vb __attribute__((vector_size(VL)));

INLINE void store_bytes(uint8_t *p, ptrdiff_t n, vi numbers) {
    const vb bytes = __builtin_convertvector(numbers, vb);
    memcpy(p, &bytes, n < VL ? (size_t)n : VL);
}

/* The largest of a 2 x 2 window and its place, the first of equals; NaN wins. With relu, a result of 0 is place 4: no
 * gradient flows there. */
INLINE vf pool_window(const vf *v, int relu, vi *place) {
    vf best = v[0];
    *place = (vi){0};
    _Pragma("GCC unroll 3") for (int q = 1; q < 4; q++) {
        const vi better = (v[q] > best) | (v[q] != v[q]);
        best = choose(better, v[q], best);
        *place = (better & q) | (~better & *place);
    }
    if (!relu) return best;
    const vi dead = best <= 0.0f;
    *place = (dead & 4) | (~dead & *place);
    return relu_vector(best);
}

/* What a tile of each kind does: its pixels to the points (v: its row), as inputs and as gradients, and back. */
typedef void (*points_function)(const maps *in, const float *const *at, const float *zeros, ptrdiff_t rows, float *v,
                                ptrdiff_t slot);
typedef void (*finish_function)(const winograd_pass *s, const tile_place *at, const float *p, ptrdiff_t rows,
                                ptrdiff_t slot);

/* Points of one tile (row `p` of M) -> its outputs. */
INLINE void finish_points(const int ky, const int kx, const winograd_pass *s, const tile_place *at, const float *p,
                          ptrdiff_t rows, ptrdiff_t slot) {
    const ptrdiff_t oh = s->pool ? s->oh / 2 : s->oh, ow = s->pool ? s->ow / 2 : s->ow, f = s->f;
    const int side = s->pool ? 2 : 1;
    const ptrdiff_t y = at->y / side, x = at->x / side;
    /* A whole tile of m = 2 may reach beyond the edge. */
    int high = outputs_of(ky) / side, wide = outputs_of(kx) / side;
    if (oh - y < high) high = (int)(oh - y);
    if (ow - x < wide) wide = (int)(ow - x);
    const ptrdiff_t first = ((at->n * oh + y) * ow + x) * f;
    for (ptrdiff_t c = 0; c < f; c += VL) {
        vf out[4][4];
        from_points(ky, kx, p + c / NR * rows * NR + c % NR, slot, out);
        const vf bias = s->bias ? load_row(s->bias, c, f, 0.0f) : (vf){0};
        float *to = s->y + first + c;
        if (s->pool) {
            UNROLLED for (int i = 0; i < outputs_of(ky) / 2; i++)
                UNROLLED for (int j = 0; j < outputs_of(kx) / 2; j++) {
                    if (i >= high || j >= wide) continue;
                    const vf window[4] = {out[2 * i][2 * j] + bias, out[2 * i][2 * j + 1] + bias,
                                          out[2 * i + 1][2 * j] + bias, out[2 * i + 1][2 * j + 1] + bias};
                    vi which;
                    const vf best = pool_window(window, s->relu, &which);
                    const ptrdiff_t there = (i * ow + j) * f;
                    store_row(to + there, 0, f - c, best);
                    store_bytes(s->where + first + c + there, f - c, which);
                }
        } else {
            UNROLLED for (int i = 0; i < outputs_of(ky); i++)
                UNROLLED for (int j = 0; j < outputs_of(kx); j++) {
                    if (i >= high || j >= wide) continue;
                    vf v = out[i][j] + bias;
                    if (s->relu) v = relu_vector(v);
                    if (f - c >= VL)
                        store(to + (i * ow + j) * f, v);
                    else
                        store_part(to + (i * ow + j) * f, f - c, v);
                }
        }
    }
}

#define TILE_FUNCTIONS(KY, KX)                                                                                       \
    static void inputs_##KY##KX(const maps *in, const float *const *at, const float *zeros, ptrdiff_t rows, float *v, \
                                ptrdiff_t slot) {                                                                    \
        to_points(KY, KX, 0, in, at, zeros, rows, v, slot);                                                          \
    }                                                                                                                \
    static void gradients_##KY##KX(const maps *in, const float *const *at, const float *zeros, ptrdiff_t rows,       \
                                   float *v, ptrdiff_t slot) {                                                       \
        to_points(KY, KX, 1, in, at, zeros, rows, v, slot);                                                          \
    }                                                                                                                \
    static void finish_##KY##KX(const winograd_pass *s, const tile_place *at, const float *p, ptrdiff_t rows,        \
                                ptrdiff_t slot) {                                                                    \
        finish_points(KY, KX, s, at, p, rows, slot);                                                                 \
    }
EACH_KIND(TILE_FUNCTIONS)

static const struct {
    points_function inputs, gradients;
    finish_function finish;
} of_kind[5][5] = {
#define TILE_ENTRY(KY, KX) [KY][KX] = {inputs_##KY##KX, gradients_##KY##KX, finish_##KY##KX},
    EACH_KIND(TILE_ENTRY)
};

/* One tile's pixels to the points; v: its row. */
static void inputs_to_points(const maps *in, const tile_place *p, ptrdiff_t top, ptrdiff_t left, const float *zeros,
                             ptrdiff_t rows, float *v, ptrdiff_t slot) {
    const float *at[36];
    look_at(in, outputs_of(p->kind_y) + 2, outputs_of(p->kind_x) + 2, p->n, p->y - top, p->x - left, zeros, at);
    of_kind[p->kind_y][p->kind_x].inputs(in, at, zeros, rows, v, slot);
}

static void gradients_to_points(const maps *g, const tile_place *p, const float *zeros, ptrdiff_t rows, float *v,
                                ptrdiff_t slot) {
    const float *at[36];
    look_at(g, outputs_of(p->kind_y), outputs_of(p->kind_x), p->n, p->y, p->x, zeros, at);
    of_kind[p->kind_y][p->kind_x].gradients(g, at, zeros, rows, v, slot);
}

/* M = V U at each point, for the tiles that have it. */
static void products_at_points(const winograd_pass *s, const ptrdiff_t *section, ptrdiff_t rows, ptrdiff_t slot,
                               float *buffer) {
    const ptrdiff_t c = s->in.c;
    for (int q = 0; q < (s->m + 2) * (s->m + 2); q++) {
        ptrdiff_t begin, end;
        tiles_with_point(&s->cut, section, q, &begin, &end);
        for (ptrdiff_t j = 0; j < s->f; j += NR) {
            const float *u = s->u + q * s->u_slot + j * c, *v = buffer + (q + 1) * slot;
            float *p = buffer + q * slot + j * rows;
            /* While this panel is in use, the next one comes: a part before each group of tiles. */
            const float *next = u + NR * c + (j + NR < s->f ? 0 : s->u_slot - panels_of(s->f) * NR * c);
            const ptrdiff_t part = (NR * c * MR / (end > begin ? end - begin : 1) + 15) / 16 * 16;
            if (s->f - j > VL)
                for (ptrdiff_t r = begin; r < end; r += MR, next += part) {
                    for (ptrdiff_t k = 0; k < part; k += 16) __builtin_prefetch(next + k);
                    points_product(MR, 2, c, v + r * NR, rows * NR, u, p + r * NR);
                }
            else
                for (ptrdiff_t r = begin; r < end; r += MR, next += part) {
                    for (ptrdiff_t k = 0; k < part; k += 16) __builtin_prefetch(next + k);
                    points_product(MR, 1, c, v + r * NR, rows * NR, u, p + r * NR);
                }
        }
    }
}

static void winograd_block(void *ctx, size_t index) {
    winograd_pass *s = ctx;
    const int points = (s->m + 2) * (s->m + 2);
    const ptrdiff_t first = cut(s->units, s->blocks, (ptrdiff_t)index) * s->unit;
    const ptrdiff_t count = cut(s->units, s->blocks, (ptrdiff_t)index + 1) * s->unit - first;
    const ptrdiff_t rows = count + MR - 1; /* the last rows of a section are computed in whole groups of MR */
    const ptrdiff_t widest = NR * panels_of(s->in.c > s->f ? s->in.c : s->f), slot = slot_of(rows, widest);
    float *zeros = take_room((size_t)(widest + (points + 1) * slot) * sizeof(float) +
                             (size_t)count * sizeof(tile_place));
    if (zeros == NULL) {
        atomic_store(&s->failed, 1);
        return;
    }
    float *buffer = zeros + widest;
    tile_place *places = (tile_place *)(buffer + (points + 1) * slot);
    ptrdiff_t section[SECTIONS + 1];
    memset(zeros, 0, (size_t)widest * sizeof *zeros);
    sort_tiles(&s->cut, first, count, places, section);
    for (ptrdiff_t t = 0; t < count; t++)
        inputs_to_points(&s->in, places + t, s->top, s->left, zeros, rows, buffer + slot + t * NR, slot);
    products_at_points(s, section, rows, slot, buffer);
    for (ptrdiff_t t = 0; t < count; t++)
        of_kind[places[t].kind_y][places[t].kind_x].finish(s, places + t, buffer + t * NR, rows, slot);
    nk_give(zeros);
}

/* As many blocks as share out evenly among the threads. */
static int winograd_run(winograd_pass *s) {
    s->cut = s->pool ? cut_in_tiles(s->m, s->oh / 2 * 2, s->ow / 2 * 2) : cut_in_tiles(s->m, s->oh, s->ow);
    const ptrdiff_t each = s->cut.down * s->cut.across, tiles = s->n * each, threads = nk_get_threads();
    if (tiles == 0 || s->f == 0) return 0;
    const ptrdiff_t widest = NR * panels_of(s->in.c > s->f ? s->in.c : s->f);
    ptrdiff_t size = (ptrdiff_t)(BLOCK_FLOATS / ((s->m + 2) * (s->m + 2)) / (double)widest);
    if (size < BLOCK_TILES) size = BLOCK_TILES;
    s->blocks = (tiles + size - 1) / size;
    s->blocks = (s->blocks + threads - 1) / threads * threads;
    s->unit = each < size && s->n >= s->blocks ? each : 1;
    s->units = tiles / s->unit;
    const ptrdiff_t most = (tiles + MR - 1) / MR;
    if (s->blocks > most) s->blocks = most;
    atomic_init(&s->failed, 0);
    nk_parallel(winograd_block, s, (size_t)s->blocks);
    return atomic_load(&s->failed) ? -1 : 0;
}
