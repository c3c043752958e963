/* Plain recurrent neurons over whole sequences: the loop over time in one call, forward and backward (see t_recurrent.h,
 * t_steps.h). Threads split the work as for the GRU; a step is one product, of [x | h'], and the activation.
 */

/* ---- forward ---- */

typedef struct {
    const nk_recurrent *p;
    ptrdiff_t depth, ldi, up; /* depth: of [x | h']; up: units padded to whole panels */
    ptrdiff_t tasks;
    const float *weights, *bias; /* in panels; [up] */
    float *in, *sums;            /* for each row of the batch: [ldi], [up] */
    int32_t *list;
} simple_rnn_run;

INLINE void simple_rnn_units(const simple_rnn_run *s, const float *sums, float *h, ptrdiff_t j, const ptrdiff_t n) {
    store_here(h + j, n, activate(load(sums + j) + load(s->bias + j), s->p->activation));
}

/* Out of line, so that every number of rows runs the same instructions. */
static __attribute__((noinline)) void simple_rnn_row(const simple_rnn_run *s, const float *sums, float *h) {
    OVER_COLUMNS(s->p->u, simple_rnn_units, s, sums, h);
}

static void simple_rnn_task(void *ctx, size_t index) {
    const simple_rnn_run *s = ctx;
    const nk_recurrent *p = s->p;
    const ptrdiff_t first = cut(p->n, s->tasks, (ptrdiff_t)index), end = cut(p->n, s->tasks, (ptrdiff_t)index + 1);
    float *in = s->in + first * s->ldi, *sums = s->sums + first * s->up;
    int32_t *list = s->list + first;
    for (ptrdiff_t step = 0; step < p->t; step++) {
        const ptrdiff_t t = time_of(p, step), count = rows_on(p->mask, p->t, t, first, end, list);
        if (count < end - first) carry_masked(p, 1, t, first, end);
        for (ptrdiff_t a = 0; a < count; a++) gather_step(p, list[a], t, in + a * s->ldi);
        panel_products(count, s->depth, in, s->ldi, s->weights, s->up / NR, sums);
        for (ptrdiff_t a = 0; a < count; a++)
            simple_rnn_row(s, sums + a * s->up, p->h + (list[a] * p->t + t) * p->u);
    }
}

static int simple_rnn(const nk_recurrent *p) {
    const ptrdiff_t u = p->u;
    simple_rnn_run s = {.p = p, .depth = p->d + u, .up = rounded_up(u, NR)};
    s.ldi = row_stride(s.depth);
    s.tasks = row_tasks(p->n);
    float *memory = nk_take((size_t)((s.depth + 1) * s.up + p->n * (s.ldi + s.up + 1)) * sizeof(float));
    if (memory == NULL) return -1;
    float *weights = memory, *bias = weights + s.depth * s.up;
    pack_panels(p->kernel, u, p->d, u, 0, s.depth, weights);
    pack_panels(p->recurrent, u, u, u, p->d, s.depth, weights);
    pad_floats(p->bias, u, bias, s.up);
    s.weights = weights;
    s.bias = bias;
    s.in = bias + s.up;
    s.sums = s.in + p->n * s.ldi;
    s.list = (int32_t *)(s.sums + p->n * s.up);
    nk_parallel(simple_rnn_task, &s, (size_t)s.tasks);
    nk_give(memory);
    return 0;
}

/* ---- backward ---- */

typedef struct {
    steps_back walk;
    ptrdiff_t ldz, ldi, state_panels, panels; /* panels: those that lead to h', and with those that lead to x */
    const float *turned;
    float *row_dz, *out; /* for each row of the batch: [ldz], [panels NR] */
    float *in, *dz;      /* of the chunk: [CHUNK][ldi], [up / NR][CHUNK][NR] */
    int32_t *list;
} simple_rnn_back;

INLINE void simple_rnn_units_back(const simple_rnn_back *s, ptrdiff_t row, ptrdiff_t t, ptrdiff_t place, float *row_dz,
                                  ptrdiff_t j, const ptrdiff_t n) {
    const nk_recurrent *p = &s->walk.b->layer;
    const ptrdiff_t at = (row * p->t + t) * p->u + j;
    float *dh = s->walk.dh + row * s->walk.up + j;
    const vf into = load(dh) + given_or_0(s->walk.b->gh, at, n);
    put_dz(row_dz, s->dz, place, j, slope(into, load_here(p->h + at, n), p->activation));
    store(dh, (vf){0}); /* all that goes on passes through the product */
}

static __attribute__((noinline)) void simple_rnn_row_back(const simple_rnn_back *s, ptrdiff_t row, ptrdiff_t t,
                                                          ptrdiff_t place, float *row_dz) {
    OVER_COLUMNS(s->walk.b->layer.u, simple_rnn_units_back, s, row, t, place, row_dz);
}

/* A part of the rows, back through the steps of the chunk. */
static void simple_rnn_back_task(void *ctx, size_t index) {
    const simple_rnn_back *s = ctx;
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
            gather_step(p, list[a], t, s->in + (place + a) * s->ldi);
            simple_rnn_row_back(s, list[a], t, place + a, row_dz + a * s->ldz);
        }
        panel_products(count, w->up, row_dz, s->ldz, s->turned, s->panels, out);
        for (ptrdiff_t a = 0; a < count; a++) {
            scatter_state(w, list[a], t, out + a * width);
            if (w->b->dx)
                copy_floats(out + a * width + s->state_panels * NR, w->b->dx + (list[a] * p->t + t) * p->d, p->d);
        }
    }
}

static int simple_rnn_backward(const nk_recurrent_backward *b) {
    const nk_recurrent *p = &b->layer;
    const ptrdiff_t u = p->u, up = rounded_up(u, NR);
    simple_rnn_back s = {.walk = {.b = b, .up = up}, .ldz = row_stride(up), .state_panels = up / NR};
    steps_back *w = &s.walk;
    s.panels = s.state_panels + (b->dx ? (p->d + NR - 1) / NR : 0);
    weight_sums sums = {.m = p->d + u, .panels = up / NR};
    s.ldi = sums.ldi = row_stride(sums.m);
    const ptrdiff_t turned = s.panels * up * NR, of_sums = up * (sums.m + 1), of_chunk = CHUNK * (s.ldi + up);
    const ptrdiff_t of_rows = p->n * (up + s.ldz + s.panels * NR + 1);
    float *memory = nk_take((size_t)(turned + of_sums + of_chunk + of_rows) * sizeof(float));
    if (memory == NULL) return -1;
    float *packed = memory;
    pack_turned_panels(p->recurrent, u, 1, u, up, packed);
    if (b->dx) pack_turned_panels(p->kernel, p->d, 1, u, up, packed + s.state_panels * up * NR);
    s.turned = packed;
    sums.sums = memory + turned;
    sums.bias = sums.sums + up * sums.m;
    sums.dz = s.dz = memory + turned + of_sums;
    s.row_dz = s.dz + CHUNK * up;
    w->dh = s.row_dz + p->n * s.ldz;
    sums.in = s.in = w->dh + p->n * up;
    s.out = s.in + CHUNK * s.ldi;
    s.list = (int32_t *)(s.out + p->n * s.panels * NR);
    /* the sums; and dz and dh, whose padding takes part in products */
    memset(sums.sums, 0, (size_t)(s.in - sums.sums) * sizeof(float));
    if (b->dkept) memset(b->dkept, 0, (size_t)(p->n * u) * sizeof(float));
    for (w->first = 0; w->first < p->n; w->first = w->end) {
        w->end = w->first + CHUNK < p->n ? w->first + CHUNK : p->n;
        w->tasks = row_tasks(w->end - w->first);
        w->step = p->t - 1;
        w->steps = 0;
        while (w->step - w->steps >= 0) {
            sums.count = next_chunk(w);
            nk_parallel(simple_rnn_back_task, &s, (size_t)w->tasks);
            if (b->dkernel) add_weight_sums(&sums);
        }
    }
    if (b->dkernel) {
        unpack_columns(&sums, 0, 0, p->d, u, b->dkernel, u);
        unpack_columns(&sums, 0, p->d, u, u, b->drecurrent, u);
        if (b->dbias) copy_floats(sums.bias, b->dbias, u);
    }
    for (ptrdiff_t row = 0; row < p->n; row++) copy_floats(w->dh + row * up, b->dh0 + row * u, u);
    nk_give(memory);
    return 0;
}
