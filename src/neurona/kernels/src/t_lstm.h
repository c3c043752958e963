/* The LSTM over whole sequences: the loop over time in one call, forward and backward (see t_recurrent.h).
 *
 * Forward, threads split the batch and each takes its rows through all steps. Backward, the steps go in chunks: first each
 * thread takes its rows back through the chunk's steps and leaves the gates' gradients behind, then the threads split the
 * weights' gradient by its columns.
 */
GATE_TILES(4)

enum { LSTM_GATES = 4 };

/* ---- forward ---- */

typedef struct {
    const nk_lstm *p;
    ptrdiff_t depth, up, slices, ldi; /* depth: of [x | h]; up: units padded to whole vectors */
    ptrdiff_t tasks;
    const float *weights, *bias;  /* packed: [slices][depth][4][VL], [slices][4][VL] */
    float *in, *h, *c, *z;        /* for each row of the batch: [ldi], [up], [up], [4 VL] */
    int32_t *list;
} lstm_run;

/* A slice's gates from z, and the new state of its n <= VL units. In two passes, because the processor works ahead by some
 * hundred instructions only: the gates of a row, then of the next, wait for nothing; the way from cell to state is long. */
INLINE void lstm_cell(const lstm_run *s, ptrdiff_t j, const ptrdiff_t n, ptrdiff_t t, const int32_t *list,
                      ptrdiff_t count, float *z) {
    const nk_lstm *p = s->p;
    for (ptrdiff_t a = 0; a < count; a++) {
        float *gates = p->gates + (list[a] * p->t + t) * LSTM_GATES * p->u + j, *row = z + a * LSTM_GATES * VL;
        _Pragma("GCC unroll 4") for (int q = 0; q < LSTM_GATES; q++) {
            const vf gate = q == 2 ? tanh_gate(load(row + q * VL)) : sigmoid_gate(load(row + q * VL));
            store(row + q * VL, gate);
            store_here(gates + q * p->u, n, gate);
        }
    }
    for (ptrdiff_t a = 0; a < count; a++, z += LSTM_GATES * VL) {
        const ptrdiff_t row = list[a], at = (row * p->t + t) * p->u + j;
        float *h = s->h + row * s->up + j, *c = s->c + row * s->up + j;
        const vf cell = load(z + VL) * load(c) + load(z) * load(z + 2 * VL);
        const vf state = load(z + 3 * VL) * tanh_gate(cell);
        store(c, cell);
        store(h, state);
        store_here(p->c + at, n, cell);
        store_here(p->h + at, n, state);
    }
}

/* Out of line, so that every number of rows runs the same instructions. */
static __attribute__((noinline)) void lstm_cells(const lstm_run *s, ptrdiff_t slice, ptrdiff_t t, const int32_t *list,
                                                 ptrdiff_t count, float *z) {
    const ptrdiff_t j = slice * VL, left = s->p->u - j;
    if (left >= VL)
        lstm_cell(s, j, VL, t, list, count, z);
    else
        lstm_cell(s, j, left, t, list, count, z);
}

/* Rows whose step is masked: the states stay, the gates are 0. */
static void lstm_carry(const lstm_run *s, ptrdiff_t t, ptrdiff_t first, ptrdiff_t end) {
    const nk_lstm *p = s->p;
    for (ptrdiff_t row = first; row < end; row++) {
        const ptrdiff_t at = row * p->t + t;
        if (p->mask[at]) continue;
        copy_floats(s->h + row * s->up, p->h + at * p->u, p->u);
        copy_floats(s->c + row * s->up, p->c + at * p->u, p->u);
        memset(p->gates + at * LSTM_GATES * p->u, 0, (size_t)(LSTM_GATES * p->u) * sizeof(float));
    }
}

static void lstm_task(void *ctx, size_t index) {
    const lstm_run *s = ctx;
    const nk_lstm *p = s->p;
    const ptrdiff_t first = cut(p->n, s->tasks, (ptrdiff_t)index), end = cut(p->n, s->tasks, (ptrdiff_t)index + 1);
    float *in = s->in + first * s->ldi, *z = s->z + first * LSTM_GATES * VL;
    int32_t *list = s->list + first;
    for (ptrdiff_t row = first; row < end; row++) {
        copy_floats(p->h0 + row * p->u, s->h + row * s->up, p->u);
        copy_floats(p->c0 + row * p->u, s->c + row * s->up, p->u);
    }
    for (ptrdiff_t step = 0; step < p->t; step++) {
        const ptrdiff_t t = p->backwards ? p->t - 1 - step : step;
        const ptrdiff_t count = rows_on(p->mask, p->t, t, first, end, list);
        if (count < end - first) lstm_carry(s, t, first, end);
        for (ptrdiff_t a = 0; a < count; a++) {
            const ptrdiff_t row = list[a];
            copy_floats(p->x + (row * p->t + t) * p->d, in + a * s->ldi, p->d);
            copy_scaled(s->h + row * s->up, p->kept ? p->kept + row * p->u : NULL, in + a * s->ldi + p->d, p->u);
        }
        for (ptrdiff_t slice = 0; slice < s->slices; slice++) {
            gate_products(gate_tiles_4, LSTM_GATES, count, s->depth, in, s->ldi,
                          s->weights + slice * s->depth * LSTM_GATES * VL, s->bias + slice * LSTM_GATES * VL, z);
            lstm_cells(s, slice, t, list, count, z);
        }
    }
}

static int lstm(const nk_lstm *p) {
    lstm_run s = {.p = p, .depth = p->d + p->u, .up = rounded_up(p->u, VL)};
    s.slices = s.up / VL;
    s.ldi = row_stride(s.depth);
    s.tasks = row_tasks(p->n);
    const ptrdiff_t weights = s.slices * (s.depth + 1) * LSTM_GATES * VL;
    const ptrdiff_t rows = p->n * (s.ldi + 2 * s.up + LSTM_GATES * VL + 1);
    float *memory = nk_take((size_t)(weights + rows) * sizeof(float));
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
    s.h = s.in + p->n * s.ldi;
    s.c = s.h + p->n * s.up;
    s.z = s.c + p->n * s.up;
    s.list = (int32_t *)(s.z + p->n * LSTM_GATES * VL);
    memset(s.h, 0, (size_t)(2 * p->n * s.up) * sizeof(float)); /* the padding takes part in vectors, and counts nothing */
    nk_parallel(lstm_task, &s, (size_t)s.tasks);
    nk_give(memory);
    return 0;
}

/* ---- backward ---- */

typedef struct {
    const nk_lstm_backward *p;
    ptrdiff_t up, wide, ldz, ldi; /* wide: 4 up, the columns of dz; ldz, ldi: floats from row to row of `row_dz`, `in` */
    ptrdiff_t state_panels, panels; /* of the turned weights: those that lead to h, and with those that lead to x */
    ptrdiff_t first, end, tasks;    /* the rows of the batch in work, and what they are cut in */
    ptrdiff_t step, steps;          /* the chunk: steps step, step - 1, ... in the order of reading */
    const float *turned;
    float *dh, *dc, *row_dz, *out; /* for each row of the batch: [up], [up], [ldz], [panels NR] */
    float *in, *dz;                /* of the chunk: [CHUNK][ldi], [wide / NR][CHUNK][NR] */
    int32_t *list;
    ptrdiff_t places[CHUNK]; /* where each step of the chunk begins in it */
} lstm_back;

INLINE vf given(const float *g, ptrdiff_t at, const ptrdiff_t n) { return g ? load_here(g + at, n) : (vf){0}; }

/* n <= VL units of a row's step: dz to row a of `row_dz` and to row `place` of the chunk, dc to the step before. */
INLINE void lstm_units_back(const lstm_back *s, ptrdiff_t row, ptrdiff_t t, const float *cell_before, ptrdiff_t place,
                            float *row_dz, ptrdiff_t j, const ptrdiff_t n) {
    const nk_lstm *p = &s->p->layer;
    const ptrdiff_t u = p->u, at = (row * p->t + t) * u + j, wide_at = (row * p->t + t) * LSTM_GATES * u + j;
    const float *gates = p->gates + wide_at;
    float *dh = s->dh + row * s->up + j, *dc = s->dc + row * s->up + j;
    const vf in = load_here(gates, n), forget = load_here(gates + u, n);
    const vf candidate = load_here(gates + 2 * u, n), out = load_here(gates + 3 * u, n);
    const vf squashed = tanh_gate(load_here(p->c + at, n)), cell = load_here(cell_before + j, n);
    const vf into_h = load(dh) + given(s->p->gh, at, n);
    const vf into_c = load(dc) + given(s->p->gc, at, n) + into_h * out * (1.0f - squashed * squashed);
    store(dc, into_c * forget);
    vf slopes[LSTM_GATES] = {into_c * candidate, into_c * cell, into_c * in, into_h * squashed};
    if (s->p->ggates)
        for (int q = 0; q < LSTM_GATES; q++) slopes[q] += load_here(s->p->ggates + wide_at + q * u, n);
    const vf dz[LSTM_GATES] = {slopes[0] * (in * (1.0f - in)), slopes[1] * (forget * (1.0f - forget)),
                               slopes[2] * (1.0f - candidate * candidate), slopes[3] * (out * (1.0f - out))};
    _Pragma("GCC unroll 4") for (int q = 0; q < LSTM_GATES; q++) {
        const ptrdiff_t column = q * s->up + j;
        store(row_dz + column, dz[q]);
        store(s->dz + (column / NR * CHUNK + place) * NR + column % NR, dz[q]);
    }
}

static __attribute__((noinline)) void lstm_row_back(const lstm_back *s, ptrdiff_t row, ptrdiff_t t,
                                                    const float *cell_before, ptrdiff_t place, float *row_dz) {
    OVER_COLUMNS(s->p->layer.u, lstm_units_back, s, row, t, cell_before, place, row_dz);
}

/* What a masked step hands on. */
static void lstm_hand_on(const lstm_back *s, ptrdiff_t t, ptrdiff_t first, ptrdiff_t end) {
    const nk_lstm *p = &s->p->layer;
    for (ptrdiff_t row = first; row < end; row++) {
        const ptrdiff_t at = row * p->t + t;
        if (p->mask[at]) continue;
        float *dh = s->dh + row * s->up, *dc = s->dc + row * s->up;
        const float *gh = s->p->gh ? s->p->gh + at * p->u : NULL, *gc = s->p->gc ? s->p->gc + at * p->u : NULL;
        if (gh)
            for (ptrdiff_t j = 0; j < p->u; j++) dh[j] += gh[j];
        if (gc)
            for (ptrdiff_t j = 0; j < p->u; j++) dc[j] += gc[j];
        if (s->p->dx) memset(s->p->dx + at * p->d, 0, (size_t)p->d * sizeof(float));
    }
}

/* A product's row goes where it belongs: to dh, through the factors `kept`, and to dx. */
static void lstm_scatter(const lstm_back *s, ptrdiff_t row, ptrdiff_t t, const float *before, const float *out) {
    const nk_lstm *p = &s->p->layer;
    if (s->p->dkept) {
        float *dkept = s->p->dkept + row * p->u;
        for (ptrdiff_t j = 0; j < p->u; j++) dkept[j] += out[j] * before[j];
    }
    copy_scaled(out, p->kept ? p->kept + row * p->u : NULL, s->dh + row * s->up, p->u);
    if (s->p->dx) copy_floats(out + s->state_panels * NR, s->p->dx + (row * p->t + t) * p->d, p->d);
}

/* What the step `last` of a row will read, once the step t after it is done. */
INLINE void lstm_soon(const lstm_back *s, ptrdiff_t row, ptrdiff_t t, ptrdiff_t last, ptrdiff_t step) {
    const nk_lstm *p = &s->p->layer;
    const ptrdiff_t at = row * p->t + last, before = row * p->t + 2 * last - t;
    soon_read(p->gates + at * LSTM_GATES * p->u, LSTM_GATES * p->u);
    soon_read(p->x + at * p->d, p->d);
    soon_read(s->p->gh ? s->p->gh + at * p->u : NULL, p->u);
    soon_read(s->p->gc ? s->p->gc + at * p->u : NULL, p->u);
    if (step < 2) return;
    soon_read(p->h + before * p->u, p->u);
    soon_read(p->c + before * p->u, p->u);
}

/* A part of the rows, back through the steps of the chunk. */
static void lstm_back_task(void *ctx, size_t index) {
    const lstm_back *s = ctx;
    const nk_lstm *p = &s->p->layer;
    const ptrdiff_t rows = s->end - s->first, first = s->first + cut(rows, s->tasks, (ptrdiff_t)index);
    const ptrdiff_t end = s->first + cut(rows, s->tasks, (ptrdiff_t)index + 1);
    int32_t *list = s->list + first;
    float *row_dz = s->row_dz + first * s->ldz, *out = s->out + first * s->panels * NR;
    for (ptrdiff_t i = 0; i < s->steps; i++) {
        const ptrdiff_t step = s->step - i, t = p->backwards ? p->t - 1 - step : step;
        const ptrdiff_t last = p->backwards ? t + 1 : t - 1; /* the step read before this one, if step > 0 */
        const ptrdiff_t count = rows_on(p->mask, p->t, t, first, end, list);
        ptrdiff_t place = s->places[i] + count_on(p->mask, p->t, t, s->first, first);
        if (count < end - first) lstm_hand_on(s, t, first, end);
        for (ptrdiff_t a = 0; a < count; a++, place++) {
            const ptrdiff_t row = list[a], before = (row * p->t + last) * p->u;
            if (step) lstm_soon(s, row, t, last, step);
            lstm_row_back(s, row, t, step ? p->c + before : p->c0 + row * p->u, place, row_dz + a * s->ldz);
            float *in = s->in + place * s->ldi;
            copy_floats(p->x + (row * p->t + t) * p->d, in, p->d);
            copy_scaled(step ? p->h + before : p->h0 + row * p->u, p->kept ? p->kept + row * p->u : NULL, in + p->d,
                        p->u);
        }
        panel_products(count, s->wide, row_dz, s->ldz, s->turned, s->panels, out);
        for (ptrdiff_t a = 0; a < count; a++) {
            const ptrdiff_t row = list[a];
            lstm_scatter(s, row, t, step ? p->h + (row * p->t + last) * p->u : p->h0 + row * p->u,
                         out + a * s->panels * NR);
        }
    }
}

/* The next chunk of steps: as many as its rows of dz hold, at least one. Returns how many rows that are. */
static ptrdiff_t lstm_next_chunk(lstm_back *s) {
    const nk_lstm *p = &s->p->layer;
    ptrdiff_t rows = 0;
    s->step -= s->steps;
    for (s->steps = 0; s->steps <= s->step && s->steps < CHUNK; s->steps++) {
        const ptrdiff_t step = s->step - s->steps;
        const ptrdiff_t count = count_on(p->mask, p->t, p->backwards ? p->t - 1 - step : step, s->first, s->end);
        if (rows + count > CHUNK) break;
        s->places[s->steps] = rows;
        rows += count;
    }
    return rows;
}

static int lstm_backward(const nk_lstm_backward *b) {
    const nk_lstm *p = &b->layer;
    lstm_back s = {.p = b, .up = rounded_up(p->u, VL)};
    s.wide = LSTM_GATES * s.up;
    s.ldz = row_stride(s.wide);
    s.state_panels = (p->u + NR - 1) / NR;
    s.panels = s.state_panels + (b->dx ? (p->d + NR - 1) / NR : 0);
    weight_sums sums = {.m = p->d + p->u, .panels = s.wide / NR};
    s.ldi = sums.ldi = row_stride(sums.m);
    const ptrdiff_t turned = s.panels * s.wide * NR, of_sums = s.wide * (sums.m + 1);
    const ptrdiff_t of_chunk = CHUNK * (s.ldi + s.wide), of_rows = p->n * (2 * s.up + s.ldz + s.panels * NR + 1);
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
    s.dh = s.out + p->n * s.panels * NR;
    s.dc = s.dh + p->n * s.up;
    s.list = (int32_t *)(s.dc + p->n * s.up);
    pack_turned_panels(p->recurrent, p->u, LSTM_GATES, p->u, s.up, packed);
    if (b->dx) pack_turned_panels(p->kernel, p->d, LSTM_GATES, p->u, s.up, packed + s.state_panels * s.wide * NR);
    memset(sums.sums, 0, (size_t)of_sums * sizeof(float));
    memset(s.dh, 0, (size_t)(2 * p->n * s.up) * sizeof(float));
    if (b->dkept) memset(b->dkept, 0, (size_t)(p->n * p->u) * sizeof(float));
    for (s.first = 0; s.first < p->n; s.first = s.end) {
        s.end = s.first + CHUNK < p->n ? s.first + CHUNK : p->n;
        s.tasks = row_tasks(s.end - s.first);
        s.step = p->t - 1;
        s.steps = 0;
        while (s.step - s.steps >= 0) {
            sums.count = lstm_next_chunk(&s);
            nk_parallel(lstm_back_task, &s, (size_t)s.tasks);
            if (b->dkernel) add_weight_sums(&sums);
        }
    }
    if (b->dkernel) {
        unpack_sums(&sums, 0, p->d, LSTM_GATES, p->u, s.up, b->dkernel);
        unpack_sums(&sums, p->d, p->u, LSTM_GATES, p->u, s.up, b->drecurrent);
        unpack_bias(&sums, LSTM_GATES, p->u, s.up, b->dbias);
    }
    for (ptrdiff_t row = 0; row < p->n; row++) {
        copy_floats(s.dh + row * s.up, b->dh0 + row * p->u, p->u);
        copy_floats(s.dc + row * s.up, b->dc0 + row * p->u, p->u);
    }
    nk_give(memory);
    return 0;
}
