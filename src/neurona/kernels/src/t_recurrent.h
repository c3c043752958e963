/* What the recurrent layers share: products that end in registers' worth of gates, and the sums of the weights' gradient.
 *
 * Forward. A step's input and the state before it stand side by side in one row, in = [x | h]; the weights of both stand
 * below each other, packed in slices: for VL units, [depth][parts][VL], where `parts` is the number of gates. A slice
 * of usual size stays in the first-level cache while all rows pass over it, and a tile of GATE_ROWS rows holds all gates of
 * its units in registers, so the nonlinearities find them together.
 *
 * Backward. The gates' gradients dz of some steps (a chunk) lie in panels, [parts * padded units / NR][CHUNK][NR], beside
 * the rows `in` they came from; the weights' gradient in^T dz grows by a chunk at a time, while both are in cache.
 *
 * A row's numbers never depend on the rows beside it, and sums over rows go chunk by chunk in an order fixed by the
 * sizes and the mask, so the number of threads never shows. Rows whose step is masked are left out of all products.
 */
#define GATE_ROWS (MR / 2)
#define GATE_DEPTH 192 /* of a slice that is passed over at a time: 24 KB with four gates of eight units */
#define MOST_ROWS 64   /* of a task: their states stay in cache from step to step */
#define CHUNK 256      /* rows of dz in a chunk */
#define SUM_DEPTH 128  /* rows of a chunk that a tile of the weights' gradient sums at a time */

INLINE ptrdiff_t rounded_up(ptrdiff_t n, ptrdiff_t unit) { return (n + unit - 1) / unit * unit; }

/* Floats from row to row: an odd number of cache lines, so that the same columns of many rows lie in different sets. */
INLINE ptrdiff_t row_stride(ptrdiff_t columns) {
    const ptrdiff_t lines = (columns + 15) / 16;
    return 16 * (lines | 1);
}

/* tanh as tanh_vector, with the cheaper exponential. */
INLINE vf tanh_gate(vf x) {
    const vi sign = (vi)x & (vi)splat(-0.0f);
    const vf size = size_of(x);
    const vf t = exp_of_negative(-2.0f * size);
    const vf far = (vf)((vi)((1.0f - t) / (1.0f + t)) | sign);
    const vf s = x * x;
    vf p = splat(-5.70498872745e-3f);
    p = p * s + 2.06390887954e-2f;
    p = p * s - 5.37397155531e-2f;
    p = p * s + 1.33314422036e-1f;
    p = p * s - 3.33332819422e-1f;
    const vf near = p * s * x + x;
    return choose(size < 0.625f, near, far);
}

INLINE vf sigmoid_gate(vf x) {
    vf unused;
    return logistic(x, &unused);
}

INLINE void copy_floats(const float *from, float *to, ptrdiff_t count) {
    ptrdiff_t j = 0;
    for (; j + VL <= count; j += VL) store(to + j, load(from + j));
    for (; j < count; j++) to[j] = from[j];
}

/* to = from * by; by may be NULL for 1. */
INLINE void copy_scaled(const float *from, const float *by, float *to, ptrdiff_t count) {
    if (by == NULL) {
        copy_floats(from, to, count);
        return;
    }
    ptrdiff_t j = 0;
    for (; j + VL <= count; j += VL) store(to + j, load(from + j) * load(by + j));
    for (; j < count; j++) to[j] = from[j] * by[j];
}

/* So many floats will be read at the next step: the rows of a batch lie far apart, where the processor does not look
 * ahead by itself. p may be NULL. */
INLINE void soon_read(const float *p, ptrdiff_t count) {
    for (ptrdiff_t j = 0; p != NULL && j < count; j += 16) __builtin_prefetch(p + j, 0, 2);
}

/* The rows first ... end - 1 that step t is on for, in `list`; all of them without a mask (n, steps). */
static ptrdiff_t rows_on(const uint8_t *mask, ptrdiff_t steps, ptrdiff_t t, ptrdiff_t first, ptrdiff_t end,
                         int32_t *list) {
    ptrdiff_t count = 0;
    for (ptrdiff_t row = first; row < end; row++)
        if (mask == NULL || mask[row * steps + t]) list[count++] = (int32_t)row;
    return count;
}

static ptrdiff_t count_on(const uint8_t *mask, ptrdiff_t steps, ptrdiff_t t, ptrdiff_t first, ptrdiff_t end) {
    if (mask == NULL) return end - first;
    ptrdiff_t count = 0;
    for (ptrdiff_t row = first; row < end; row++) count += mask[row * steps + t] != 0;
    return count;
}

/* Tasks that n rows are cut in: one for each thread, of MOST_ROWS rows at most. */
static ptrdiff_t row_tasks(ptrdiff_t n) {
    const ptrdiff_t threads = nk_get_threads(), least = (n + MOST_ROWS - 1) / MOST_ROWS;
    const ptrdiff_t tasks = least > threads ? rounded_up(least, threads) : threads;
    return tasks < n ? tasks : n;
}

/* ---- forward: rows of `in` times a slice of weights ---- */

/* Weights (depth, parts u) below those already packed: `from` is how many rows precede them of `depth` in all. */
static void pack_slices(const float *w, ptrdiff_t rows, ptrdiff_t from, ptrdiff_t depth, int parts, ptrdiff_t u,
                        float *packed) {
    for (ptrdiff_t j = 0; j < u; j += VL, packed += depth * parts * VL) {
        float *out = packed + from * parts * VL;
        const ptrdiff_t width = u - j < VL ? u - j : VL;
        for (ptrdiff_t k = 0; k < rows; k++)
            for (int part = 0; part < parts; part++, out += VL)
                store(out, load_row(w + (k * parts + part) * u + j, 0, width, 0.0f));
    }
}

/* R rows: z[r][P VL] = start[r] + in[r] w; start, `step` floats from row to row, is a bias (step 0) or z itself. */
INLINE void gate_tile(const int R, const int P, ptrdiff_t depth, const float *in, ptrdiff_t ldi, const float *w,
                      const float *start, ptrdiff_t step, float *z) {
    vf acc[GATE_ROWS][4];
    _Pragma("GCC unroll 8") for (int r = 0; r < R; r++)
        _Pragma("GCC unroll 4") for (int p = 0; p < P; p++) acc[r][p] = load(start + r * step + p * VL);
    for (ptrdiff_t k = 0; k < depth; k++, in++, w += P * VL) {
        vf x[GATE_ROWS];
        _Pragma("GCC unroll 8") for (int r = 0; r < R; r++) x[r] = splat(in[r * ldi]);
        _Pragma("GCC unroll 4") for (int p = 0; p < P; p++) {
            const vf weights = load(w + p * VL);
            _Pragma("GCC unroll 8") for (int r = 0; r < R; r++) acc[r][p] += x[r] * weights;
        }
    }
    _Pragma("GCC unroll 8") for (int r = 0; r < R; r++)
        _Pragma("GCC unroll 4") for (int p = 0; p < P; p++) store(z + (r * P + p) * VL, acc[r][p]);
}

typedef void (*gate_function)(ptrdiff_t depth, const float *in, ptrdiff_t ldi, const float *w, const float *start,
                              ptrdiff_t step, float *z);

#define GATE_TILE(R, P)                                                                                           \
    static void gate_tile_##R##_##P(ptrdiff_t depth, const float *in, ptrdiff_t ldi, const float *w,              \
                                    const float *start, ptrdiff_t step, float *z) {                               \
        gate_tile(R, P, depth, in, ldi, w, start, step, z);                                                       \
    }

/* GATE_TILES(P) makes gate_tiles_P, a table by rows - 1. */
#if MR / 2 == 2
#define GATE_TILES(P)                   \
    GATE_TILE(1, P) GATE_TILE(2, P)     \
    static const gate_function gate_tiles_##P[GATE_ROWS] = {gate_tile_1_##P, gate_tile_2_##P};
#elif MR / 2 == 3
#define GATE_TILES(P)                                   \
    GATE_TILE(1, P) GATE_TILE(2, P) GATE_TILE(3, P)     \
    static const gate_function gate_tiles_##P[GATE_ROWS] = {gate_tile_1_##P, gate_tile_2_##P, gate_tile_3_##P};
#elif MR / 2 == 4
#define GATE_TILES(P)                                                   \
    GATE_TILE(1, P) GATE_TILE(2, P) GATE_TILE(3, P) GATE_TILE(4, P)     \
    static const gate_function gate_tiles_##P[GATE_ROWS] = {gate_tile_1_##P, gate_tile_2_##P, gate_tile_3_##P, \
                                                            gate_tile_4_##P};
#elif MR / 2 == 6
#define GATE_TILES(P)                                                                                       \
    GATE_TILE(1, P) GATE_TILE(2, P) GATE_TILE(3, P) GATE_TILE(4, P) GATE_TILE(5, P) GATE_TILE(6, P)         \
    static const gate_function gate_tiles_##P[GATE_ROWS] = {gate_tile_1_##P, gate_tile_2_##P, gate_tile_3_##P, \
                                                            gate_tile_4_##P, gate_tile_5_##P, gate_tile_6_##P};
#else
#error "no table of gate tiles for this MR"
#endif

/* z[rows][parts VL] = bias + in w for one slice; ldi floats from row to row of `in`. */
static void gate_products(const gate_function *tiles_of, int parts, ptrdiff_t rows, ptrdiff_t depth, const float *in,
                          ptrdiff_t ldi, const float *w, const float *bias, float *z) {
    const ptrdiff_t k_blocks = (depth + GATE_DEPTH - 1) / GATE_DEPTH, blocks = (rows + GATE_ROWS - 1) / GATE_ROWS;
    const ptrdiff_t width = parts * VL;
    for (ptrdiff_t kb = 0; kb < k_blocks; kb++) {
        const ptrdiff_t k0 = cut(depth, k_blocks, kb), kc = cut(depth, k_blocks, kb + 1) - k0;
        for (ptrdiff_t block = 0; block < blocks; block++) {
            const ptrdiff_t i = cut(rows, blocks, block), r = cut(rows, blocks, block + 1) - i;
            float *out = z + i * width;
            tiles_of[r - 1](kc, in + i * ldi + k0, ldi, w + k0 * width, kb ? out : bias, kb ? width : 0, out);
        }
    }
}

/* ---- backward: rows of dz times the transposed weights ---- */

/* Weights (rows, parts u) -> panels of NR rows [rows / NR][parts up][NR], the gates padded from u to up columns. */
static void pack_turned_panels(const float *w, ptrdiff_t rows, int parts, ptrdiff_t u, ptrdiff_t up, float *packed) {
    memset(packed, 0, (size_t)(rounded_up(rows, NR) * parts * up) * sizeof *packed);
    for (ptrdiff_t row = 0; row < rows; row += NR)
        for (int part = 0; part < parts; part++, packed += up * NR)
            pack_b_turned(w + (row * parts + part) * u, parts * u, u, rows - row < NR ? rows - row : NR, packed);
}

/* out[rows][panels NR] = dz[rows][depth] panels */
static void panel_products(ptrdiff_t rows, ptrdiff_t depth, const float *dz, ptrdiff_t ldz, const float *packed,
                           ptrdiff_t panels, float *out) {
    const ptrdiff_t k_blocks = (depth + KC - 1) / KC, row_tiles = (rows + MR - 1) / MR;
    for (ptrdiff_t kb = 0; kb < k_blocks; kb++) {
        const ptrdiff_t k0 = cut(depth, k_blocks, kb), kc = cut(depth, k_blocks, kb + 1) - k0;
        for (ptrdiff_t panel = 0; panel < panels; panel++)
            for (ptrdiff_t tile = 0; tile < row_tiles; tile++) {
                const ptrdiff_t i = cut(rows, row_tiles, tile), r = cut(rows, row_tiles, tile + 1) - i;
                const tile_end e = {.c = out + i * panels * NR + panel * NR, .ldc = panels * NR, .width = NR,
                                    .add = kb > 0};
                tiles[r - 1][1][1](kc, dz + i * ldz + k0, ldz, packed + (panel * depth + k0) * NR, NR, &e);
            }
    }
}

/* ---- backward: the weights' gradient, a chunk at a time ---- */

/* sums[panels][m][NR] += in^T dz, and bias[panels][NR] += the sums of dz's columns; bias may be NULL. */
typedef struct {
    ptrdiff_t m, ldi, panels, blocks; /* blocks: what the m rows of a panel are cut in */
    ptrdiff_t count;                  /* rows of the chunk */
    const float *in, *dz;             /* in[count][ldi]; dz[panels][CHUNK][NR] */
    float *sums, *bias;
} weight_sums;

static void weight_sums_task(void *ctx, size_t index) {
    const weight_sums *s = ctx;
    const ptrdiff_t panel = (ptrdiff_t)index / s->blocks, block = (ptrdiff_t)index % s->blocks;
    const float *dz = s->dz + panel * CHUNK * NR;
    const ptrdiff_t row_tiles = (s->m + MR - 1) / MR;
    const ptrdiff_t first = cut(row_tiles, s->blocks, block), end = cut(row_tiles, s->blocks, block + 1);
    for (ptrdiff_t k = 0; k < s->count; k += SUM_DEPTH) {
        const ptrdiff_t kc = s->count - k < SUM_DEPTH ? s->count - k : SUM_DEPTH;
        for (ptrdiff_t tile = first; tile < end; tile++) {
            const ptrdiff_t i = cut(s->m, row_tiles, tile), r = cut(s->m, row_tiles, tile + 1) - i;
            const tile_end e = {.c = s->sums + (panel * s->m + i) * NR, .ldc = NR, .width = NR, .add = 1};
            tiles[r - 1][0][1](kc, s->in + k * s->ldi + i, s->ldi, dz + k * NR, NR, &e);
        }
    }
    if (s->bias && block == 0) {
        vf low = (vf){0}, high = (vf){0};
        for (ptrdiff_t k = 0; k < s->count; k++) {
            low += load(dz + k * NR);
            high += load(dz + k * NR + VL);
        }
        float *bias = s->bias + panel * NR;
        store(bias, load(bias) + low);
        store(bias + VL, load(bias + VL) + high);
    }
}

static void add_weight_sums(weight_sums *s) {
    if (s->count == 0) return;
    const ptrdiff_t row_tiles = (s->m + MR - 1) / MR, wanted = (2 * nk_get_threads() + s->panels - 1) / s->panels;
    s->blocks = wanted < row_tiles ? wanted : row_tiles;
    nk_parallel(weight_sums_task, s, (size_t)(s->panels * s->blocks));
}

/* Rows from ... from + rows - 1 of the sums, without the gates' padding: (rows, parts u). */
static void unpack_sums(const weight_sums *s, ptrdiff_t from, ptrdiff_t rows, int parts, ptrdiff_t u, ptrdiff_t up,
                        float *out) {
    for (ptrdiff_t i = from; i < from + rows; i++)
        for (int part = 0; part < parts; part++, out += u)
            for (ptrdiff_t j = 0; j < u; j += VL) {
                const ptrdiff_t column = part * up + j;
                store_row(out, j, u, load(s->sums + (column / NR * s->m + i) * NR + column % NR));
            }
}

/* The bias's sums, or nothing where `out` is NULL. */
static void unpack_bias(const weight_sums *s, int parts, ptrdiff_t u, ptrdiff_t up, float *out) {
    if (out == NULL) return;
    for (int part = 0; part < parts; part++) copy_floats(s->bias + part * up, out + part * u, u);
}
