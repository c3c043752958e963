/* Winograd's convolution, the kernel's side: the kernel to the points and back, and its gradient.
 *
 * Gradient: for a round of tiles both x and dY go to the points, then dU[point] += V[point]^T P[point]. The tiles are
 * the products' k, the points are divided among the threads, and rounds follow each other in an order that only the
 * sizes fix. At the end dU comes back from the points.
 */
#define GRADIENT_TILES 96     /* k of a gradient's product: more of them would not stay in cache at all points */

/* ---- the kernel to the points and back ---- */

typedef struct {
    int m;
    ptrdiff_t c, f, slot;
    const float *kernel; /* (3, 3, c, f) */
    float *u, *dkernel;
} winograd_weights;

/* Channel c of the kernel: 9 rows of f -> (m + 2)^2 rows. */
INLINE void kernel_row(const int m, const winograd_weights *s, ptrdiff_t c) {
    for (ptrdiff_t f = 0; f < s->f; f += VL) {
        vf half[6][3];
        UNROLLED for (int j = 0; j < 3; j++) {
            vf w[3], p[6];
            UNROLLED for (int i = 0; i < 3; i++)
                w[i] = load_row(s->kernel + ((i * 3 + j) * s->c + c) * s->f, f, s->f, 0.0f);
            winograd_kernel(m, w, p);
            UNROLLED for (int i = 0; i < m + 2; i++) half[i][j] = p[i];
        }
        float *u = s->u + f / NR * s->c * NR + c * NR + f % NR;
        UNROLLED for (int i = 0; i < m + 2; i++) {
            vf p[6];
            winograd_kernel(m, half[i], p);
            UNROLLED for (int j = 0; j < m + 2; j++) store(u + (i * (m + 2) + j) * s->slot, p[j]);
        }
    }
}

INLINE void kernel_row_back(const int m, const winograd_weights *s, ptrdiff_t c) {
    for (ptrdiff_t f = 0; f < s->f; f += VL) {
        const float *u = s->u + f / NR * s->c * NR + c * NR + f % NR;
        vf half[3][6];
        UNROLLED for (int j = 0; j < m + 2; j++) {
            vf p[6], w[3];
            UNROLLED for (int i = 0; i < m + 2; i++) p[i] = load(u + (i * (m + 2) + j) * s->slot);
            winograd_kernel_adjoint(m, p, w);
            UNROLLED for (int i = 0; i < 3; i++) half[i][j] = w[i];
        }
        UNROLLED for (int i = 0; i < 3; i++) {
            vf w[3];
            winograd_kernel_adjoint(m, half[i], w);
            UNROLLED for (int j = 0; j < 3; j++)
                store_row(s->dkernel + ((i * 3 + j) * s->c + c) * s->f, f, s->f, w[j]);
        }
    }
}

#define KERNEL_ROWS 8 /* channels in a task */
INLINE void kernel_rows(const int m, const int back, const winograd_weights *s, size_t index) {
    const ptrdiff_t first = (ptrdiff_t)index * KERNEL_ROWS;
    for (ptrdiff_t c = first; c < s->c && c < first + KERNEL_ROWS; c++)
        if (back)
            kernel_row_back(m, s, c);
        else
            kernel_row(m, s, c);
}

static void kernel_to_points_2(void *ctx, size_t index) { kernel_rows(2, 0, ctx, index); }
static void kernel_to_points_4(void *ctx, size_t index) { kernel_rows(4, 0, ctx, index); }
static void kernel_from_points_2(void *ctx, size_t index) { kernel_rows(2, 1, ctx, index); }
static void kernel_from_points_4(void *ctx, size_t index) { kernel_rows(4, 1, ctx, index); }

INLINE size_t winograd_bytes(int m, ptrdiff_t slot) { return (size_t)((m + 2) * (m + 2) * slot) * sizeof(float); }

/* The kernel at the points, in memory to be given back; NULL when there is none. */
static float *kernel_at_points(int m, const float *kernel, ptrdiff_t c, ptrdiff_t f, ptrdiff_t *slot) {
    winograd_weights s = {.m = m, .c = c, .f = f, .slot = slot_of(c, f), .kernel = kernel};
    s.u = nk_take(winograd_bytes(m, s.slot));
    *slot = s.slot;
    const size_t tasks = (size_t)((c + KERNEL_ROWS - 1) / KERNEL_ROWS);
    if (s.u != NULL) nk_parallel(m == 2 ? kernel_to_points_2 : kernel_to_points_4, &s, tasks);
    return s.u;
}

/* ---- the gradient to the kernel ---- */

typedef struct {
    int m, add;
    maps x, g; /* of one group of pictures */
    ptrdiff_t top, left;
    tiling cut;
    ptrdiff_t count, rows; /* tiles of this round; room for them */
    ptrdiff_t section[SECTIONS + 1];
    ptrdiff_t x_slot, g_slot, u_slot, splits;
    float *v, *p, *u, *zeros;
    tile_place *places;
} winograd_gradient;

#define TILES_PER_TASK 8

static void gradient_points(void *ctx, size_t index) {
    const winograd_gradient *s = ctx;
    const ptrdiff_t first = (ptrdiff_t)index * TILES_PER_TASK;
    for (ptrdiff_t t = first; t < s->count && t < first + TILES_PER_TASK; t++) {
        inputs_to_points(&s->x, s->places + t, s->top, s->left, s->zeros, s->rows, s->v + t * NR, s->x_slot);
        gradients_to_points(&s->g, s->places + t, s->zeros, s->rows, s->p + t * NR, s->g_slot);
    }
}

/* One point, or a part of its panels. Rows of a go MR at a time, then 4, then one by one. */
static void gradient_product(void *ctx, size_t index) {
    const winograd_gradient *s = ctx;
    const ptrdiff_t q = (ptrdiff_t)index / s->splits, part = (ptrdiff_t)index % s->splits;
    const ptrdiff_t panels = panels_of(s->g.c);
    ptrdiff_t begin, stop;
    tiles_with_point(&s->cut, s->section, (int)q, &begin, &stop);
    const ptrdiff_t k = stop - begin;
    for (ptrdiff_t j = cut(panels, s->splits, part); j < cut(panels, s->splits, part + 1); j++) {
        const float *p = s->p + q * s->g_slot + (j * s->rows + begin) * NR;
        const int two = s->g.c - j * NR > VL;
        for (ptrdiff_t c = 0; c < s->x.c; c += NR) {
            const float *v = s->v + q * s->x_slot + c * s->rows + begin * NR;
            float *u = s->u + q * s->u_slot + j * s->x.c * NR + c * NR;
            const ptrdiff_t end = s->x.c - c < NR ? s->x.c - c : NR;
            ptrdiff_t step;
            for (ptrdiff_t i = 0; i < end; i += step) {
                const ptrdiff_t left = end - i;
                step = left >= MR + 4 || left == MR ? MR : left >= 4 ? 4 : 1;
                if (step == MR && two)
                    tiles_product(MR, 2, k, v + i, p, u + i * NR, s->add);
                else if (step == MR)
                    tiles_product(MR, 1, k, v + i, p, u + i * NR, s->add);
                else if (step == 4)
                    tiles_product(4, 2, k, v + i, p, u + i * NR, s->add);
                else
                    tiles_product(1, 2, k, v + i, p, u + i * NR, s->add);
            }
        }
    }
}

/* Adds a group's part to dU. v, p, places: room for GRADIENT_TILES tiles. */
static void winograd_gradient_run(winograd_gradient *s, ptrdiff_t n) {
    const int points = (s->m + 2) * (s->m + 2);
    s->cut = cut_in_tiles(s->m, s->g.h, s->g.w);
    const ptrdiff_t tiles = n * s->cut.down * s->cut.across, panels = panels_of(s->g.c);
    const ptrdiff_t rounds = (tiles + GRADIENT_TILES - 1) / GRADIENT_TILES;
    s->splits = 4 * nk_get_threads() / points + 1;
    if (s->splits > panels) s->splits = panels;
    for (ptrdiff_t i = 0; i < rounds; i++) {
        const ptrdiff_t first = cut(tiles, rounds, i);
        s->count = cut(tiles, rounds, i + 1) - first;
        sort_tiles(&s->cut, first, s->count, s->places, s->section);
        nk_parallel(gradient_points, s, (size_t)((s->count + TILES_PER_TASK - 1) / TILES_PER_TASK));
        nk_parallel(gradient_product, s, (size_t)(points * s->splits));
        s->add = 1;
    }
}

static void winograd_gradient_end(const winograd_gradient *s, float *dkernel) {
    winograd_weights w = {.m = s->m, .c = s->x.c, .f = s->g.c, .slot = s->u_slot, .u = s->u, .dkernel = dkernel};
    nk_parallel(s->m == 2 ? kernel_from_points_2 : kernel_from_points_4, &w,
                (size_t)((w.c + KERNEL_ROWS - 1) / KERNEL_ROWS));
}
