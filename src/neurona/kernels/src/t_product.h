/* Matrix products with bias and activation in the epilogue.
 *
 * A tile of MR x 2 vectors of the result lives in registers while k runs. k is cut in blocks (KC) so that a panel of b
 * (KC x 2 vectors, packed) stays in the first-level cache while all row tiles of a task pass over it. a is read where it
 * lies, or, stored as [k, m], packed beforehand by all threads into the order in which the tiles read it. A task is a
 * block of row tiles times a group of panels.
 *
 * Each element of the result is summed over k in the same order whatever the tiling, so neither the number of threads
 * nor the number of rows (a batch of 1 or of 1,000) changes a result.
 */
#define NR (2 * VL)
#define KC 320
#define TILES_PER_BLOCK (192 / MR)
#define WIDE 8 /* vectors of a tile of one row */
#define MACS_PER_TASK 200000.0
#define MOST_PACKED_BYTES ((size_t)64 << 20)

/* What a tile needs beside its operands. */
typedef struct {
    float *c;
    ptrdiff_t ldc, width; /* columns that exist, up to NR */
    const float *bias;
    int add, last, activation; /* add: to what earlier blocks of k left in c */
} tile_end;

INLINE vf activate(vf x, int activation) {
    if (activation == NK_RELU) return relu_vector(x);
    if (activation == NK_TANH) return tanh_vector(x);
    if (activation == NK_SIGMOID) return sigmoid_vector(x);
    return x;
}

/* Bias and activation over a finished tile that is still in cache: kept out of the tile's own code, which exists 4 x MR
 * times. */
static __attribute__((noinline)) void finish_tile(const tile_end *e, int rows) {
    for (ptrdiff_t j = 0; j < e->width; j += VL) {
        const ptrdiff_t left = e->width - j;
        if (left >= VL) {
            const vf bias = e->bias ? load(e->bias + j) : (vf){0};
            for (int i = 0; i < rows; i++) {
                float *c = e->c + i * e->ldc + j;
                store(c, activate(load(c) + bias, e->activation));
            }
        } else {
            const vf bias = e->bias ? load_part(e->bias + j, left, 0.0f) : (vf){0};
            for (int i = 0; i < rows; i++) {
                float *c = e->c + i * e->ldc + j;
                store_part(c, left, activate(load_part(c, left, 0.0f) + bias, e->activation));
            }
        }
    }
}

/* R x V vectors of c. a: a[i * lda + k] (by rows), or a[k * lda + i]. b: rows of V vectors, ldb apart. */
INLINE void tile(const int R, const int V, const int by_rows, ptrdiff_t kc, const float *a, ptrdiff_t lda, const float *b,
                 ptrdiff_t ldb, const tile_end *e) {
    vf acc[MR][2];
    _Pragma("GCC unroll 16") for (int i = 0; i < R; i++) {
        __builtin_prefetch(e->c + i * e->ldc, 1);
        _Pragma("GCC unroll 2") for (int v = 0; v < V; v++) acc[i][v] = (vf){0};
    }
    for (ptrdiff_t k = 0; k < kc; k++) {
        vf w[2];
        _Pragma("GCC unroll 2") for (int v = 0; v < V; v++) w[v] = load(b + v * VL);
        _Pragma("GCC unroll 16") for (int i = 0; i < R; i++) {
            vf x = splat(by_rows ? a[i * lda] : a[i]);
            _Pragma("GCC unroll 2") for (int v = 0; v < V; v++) acc[i][v] += x * w[v];
        }
        a += by_rows ? 1 : lda;
        b += ldb;
    }
    float *c = e->c;
    const ptrdiff_t part = e->width - (V - 1) * VL; /* of the last vector */
    if (part >= VL) {
        _Pragma("GCC unroll 16") for (int i = 0; i < R; i++, c += e->ldc)
            _Pragma("GCC unroll 2") for (int v = 0; v < V; v++) {
                vf x = acc[i][v];
                if (e->add) x += load(c + v * VL);
                store(c + v * VL, x);
            }
    } else {
        vf kept[MR][2]; /* in memory: what follows runs in a loop that is not unrolled */
        memcpy(kept, acc, sizeof kept);
        for (int i = 0; i < R; i++, c += e->ldc) {
            if (V == 2) store(c, e->add ? kept[i][0] + load(c) : kept[i][0]);
            float *edge = c + (V - 1) * VL;
            vf x = kept[i][V - 1];
            store_part(edge, part, e->add ? x + load_part(edge, part, 0.0f) : x);
        }
    }
    if (e->last) finish_tile(e, R);
}

typedef void (*tile_function)(ptrdiff_t kc, const float *a, ptrdiff_t lda, const float *b, ptrdiff_t ldb,
                              const tile_end *e);

#define TILE(R, V, P)                                                                                          \
    static void tile_##R##_##V##_##P(ptrdiff_t kc, const float *a, ptrdiff_t lda, const float *b, ptrdiff_t ldb, \
                                     const tile_end *e) {                                                      \
        tile(R, V, P, kc, a, lda, b, ldb, e);                                                                  \
    }
#define TILES(R) TILE(R, 1, 0) TILE(R, 2, 0) TILE(R, 1, 1) TILE(R, 2, 1)
#define TILE_ROW(R) {{tile_##R##_1_0, tile_##R##_2_0}, {tile_##R##_1_1, tile_##R##_2_1}}
TILES(1)
TILES(2)
TILES(3)
TILES(4)
#if MR > 4
TILES(5)
TILES(6)
#endif
#if MR > 6
TILES(7)
TILES(8)
#endif
#if MR > 8
TILES(9)
TILES(10)
TILES(11)
TILES(12)
#endif

/* [rows - 1][packed][vectors - 1] */
static const tile_function tiles[MR][2][2] = {
    TILE_ROW(1), TILE_ROW(2), TILE_ROW(3), TILE_ROW(4),
#if MR > 4
    TILE_ROW(5), TILE_ROW(6),
#endif
#if MR > 6
    TILE_ROW(7), TILE_ROW(8),
#endif
#if MR > 8
    TILE_ROW(9), TILE_ROW(10), TILE_ROW(11), TILE_ROW(12),
#endif
};

/* One row and WIDE vectors: a tile of two would wait for each sum to be done before the next could begin. */
static void row_tile(ptrdiff_t kc, const float *a, const float *b, ptrdiff_t ldb, const tile_end *e) {
    vf acc[WIDE];
    _Pragma("GCC unroll 8") for (int v = 0; v < WIDE; v++) acc[v] = (vf){0};
    for (ptrdiff_t k = 0; k < kc; k++, b += ldb) {
        const vf x = splat(a[k]);
        _Pragma("GCC unroll 8") for (int v = 0; v < WIDE; v++) {
            if (v * VL % 16 == 0) __builtin_prefetch(b + 12 * ldb + v * VL);
            acc[v] += x * load(b + v * VL);
        }
    }
    _Pragma("GCC unroll 8") for (int v = 0; v < WIDE; v++) {
        if (e->add) acc[v] += load(e->c + v * VL);
        store(e->c + v * VL, acc[v]);
    }
    if (e->last) finish_tile(e, 1);
}

/* b[k, n] -> packed[k][NR], zeros beyond the last column. A width of 2 NR packs two panels, one KC x NR after the other:
 * twice as much from each place in memory. */
static void pack_b(const float *b, ptrdiff_t ldb, ptrdiff_t kc, ptrdiff_t width, float *packed) {
    if (width == 2 * NR) {
        for (ptrdiff_t k = 0; k < kc; k++, b += ldb, packed += NR) {
            __builtin_prefetch(b + 12 * ldb);
            __builtin_prefetch(b + 12 * ldb + NR);
            store(packed, load(b));
            store(packed + VL, load(b + VL));
            store(packed + KC * NR, load(b + NR));
            store(packed + KC * NR + VL, load(b + NR + VL));
        }
        return;
    }
    if (width == NR) {
        for (ptrdiff_t k = 0; k < kc; k++, b += ldb, packed += NR) {
            /* Rows far apart lie in pages of their own, where the processor does not look ahead by itself. */
            __builtin_prefetch(b + 12 * ldb);
            store(packed, load(b));
            store(packed + VL, load(b + VL));
        }
        return;
    }
    for (ptrdiff_t k = 0; k < kc; k++, b += ldb, packed += NR) {
        ptrdiff_t j = 0;
        for (; j < width; j++) packed[j] = b[j];
        for (; j < NR; j++) packed[j] = 0.0f;
    }
}

typedef float v4 __attribute__((vector_size(16)));
typedef float v4_any __attribute__((vector_size(16), aligned(4), may_alias));
typedef int32_t v4i __attribute__((vector_size(16)));

/* Four rows of x, ldx apart, become columns: y[k * ldy + i] = x[i * ldx + k]. */
INLINE void turn4(const float *x, ptrdiff_t ldx, ptrdiff_t kc, float *y, ptrdiff_t ldy) {
    ptrdiff_t k = 0;
    for (; k + 4 <= kc; k += 4, y += 4 * ldy) {
        v4 r0 = *(const v4_any *)(x + k), r1 = *(const v4_any *)(x + ldx + k);
        v4 r2 = *(const v4_any *)(x + 2 * ldx + k), r3 = *(const v4_any *)(x + 3 * ldx + k);
        v4 low01 = __builtin_shuffle(r0, r1, (v4i){0, 4, 1, 5}), low23 = __builtin_shuffle(r2, r3, (v4i){0, 4, 1, 5});
        v4 high01 = __builtin_shuffle(r0, r1, (v4i){2, 6, 3, 7}), high23 = __builtin_shuffle(r2, r3, (v4i){2, 6, 3, 7});
        *(v4_any *)y = __builtin_shuffle(low01, low23, (v4i){0, 1, 4, 5});
        *(v4_any *)(y + ldy) = __builtin_shuffle(low01, low23, (v4i){2, 3, 6, 7});
        *(v4_any *)(y + 2 * ldy) = __builtin_shuffle(high01, high23, (v4i){0, 1, 4, 5});
        *(v4_any *)(y + 3 * ldy) = __builtin_shuffle(high01, high23, (v4i){2, 3, 6, 7});
    }
    for (; k < kc; k++, y += ldy)
        for (int i = 0; i < 4; i++) y[i] = x[i * ldx + k];
}

/* b[n, k] -> packed[k][NR], zeros beyond the last column. */
static void pack_b_turned(const float *b, ptrdiff_t ldb, ptrdiff_t kc, ptrdiff_t width, float *packed) {
    ptrdiff_t j = 0;
    for (; j + 4 <= width; j += 4) turn4(b + j * ldb, ldb, kc, packed + j, NR);
    for (; j < width; j++)
        for (ptrdiff_t k = 0; k < kc; k++) packed[k * NR + j] = b[j * ldb + k];
    for (; j < NR; j++)
        for (ptrdiff_t k = 0; k < kc; k++) packed[k * NR + j] = 0.0f;
}

/* Part i of `total` cut in `parts` pieces whose sizes differ by one at most. */
INLINE ptrdiff_t cut(ptrdiff_t total, ptrdiff_t parts, ptrdiff_t i) {
    ptrdiff_t size = total / parts, rest = total % parts;
    return i * size + (i < rest ? i : rest);
}

/* A product with its division into tasks. */
typedef struct {
    nk_product p;
    float *packed; /* a in tile order: tile by tile [k][rows of the tile]; or NULL */
    ptrdiff_t row_tiles, row_blocks, panels, groups, k_blocks;
} plan;

#define TILES_PER_PACKING 4

/* Packs the tiles of one task. */
static void pack_a(const plan *s, ptrdiff_t index) {
    const nk_product *p = &s->p;
    const ptrdiff_t first = index * TILES_PER_PACKING;
    const ptrdiff_t end = first + TILES_PER_PACKING < s->row_tiles ? first + TILES_PER_PACKING : s->row_tiles;
    for (ptrdiff_t t = first; t < end; t++) {
        const ptrdiff_t i0 = cut(p->m, s->row_tiles, t), rows = cut(p->m, s->row_tiles, t + 1) - i0;
        float *packed = s->packed + i0 * p->k;
        if (p->ta) {
            const float *a = p->a + i0;
            ptrdiff_t k = 0;
            /* A whole vector where at least half of it belongs to the tile: what it reads beyond lies in this or the
             * next row of a, what it writes beyond is overwritten by the next k. The last two rows are exact. */
            if (rows <= VL && 2 * rows > VL)
                for (; k < p->k - 2; k++, a += p->m, packed += rows) store(packed, load(a));
            for (; k < p->k; k++, a += p->m, packed += rows)
                for (ptrdiff_t i = 0; i < rows; i++) packed[i] = a[i];
            continue;
        }
        ptrdiff_t i = 0;
        for (; i + 4 <= rows; i += 4) turn4(p->a + (i0 + i) * p->k, p->k, p->k, packed + i, rows);
        for (; i < rows; i++) {
            const float *a = p->a + (i0 + i) * p->k;
            for (ptrdiff_t k = 0; k < p->k; k++) packed[k * rows + i] = a[k];
        }
    }
}

static plan plan_product(const nk_product *p, int threads) {
    plan s = {.p = *p};
    s.row_tiles = (p->m + MR - 1) / MR;
    s.panels = (p->n + NR - 1) / NR;
    s.k_blocks = p->k > KC ? (p->k + KC - 1) / KC : 1;
    s.row_blocks = (s.row_tiles + TILES_PER_BLOCK - 1) / TILES_PER_BLOCK;
    const double macs = (double)p->m * (double)p->n * (double)p->k;
    ptrdiff_t want = macs / MACS_PER_TASK > 16.0 * threads ? 16 * threads : (ptrdiff_t)(macs / MACS_PER_TASK);
    if (want < 1) want = 1;
    s.groups = (want + s.row_blocks - 1) / s.row_blocks;
    if (s.groups > s.panels) s.groups = s.panels;
    /* Two panels are packed together where that leaves enough tasks. */
    if (2 * s.groups > s.panels && s.panels >= 4 * threads) s.groups = (s.panels + 1) / 2;
    /* Too few panels for the threads: cut the rows finer, though each cut packs b anew. */
    const ptrdiff_t least = want < 2 * threads ? want : 2 * threads;
    if (s.groups * s.row_blocks < least) {
        const ptrdiff_t blocks = (least + s.groups - 1) / s.groups;
        s.row_blocks = blocks < s.row_tiles ? blocks : s.row_tiles;
    }
    const size_t bytes = (size_t)p->m * (size_t)p->k * sizeof(float);
    /* Columns are read badly where they lie; rows well, unless 4,096 bytes apart, where they fall into one cache set.
     * Without the memory, or where a is read once or twice, the tiles read a in place all the same. */
    if ((p->ta ? s.panels > 2 : s.panels > 8 && p->k % 1024 == 0) && s.row_tiles > 1 && macs > MACS_PER_TASK &&
        bytes <= MOST_PACKED_BYTES)
        s.packed = nk_take(bytes);
    return s;
}

static int run_task(const plan *s, ptrdiff_t index) {
    const nk_product *p = &s->p;
    const ptrdiff_t block = index % s->row_blocks, group = index / s->row_blocks;
    const ptrdiff_t first = cut(s->row_tiles, s->row_blocks, block), end = cut(s->row_tiles, s->row_blocks, block + 1);
    const ptrdiff_t first_panel = cut(s->panels, s->groups, group), end_panel = cut(s->panels, s->groups, group + 1);
    const int by_rows = !p->ta && s->packed == NULL;
    /* A panel that one or two row tiles use is read in place; packing it would cost more than it saves. */
    const int in_place = !p->tb && end - first <= 2;
    float *b_packed = nk_scratch((size_t)2 * KC * NR * sizeof(float));
    if (b_packed == NULL) return -1;

    for (ptrdiff_t kb = 0; kb < s->k_blocks; kb++) {
        const ptrdiff_t k0 = cut(p->k, s->k_blocks, kb), kc = cut(p->k, s->k_blocks, kb + 1) - k0;
        const float *ready = NULL; /* a panel packed along with the one before */
        for (ptrdiff_t panel = first_panel; panel < end_panel; panel++) {
            const int last = kb == s->k_blocks - 1;
            const int wide = p->m == 1 && !p->tb && panel + WIDE / 2 <= end_panel && (panel + WIDE / 2) * NR <= p->n;
            const ptrdiff_t j = panel * NR, most = wide ? WIDE * VL : NR, width = p->n - j < most ? p->n - j : most;
            const float *b = b_packed;
            ptrdiff_t ldb = NR;
            if (wide) {
                b = p->b + k0 * p->n + j;
                ldb = p->n;
            } else if (ready != NULL) {
                b = ready;
                ready = NULL;
            } else if (in_place && width == NR) {
                b = p->b + k0 * p->n + j;
                ldb = p->n;
            } else if (p->tb) {
                pack_b_turned(p->b + j * p->k + k0, p->k, kc, width, b_packed);
            } else {
                const int two = panel + 1 < end_panel && j + 2 * NR <= p->n;
                pack_b(p->b + k0 * p->n + j, p->n, kc, two ? 2 * NR : width, b_packed);
                if (two) ready = b_packed + KC * NR;
            }
            tile_end e = {.ldc = p->n,
                          .width = width,
                          .bias = p->bias ? p->bias + j : NULL,
                          .add = kb > 0,
                          .last = last && (p->bias != NULL || p->activation != NK_LINEAR),
                          .activation = p->activation};
            if (wide) {
                e.c = p->c + j;
                row_tile(kc, p->a + k0, b, ldb, &e);
                panel += WIDE / 2 - 1;
                continue;
            }
            for (ptrdiff_t t = first; t < end; t++) {
                const ptrdiff_t i = cut(p->m, s->row_tiles, t), rows = cut(p->m, s->row_tiles, t + 1) - i;
                const float *a;
                ptrdiff_t lda;
                if (s->packed) {
                    a = s->packed + i * p->k + k0 * rows;
                    lda = rows;
                } else {
                    a = p->ta ? p->a + k0 * p->m + i : p->a + i * p->k + k0;
                    lda = p->ta ? p->m : p->k;
                }
                e.c = p->c + i * p->n + j;
                tiles[rows - 1][by_rows][width > VL](kc, a, lda, b, ldb, &e);
            }
        }
    }
    return 0;
}

#define MAX_PRODUCTS 4
typedef struct {
    int count;
    atomic_int failed;
    plan plans[MAX_PRODUCTS];
} plans;

/* Which product a task of the joint list belongs to, and its number there. */
INLINE const plan *find_plan(const plans *all, ptrdiff_t *index, int packing) {
    const plan *s = all->plans;
    for (;; s++) {
        ptrdiff_t tasks = s->row_blocks * s->groups;
        if (packing) tasks = s->packed ? (s->row_tiles + TILES_PER_PACKING - 1) / TILES_PER_PACKING : 0;
        if (*index < tasks) return s;
        *index -= tasks;
    }
}

static void packing_task(void *ctx, size_t index) {
    ptrdiff_t number = (ptrdiff_t)index;
    const plan *s = find_plan(ctx, &number, 1);
    pack_a(s, number);
}

static void products_task(void *ctx, size_t index) {
    plans *all = ctx;
    ptrdiff_t number = (ptrdiff_t)index;
    const plan *s = find_plan(all, &number, 0);
    if (run_task(s, number) != 0) atomic_store(&all->failed, 1);
}

static int products(const nk_product *list, int count) {
    plans all = {.count = 0};
    size_t tasks = 0, packings = 0;
    for (int i = 0; i < count && i < MAX_PRODUCTS; i++) {
        if (list[i].m == 0 || list[i].n == 0) continue;
        plan s = plan_product(&list[i], nk_get_threads());
        tasks += (size_t)(s.row_blocks * s.groups);
        if (s.packed) packings += (size_t)((s.row_tiles + TILES_PER_PACKING - 1) / TILES_PER_PACKING);
        all.plans[all.count++] = s;
    }
    nk_parallel(packing_task, &all, packings);
    nk_parallel(products_task, &all, tasks);
    for (int i = 0; i < all.count; i++) nk_give(all.plans[i].packed);
    return atomic_load(&all.failed) ? -1 : 0;
}
