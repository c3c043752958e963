/* The LSTM over whole sequences: the loop over time in one call, forward and backward (see t_recurrent.h, t_steps.h).
 *
 * Forward, threads split the batch and each takes its rows through all steps. Backward, the steps go in chunks: first each
 * thread takes its rows back through the chunk's steps and leaves the gates' gradients behind, then the threads split the
 * weights' gradient by its columns.
 */
GATE_TILES(4)

enum { LSTM_GATES = 4 };

/* ---- forward ---- */

typedef struct {
    const nk_recurrent *p;
    ptrdiff_t depth, slices, ldi; /* depth: of [x | h'] */
    ptrdiff_t tasks;
    const float *weights, *bias; /* packed: [slices][depth][4][VL], [slices][4][VL] */
    float *in, *z;               /* for each row of the batch: [ldi], [4 VL] */
    int32_t *list;
} lstm_run;

/* A slice's gates from z, and the new state of its n <= VL units. In two passes, because the processor works ahead by some
 * hundred instructions only: the gates of a row, then of the next, wait for nothing; the way from cell to state is long. */
INLINE void lstm_cell(const nk_recurrent *p, ptrdiff_t j, const ptrdiff_t n, ptrdiff_t t, const int32_t *list,
                      ptrdiff_t count, float *z) {
    for (ptrdiff_t a = 0; a < count; a++) {
        float *gates = p->gates + (list[a] * p->t + t) * LSTM_GATES * p->u + j, *row = z + a * LSTM_GATES * VL;
        _Pragma("GCC unroll 4") for (int q = 0; q < LSTM_GATES; q++) {
            const vf gate = q == 2 ? tanh_gate(load(row + q * VL)) : sigmoid_gate(load(row + q * VL));
            store(row + q * VL, gate);
            store_here(gates + q * p->u, n, gate);
        }
    }
    for (ptrdiff_t a = 0; a < count; a++, z += LSTM_GATES * VL) {
        const ptrdiff_t at = (list[a] * p->t + t) * p->u + j;
        const vf before = load_here(cell_before(p, list[a], t) + j, n);
        const vf cell = load(z + VL) * before + load(z) * load(z + 2 * VL);
        store_here(p->c + at, n, cell);
        store_here(p->h + at, n, load(z + 3 * VL) * tanh_gate(cell));
    }
}

/* Out of line, so that every number of rows runs the same instructions. */
static __attribute__((noinline)) void lstm_cells(const nk_recurrent *p, ptrdiff_t slice, ptrdiff_t t, const int32_t *list,
                                                 ptrdiff_t count, float *z) {
    const ptrdiff_t j = slice * VL, left = p->u - j;
    if (left >= VL)
        lstm_cell(p, j, VL, t, list, count, z);
    else
        lstm_cell(p, j, left, t, list, count, z);
}

static void lstm_task(void *ctx, size_t index) {
    const lstm_run *s = ctx;
    const nk_recurrent *p = s->p;
    const ptrdiff_t first = cut(p->n, s->tasks, (ptrdiff_t)index), end = cut(p->n, s->tasks, (ptrdiff_t)index + 1);
    float *in = s->in + first * s->ldi, *z = s->z + first * LSTM_GATES * VL;
    int32_t *list = s->list + first;
    for (ptrdiff_t step = 0; step < p->t; step++) {
        const ptrdiff_t t = time_of(p, step), count = rows_on(p->mask, p->t, t, first, end, list);
        if (count < end - first) carry_masked(p, LSTM_GATES, t, first, end);
        for (ptrdiff_t a = 0; a < count; a++) gather_step(p, list[a], t, in + a * s->ldi);
        for (ptrdiff_t slice = 0; slice < s->slices; slice++) {
            gate_products(gate_tiles_4, LSTM_GATES, count, s->depth, in, s->ldi,
                          s->weights + slice * s->depth * LSTM_GATES * VL, s->bias + slice * LSTM_GATES * VL, z);
            lstm_cells(p, slice, t, list, count, z);
        }
    }
}

static int lstm(const nk_recurrent *p) {
    lstm_run s = {.p = p, .depth = p->d + p->u, .slices = (p->u + VL - 1) / VL};
    s.ldi = row_stride(s.depth);
    s.tasks = row_tasks(p->n);
    const ptrdiff_t weights = s.slices * (s.depth + 1) * LSTM_GATES * VL;
    float *memory = nk_take((size_t)(weights + p->n * (s.ldi + LSTM_GATES * VL + 1)) * sizeof(float));
    if (memory == NULL) return -1;
    float *packed = memory, *bias = packed + s.slices * s.depth * LSTM_GATES * VL;
    pack_slices(p->kernel, p->d, 0, s.depth, LSTM_GATES, p->u, packed);
    pack_slices(p->recurrent, p->u, p->d, s.depth, LSTM_GATES, p->u, packed);
    if (p->bias)
        pack_slices(p->bias, 1, 0, 1, LSTM_GATES, p->u, bias);
    else
        memset(bias, 0, (size_t)(s.slices * LSTM_GATES * VL) * sizeof(float));
    s.weights = packed;
    s.bias = bias;
    s.in = memory + weights;
    s.z = s.in + p->n * s.ldi;
    s.list = (int32_t *)(s.z + p->n * LSTM_GATES * VL);
    nk_parallel(lstm_task, &s, (size_t)s.tasks);
    nk_give(memory);
    return 0;
}

/* ---- backward ---- */

typedef struct {
    steps_back walk;
    ptrdiff_t wide, ldz, ldi;       /* wide: 4 up, the columns of dz; ldz, ldi: floats from row to row of `row_dz`, `in` */
    ptrdiff_t state_panels, panels; /* of the turned weights: those that lead to h', and with those that lead to x */
    const float *turned;
    float *row_dz, *out; /* for each row of the batch: [ldz], [panels NR] */
    float *in, *dz;      /* of the chunk: [CHUNK][ldi], [wide / NR][CHUNK][NR] */
    int32_t *list;
} lstm_back;

/* n <= VL units of a row's step: dz to `row_dz` and to row `place` of the chunk, dc to the step before. */
INLINE void lstm_units_back(const lstm_back *s, ptrdiff_t row, ptrdiff_t t, const float *before, ptrdiff_t place,
                            float *row_dz, ptrdiff_t j, const ptrdiff_t n) {
    const steps_back *w = &s->walk;
    const nk_recurrent *p = &w->b->layer;
    const ptrdiff_t u = p->u, at = (row * p->t + t) * u + j, wide_at = (row * p->t + t) * LSTM_GATES * u + j;
    const float *gates = p->gates + wide_at;
    float *dh = w->dh + row * w->up + j, *dc = w->dc + row * w->up + j;
    const vf in = load_here(gates, n), forget = load_here(gates + u, n);
    const vf candidate = load_here(gates + 2 * u, n), out = load_here(gates + 3 * u, n);
    const vf squashed = tanh_gate(load_here(p->c + at, n)), cell = load_here(before + j, n);
    const vf into_h = load(dh) + given_or_0(w->b->gh, at, n);
    const vf into_c = load(dc) + given_or_0(w->b->gc, at, n) + into_h * out * (1.0f - squashed * squashed);
    store(dh, (vf){0}); /* all that goes on passes through the product */
    store(dc, into_c * forget);
    vf slopes[LSTM_GATES] = {into_c * candidate, into_c * cell, into_c * in, into_h * squashed};
    if (w->b->ggates)
        for (int q = 0; q < LSTM_GATES; q++) slopes[q] += load_here(w->b->ggates + wide_at + q * u, n);
    const vf dz[LSTM_GATES] = {slopes[0] * (in * (1.0f - in)), slopes[1] * (forget * (1.0f - forget)),
                               slopes[2] * (1.0f - candidate * candidate), slopes[3] * (out * (1.0f - out))};
    _Pragma("GCC unroll 4") for (int q = 0; q < LSTM_GATES; q++) put_dz(row_dz, s->dz, place, q * w->up + j, dz[q]);
}

static __attribute__((noinline)) void lstm_row_back(const lstm_back *s, ptrdiff_t row, ptrdiff_t t, ptrdiff_t place,
                                                    float *row_dz) {
    const nk_recurrent *p = &s->walk.b->layer;
    OVER_COLUMNS(p->u, lstm_units_back, s, row, t, cell_before(p, row, t), place, row_dz);
}

/* What the next step of a row, which `step` of reading comes after, will read. */
INLINE void lstm_soon(const steps_back *w, ptrdiff_t row, ptrdiff_t step) {
    const nk_recurrent *p = &w->b->layer;
    if (step == 0) return;
    const ptrdiff_t t = time_of(p, step - 1), at = row * p->t + t;
    soon_read(p->gates + at * LSTM_GATES * p->u, LSTM_GATES * p->u);
    soon_read(p->x + at * p->d, p->d);
    soon_read(w->b->gh ? w->b->gh + at * p->u : NULL, p->u);
    soon_read(w->b->gc ? w->b->gc + at * p->u : NULL, p->u);
    soon_read(state_before(p, row, t), p->u);
    soon_read(cell_before(p, row, t), p->u);
}

/* A part of the rows, back through the steps of the chunk. */
static void lstm_back_task(void *ctx, size_t index) {
    const lstm_back *s = ctx;
    const steps_back *w = &s->walk;
    const nk_recurrent *p = &w->b->layer;
    const ptrdiff_t rows = w->end - w->first, first = w->first + cut(rows, w->tasks, (ptrdiff_t)index);
    const ptrdiff_t end = w->first + cut(rows, w->tasks, (ptrdiff_t)index + 1), width = s->panels * NR;
    float *row_dz = s->row_dz + first * s->ldz, *out = s->out + first * width;
    int32_t *list = s->list + first;
    for (ptrdiff_t i = 0; i < w->steps; i++) {
        const ptrdiff_t t = time_of(p, w->step - i), count = rows_on(p->mask, p->t, t, first, end, list);
        const ptrdiff_t place = w->places[i] + count_on(p->mask, p->t, t, w->first, first);
        if (count < end - first) hand_on_masked(w, t, first, end);
        for (ptrdiff_t a = 0; a < count; a++) {
            lstm_soon(w, list[a], w->step - i);
            lstm_row_back(s, list[a], t, place + a, row_dz + a * s->ldz);
            gather_step(p, list[a], t, s->in + (place + a) * s->ldi);
        }
        panel_products(count, s->wide, row_dz, s->ldz, s->turned, s->panels, out);
        for (ptrdiff_t a = 0; a < count; a++) {
            scatter_state(w, list[a], t, out + a * width);
            if (w->b->dx)
                copy_floats(out + a * width + s->state_panels * NR, w->b->dx + (list[a] * p->t + t) * p->d, p->d);
        }
    }
}

static int lstm_backward(const nk_recurrent_backward *b) {
    const nk_recurrent *p = &b->layer;
    lstm_back s = {.walk = {.b = b, .up = rounded_up(p->u, VL)}, .state_panels = (p->u + NR - 1) / NR};
    steps_back *w = &s.walk;
    s.wide = LSTM_GATES * w->up;
    s.ldz = row_stride(s.wide);
    s.panels = s.state_panels + (b->dx ? (p->d + NR - 1) / NR : 0);
    weight_sums sums = {.m = p->d + p->u, .panels = s.wide / NR};
    s.ldi = sums.ldi = row_stride(sums.m);
    const ptrdiff_t turned = s.panels * s.wide * NR, of_sums = s.wide * (sums.m + 1);
    const ptrdiff_t of_chunk = CHUNK * (s.ldi + s.wide), of_rows = p->n * (2 * w->up + s.ldz + s.panels * NR + 1);
    float *memory = nk_take((size_t)(turned + of_sums + of_chunk + of_rows) * sizeof(float));
    if (memory == NULL) return -1;
    float *packed = memory;
    s.turned = packed;
    sums.sums = memory + turned;
    sums.bias = sums.sums + s.wide * sums.m;
    sums.in = s.in = memory + turned + of_sums;
    sums.dz = s.dz = s.in + CHUNK * s.ldi;
    s.row_dz = s.dz + CHUNK * s.wide;
    s.out = s.row_dz + p->n * s.ldz;
    w->dh = s.out + p->n * s.panels * NR;
    w->dc = w->dh + p->n * w->up;
    s.list = (int32_t *)(w->dc + p->n * w->up);
    pack_turned_panels(p->recurrent, p->u, LSTM_GATES, p->u, w->up, packed);
    if (b->dx) pack_turned_panels(p->kernel, p->d, LSTM_GATES, p->u, w->up, packed + s.state_panels * s.wide * NR);
    memset(sums.sums, 0, (size_t)of_sums * sizeof(float));
    memset(w->dh, 0, (size_t)(2 * p->n * w->up) * sizeof(float));
    if (b->dkept) memset(b->dkept, 0, (size_t)(p->n * p->u) * sizeof(float));
    for (w->first = 0; w->first < p->n; w->first = w->end) {
        w->end = w->first + CHUNK < p->n ? w->first + CHUNK : p->n;
        w->tasks = row_tasks(w->end - w->first);
        w->step = p->t - 1;
        w->steps = 0;
        while (w->step - w->steps >= 0) {
            sums.count = next_chunk(w);
            nk_parallel(lstm_back_task, &s, (size_t)w->tasks);
            if (b->dkernel) add_weight_sums(&sums);
        }
    }
    if (b->dkernel) {
        unpack_sums(&sums, 0, p->d, LSTM_GATES, p->u, w->up, b->dkernel);
        unpack_sums(&sums, p->d, p->u, LSTM_GATES, p->u, w->up, b->drecurrent);
        unpack_bias(&sums, LSTM_GATES, p->u, w->up, b->dbias);
    }
    for (ptrdiff_t row = 0; row < p->n; row++) {
        copy_floats(w->dh + row * w->up, b->dh0 + row * p->u, p->u);
        copy_floats(w->dc + row * w->up, b->dc0 + row * p->u, p->u);
    }
    nk_give(memory);
    return 0;
}
