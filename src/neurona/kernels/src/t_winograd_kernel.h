/* Winograd's convolution, the kernel's side: the kernel to the points and back, and its gradient.
 *
 * Gradient: for a round of tiles both x and dY go to the points, then dU[point] += V[point]^T P[point]. The tiles are
 * the products' k. A large dU is there once, and the points are divided among the threads; a small one is there for each
 * of a few parts of the tiles, which one thread carries from the pixels to the sum. What is added to what, in which order,
 * depends on the sizes alone. At the end dU comes back from the points.
 */
#define GRADIENT_TILES 96 /* k of a gradient's product: more of them would not stay in cache at all points */
#define PRIVATE_BYTES ((size_t)1 << 20) /* a dU up to this size, ... */
#define PRIVATE_PARTS 8                 /* ... each part of the tiles has for itself ... */
#define PRIVATE_TILES 24                /* ... and takes so many tiles at a time, which stay in its core's cache */

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
    int m, parts, start;
    maps x, g; /* of one group of pictures */
    ptrdiff_t top, left;
    tiling cut;
    ptrdiff_t tiles, rows; /* of the group; of a round, at most */
    ptrdiff_t x_slot, g_slot, u_slot, splits;
    float *v, *p, *u, *zeros; /* u: of each part */
    tile_place *places;
    atomic_int failed;
} winograd_gradient;

/* Some tiles at the points, and where their products are added up. */
typedef struct {
    const winograd_gradient *all;
    ptrdiff_t count, section[SECTIONS + 1];
    tile_place *places;
    float *v, *p, *u;
    int add;
} gradient_round;

#define TILES_PER_TASK 8

static void round_points(const gradient_round *r, ptrdiff_t first, ptrdiff_t end) {
    const winograd_gradient *s = r->all;
    for (ptrdiff_t t = first; t < end; t++) {
        inputs_to_points(&s->x, r->places + t, s->top, s->left, s->zeros, s->rows, r->v + t * NR, s->x_slot);
        gradients_to_points(&s->g, r->places + t, s->zeros, s->rows, r->p + t * NR, s->g_slot);
    }
}

/* One point, some panels. Rows of a go MR at a time, then 4, then one by one. */
static void round_product(const gradient_round *r, int q, ptrdiff_t first, ptrdiff_t last) {
    const winograd_gradient *s = r->all;
    ptrdiff_t begin, stop;
    tiles_with_point(&s->cut, r->section, q, &begin, &stop);
    const ptrdiff_t k = stop - begin;
    for (ptrdiff_t j = first; j < last; j++) {
        const float *p = r->p + q * s->g_slot + (j * s->rows + begin) * NR;
        const int two = s->g.c - j * NR > VL;
        for (ptrdiff_t c = 0; c < s->x.c; c += NR) {
            const float *v = r->v + q * s->x_slot + c * s->rows + begin * NR;
            float *u = r->u + q * s->u_slot + j * s->x.c * NR + c * NR;
            const ptrdiff_t end = s->x.c - c < NR ? s->x.c - c : NR;
            ptrdiff_t step;
            for (ptrdiff_t i = 0; i < end; i += step) {
                const ptrdiff_t left = end - i;
                step = left >= MR + 4 || left == MR ? MR : left >= 4 ? 4 : 1;
                if (step == MR && two)
                    tiles_product(MR, 2, k, v + i, p, u + i * NR, r->add);
                else if (step == MR)
                    tiles_product(MR, 1, k, v + i, p, u + i * NR, r->add);
                else if (step == 4)
                    tiles_product(4, 2, k, v + i, p, u + i * NR, r->add);
                else
                    tiles_product(1, 2, k, v + i, p, u + i * NR, r->add);
            }
        }
    }
}

/* -- large dU: one for all, its points divided among the threads -- */

static void shared_points(void *ctx, size_t index) {
    const gradient_round *r = ctx;
    const ptrdiff_t first = (ptrdiff_t)index * TILES_PER_TASK, end = first + TILES_PER_TASK;
    round_points(r, first, end < r->count ? end : r->count);
}

/* One point, or a part of its panels. */
static void shared_product(void *ctx, size_t index) {
    const gradient_round *r = ctx;
    const ptrdiff_t splits = r->all->splits, part = (ptrdiff_t)index % splits, panels = panels_of(r->all->g.c);
    round_product(r, (int)((ptrdiff_t)index / splits), cut(panels, splits, part), cut(panels, splits, part + 1));
}

static void shared_rounds(winograd_gradient *s) {
    const int points = (s->m + 2) * (s->m + 2);
    const ptrdiff_t rounds = (s->tiles + s->rows - 1) / s->rows, panels = panels_of(s->g.c);
    s->splits = 4 * nk_get_threads() / points + 1;
    if (s->splits > panels) s->splits = panels;
    gradient_round r = {.all = s, .places = s->places, .v = s->v, .p = s->p, .u = s->u};
    for (ptrdiff_t i = 0; i < rounds; i++) {
        const ptrdiff_t first = cut(s->tiles, rounds, i);
        r.count = cut(s->tiles, rounds, i + 1) - first;
        r.add = !s->start || i > 0;
        sort_tiles(&s->cut, first, r.count, r.places, r.section);
        nk_parallel(shared_points, &r, (size_t)((r.count + TILES_PER_TASK - 1) / TILES_PER_TASK));
        nk_parallel(shared_product, &r, (size_t)(points * s->splits));
    }
}

/* -- small dU: each part of the tiles has its own, and nothing is handed from core to core -- */

static void private_part(void *ctx, size_t index) {
    winograd_gradient *s = ctx;
    const int points = (s->m + 2) * (s->m + 2);
    const ptrdiff_t part = (ptrdiff_t)index, begin = cut(s->tiles, s->parts, part);
    const ptrdiff_t count = cut(s->tiles, s->parts, part + 1) - begin;
    const ptrdiff_t rounds = (count + s->rows - 1) / s->rows;
    float *room = take_room((size_t)(points * (s->x_slot + s->g_slot)) * sizeof(float) +
                            (size_t)s->rows * sizeof(tile_place));
    if (room == NULL) {
        atomic_store(&s->failed, 1);
        return;
    }
    gradient_round r = {.all = s, .v = room, .p = room + points * s->x_slot, .u = s->u + part * points * s->u_slot};
    r.places = (tile_place *)(r.p + points * s->g_slot);
    if (s->start) memset(r.u, 0, winograd_bytes(s->m, s->u_slot));
    r.add = 1;
    for (ptrdiff_t i = 0; i < rounds; i++) {
        const ptrdiff_t first = cut(count, rounds, i);
        r.count = cut(count, rounds, i + 1) - first;
        sort_tiles(&s->cut, begin + first, r.count, r.places, r.section);
        round_points(&r, 0, r.count);
        for (int q = 0; q < points; q++) round_product(&r, q, 0, panels_of(s->g.c));
    }
    nk_give(room);
}

/* One point of all parts, in their order. */
static void private_sum(void *ctx, size_t index) {
    const winograd_gradient *s = ctx;
    const ptrdiff_t apart = (s->m + 2) * (s->m + 2) * s->u_slot;
    float *u = s->u + (ptrdiff_t)index * s->u_slot;
    for (ptrdiff_t i = 0; i < s->u_slot - NR; i += VL) {
        vf sum = load(u + i);
        for (ptrdiff_t part = 1; part < s->parts; part++) sum += load(u + part * apart + i);
        store(u + i, sum);
    }
}

/* -- either way -- */

/* Sizes and memory; 0 where there is none. */
static int winograd_gradient_begin(winograd_gradient *s, ptrdiff_t c, ptrdiff_t f) {
    const ptrdiff_t widest = NR * panels_of(c > f ? c : f);
    s->u_slot = slot_of(c, f);
    s->parts = winograd_bytes(s->m, s->u_slot) <= PRIVATE_BYTES ? PRIVATE_PARTS : 1;
    s->rows = s->parts > 1 ? PRIVATE_TILES : GRADIENT_TILES;
    s->x_slot = slot_of(s->rows, c);
    s->g_slot = slot_of(s->rows, f);
    s->start = 1;
    atomic_init(&s->failed, 0);
    int good = (s->u = take_room((size_t)s->parts * winograd_bytes(s->m, s->u_slot))) != NULL;
    good &= (s->zeros = nk_take((size_t)widest * sizeof(float))) != NULL;
    if (s->zeros) memset(s->zeros, 0, (size_t)widest * sizeof(float));
    if (s->parts > 1) return good;
    good &= (s->v = take_room(winograd_bytes(s->m, s->x_slot))) != NULL;
    good &= (s->p = take_room(winograd_bytes(s->m, s->g_slot))) != NULL;
    good &= (s->places = nk_take((size_t)s->rows * sizeof(tile_place))) != NULL;
    return good;
}

/* Adds what a group of n pictures brings to dU; not 0 where memory is missing. */
static int winograd_gradient_run(winograd_gradient *s, ptrdiff_t n) {
    s->cut = cut_in_tiles(s->m, s->g.h, s->g.w);
    s->tiles = n * s->cut.down * s->cut.across;
    if (s->parts > 1)
        nk_parallel(private_part, s, (size_t)s->parts);
    else
        shared_rounds(s);
    s->start = 0;
    return atomic_load(&s->failed) ? -1 : 0;
}

static void winograd_gradient_end(winograd_gradient *s, float *dkernel) {
    winograd_weights w = {.m = s->m, .c = s->x.c, .f = s->g.c, .slot = s->u_slot, .u = s->u, .dkernel = dkernel};
    if (s->parts > 1) nk_parallel(private_sum, s, (size_t)((s->m + 2) * (s->m + 2)));
    nk_parallel(s->m == 2 ? kernel_from_points_2 : kernel_from_points_4, &w,
                (size_t)((w.c + KERNEL_ROWS - 1) / KERNEL_ROWS));
}
