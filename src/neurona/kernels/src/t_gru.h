/* The GRU over whole sequences: the loop over time in one call, forward and backward (see t_recurrent.h, t_steps.h).
 *
 * Three products make a step: z and r from [x | h'], the candidate n from x, and its inner part: h' U_n, which the gate r
 * then multiplies (reset_after), or (r h') U_n. The weights' gradient has the same three parts.
 *
 * Forward, threads split the batch and each takes its rows through all steps. Backward, the steps go in chunks: first each
 * thread takes its rows back through the chunk's steps and leaves the sums' gradients behind, then the threads split the
 * weights' gradient by its columns.
 */

/* ---- forward ---- */

typedef struct {
    const nk_recurrent *p;
    ptrdiff_t depth, ldi, both, up; /* depth: of [x | h']; both, up: 2 u and u padded to whole panels */
    ptrdiff_t tasks;
    const float *gates, *outer, *inner; /* weights, in panels: of z and r, of n over x, of n over h' */
    const float *bias;                  /* [4][up]: of z, of r, of n with x, of n with h' */
    float *in, *sums;                   /* for each row of the batch: [ldi], [both + 2 up] */
    int32_t *list;
} gru_run;

/* z and r of n <= VL units, and r h' in place of h' where r stands before the product. */
INLINE void gru_gates(const gru_run *s, ptrdiff_t row, ptrdiff_t t, const float *sums, float *fed, ptrdiff_t j,
                      const ptrdiff_t n) {
    const nk_recurrent *p = s->p;
    const ptrdiff_t u = p->u, at = (row * p->t + t) * u;
    const vf z = sigmoid_gate(load(sums + j) + load(s->bias + j));
    const vf r = sigmoid_gate(load(sums + u + j) + load(s->bias + s->up + j));
    store_here(p->gates + 3 * at + j, n, z);
    store_here(p->gates + 3 * at + u + j, n, r);
    if (p->reset_after) return;
    const vf inner = r * load_here(fed + j, n);
    store_here(fed + j, n, inner);
    store_here(p->inner + at + j, n, inner);
}

/* The candidate and the new state of n <= VL units. */
INLINE void gru_state(const gru_run *s, ptrdiff_t row, ptrdiff_t t, const float *outer, const float *inner,
                      const float *before, ptrdiff_t j, const ptrdiff_t n) {
    const nk_recurrent *p = s->p;
    const ptrdiff_t u = p->u, at = (row * p->t + t) * u;
    const vf z = load_here(p->gates + 3 * at + j, n);
    vf product = load(inner + j);
    if (p->reset_after) {
        product += load(s->bias + 3 * s->up + j);
        store_here(p->inner + at + j, n, product);
        product *= load_here(p->gates + 3 * at + u + j, n);
    }
    const vf candidate = tanh_gate(load(outer + j) + load(s->bias + 2 * s->up + j) + product);
    store_here(p->gates + 3 * at + 2 * u + j, n, candidate);
    store_here(p->h + at + j, n, candidate + z * (load_here(before + j, n) - candidate));
}

/* Out of line, so that every number of rows runs the same instructions. */
static __attribute__((noinline)) void gru_row_gates(const gru_run *s, ptrdiff_t row, ptrdiff_t t, const float *sums,
                                                    float *fed) {
    OVER_COLUMNS(s->p->u, gru_gates, s, row, t, sums, fed);
}

static __attribute__((noinline)) void gru_row_state(const gru_run *s, ptrdiff_t row, ptrdiff_t t, const float *outer,
                                                    const float *inner, const float *before) {
    OVER_COLUMNS(s->p->u, gru_state, s, row, t, outer, inner, before);
}

static void gru_task(void *ctx, size_t index) {
    const gru_run *s = ctx;
    const nk_recurrent *p = s->p;
    const ptrdiff_t first = cut(p->n, s->tasks, (ptrdiff_t)index), end = cut(p->n, s->tasks, (ptrdiff_t)index + 1);
    float *in = s->in + first * s->ldi, *gates = s->sums + first * (s->both + 2 * s->up);
    float *outer = gates + (end - first) * s->both, *inner = outer + (end - first) * s->up;
    int32_t *list = s->list + first;
    for (ptrdiff_t step = 0; step < p->t; step++) {
        const ptrdiff_t t = time_of(p, step), count = rows_on(p->mask, p->t, t, first, end, list);
        if (count < end - first) carry_masked(p, 3, t, first, end);
        for (ptrdiff_t a = 0; a < count; a++) gather_step(p, list[a], t, in + a * s->ldi);
        panel_products(count, s->depth, in, s->ldi, s->gates, s->both / NR, gates);
        panel_products(count, p->d, in, s->ldi, s->outer, s->up / NR, outer);
        for (ptrdiff_t a = 0; a < count; a++)
            gru_row_gates(s, list[a], t, gates + a * s->both, in + a * s->ldi + p->d);
        panel_products(count, p->u, in + p->d, s->ldi, s->inner, s->up / NR, inner);
        for (ptrdiff_t a = 0; a < count; a++)
            gru_row_state(s, list[a], t, outer + a * s->up, inner + a * s->up, state_before(p, list[a], t));
    }
}

/* The biases of z and r: of both rows together. */
static void gru_bias(const nk_recurrent *p, ptrdiff_t up, float *bias) {
    const ptrdiff_t u = p->u;
    for (int part = 0; part < 3; part++) pad_floats(p->bias ? p->bias + part * u : NULL, u, bias + part * up, up);
    const float *second = p->bias && p->reset_after ? p->bias + 3 * u : NULL;
    pad_floats(second ? second + 2 * u : NULL, u, bias + 3 * up, up);
    if (second)
        for (int part = 0; part < 2; part++)
            for (ptrdiff_t j = 0; j < u; j++) bias[part * up + j] += second[part * u + j];
}

static int gru(const nk_recurrent *p) {
    const ptrdiff_t u = p->u;
    gru_run s = {.p = p, .depth = p->d + u, .both = rounded_up(2 * u, NR), .up = rounded_up(u, NR)};
    s.ldi = row_stride(s.depth);
    s.tasks = row_tasks(p->n);
    const ptrdiff_t weights = s.depth * (s.both + s.up), rows = p->n * (s.ldi + s.both + 2 * s.up + 1);
    /* NR more: a vector of r may reach beyond the last sums */
    float *memory = nk_take((size_t)(weights + 4 * s.up + rows + NR) * sizeof(float));
    if (memory == NULL) return -1;
    float *gates = memory, *outer = gates + s.depth * s.both, *inner = outer + p->d * s.up, *bias = inner + u * s.up;
    pack_panels(p->kernel, 3 * u, p->d, 2 * u, 0, s.depth, gates);
    pack_panels(p->recurrent, 3 * u, u, 2 * u, p->d, s.depth, gates);
    pack_panels(p->kernel + 2 * u, 3 * u, p->d, u, 0, p->d, outer);
    pack_panels(p->recurrent + 2 * u, 3 * u, u, u, 0, u, inner);
    gru_bias(p, s.up, bias);
    s.gates = gates;
    s.outer = outer;
    s.inner = inner;
    s.bias = bias;
    s.in = bias + 4 * s.up;
    s.sums = s.in + p->n * s.ldi;
    s.list = (int32_t *)(s.sums + p->n * (s.both + 2 * s.up) + NR);
    nk_parallel(gru_task, &s, (size_t)s.tasks);
    nk_give(memory);
    return 0;
}

/* ---- backward ---- */

/* The parts of dz as they stand beside each other, each padded to `up` columns: n over x, z, r, and (reset_after) n
 * over h'. So those that lead to x are neighbours, and those that lead to h' are. */
enum { GRU_N, GRU_Z, GRU_R, GRU_INNER };

typedef struct {
    steps_back walk;
    ptrdiff_t ldz, ldi, state_depth, state_panels, input_panels;
    const float *to_state, *to_input, *to_inner; /* turned weights, in panels */
    float *row_dz, *out; /* for each row of the batch: [ldz], [(state_panels + input_panels) NR] */
    float *in, *dz;      /* of the chunk: [CHUNK][ldi], [parts up / NR][CHUNK][NR] */
    int32_t *list;
} gru_back;

/* n <= VL units of a row's step: what does not need a product. */
INLINE void gru_units_back(const gru_back *s, ptrdiff_t row, ptrdiff_t t, const float *before, ptrdiff_t place,
                           float *row_dz, ptrdiff_t j, const ptrdiff_t n) {
    const nk_recurrent_backward *b = s->walk.b;
    const nk_recurrent *p = &b->layer;
    const ptrdiff_t u = p->u, up = s->walk.up, at = (row * p->t + t) * u + j, wide = (row * p->t + t) * 3 * u + j;
    float *dh = s->walk.dh + row * up + j;
    const vf z = load_here(p->gates + wide, n), r = load_here(p->gates + wide + u, n);
    const vf candidate = load_here(p->gates + wide + 2 * u, n);
    const vf into = load(dh) + given_or_0(b->gh, at, n);
    store(dh, into * z);
    const vf dz = into * (load_here(before + j, n) - candidate) + given_or_0(b->ggates, wide, n);
    const vf dn = into * (1.0f - z) + given_or_0(b->ggates, wide + 2 * u, n);
    const vf sum_n = dn * (1.0f - candidate * candidate);
    put_dz(row_dz, s->dz, place, GRU_N * up + j, sum_n);
    put_dz(row_dz, s->dz, place, GRU_Z * up + j, dz * (z * (1.0f - z)));
    if (!p->reset_after) return;
    const vf dr = sum_n * load_here(p->inner + at, n) + given_or_0(b->ggates, wide + u, n);
    put_dz(row_dz, s->dz, place, GRU_R * up + j, dr * (r * (1.0f - r)));
    put_dz(row_dz, s->dz, place, GRU_INNER * up + j, sum_n * r + given_or_0(b->ginner, at, n));
}

/* Where r stands before the product: from the gradient of r h', in `out`, to r and, left in `out`, to h'. */
INLINE void gru_reset_back(const gru_back *s, ptrdiff_t row, ptrdiff_t t, const float *fed, ptrdiff_t place,
                           float *row_dz, float *out, ptrdiff_t j, const ptrdiff_t n) {
    const nk_recurrent_backward *b = s->walk.b;
    const nk_recurrent *p = &b->layer;
    const ptrdiff_t u = p->u, at = (row * p->t + t) * u + j, wide = (row * p->t + t) * 3 * u + u + j;
    const vf r = load_here(p->gates + wide, n), dinner = load(out + j) + given_or_0(b->ginner, at, n);
    const vf dr = dinner * load_here(fed + j, n) + given_or_0(b->ggates, wide, n);
    put_dz(row_dz, s->dz, place, GRU_R * s->walk.up + j, dr * (r * (1.0f - r)));
    store(out + j, dinner * r);
}

static __attribute__((noinline)) void gru_row_back(const gru_back *s, ptrdiff_t row, ptrdiff_t t, const float *before,
                                                   ptrdiff_t place, float *row_dz) {
    OVER_COLUMNS(s->walk.b->layer.u, gru_units_back, s, row, t, before, place, row_dz);
}

static __attribute__((noinline)) void gru_row_reset_back(const gru_back *s, ptrdiff_t row, ptrdiff_t t,
                                                         const float *fed, ptrdiff_t place, float *row_dz, float *out) {
    OVER_COLUMNS(s->walk.b->layer.u, gru_reset_back, s, row, t, fed, place, row_dz, out);
}

/* A part of the rows, back through the steps of the chunk. */
static void gru_back_task(void *ctx, size_t index) {
    const gru_back *s = ctx;
    const steps_back *w = &s->walk;
    const nk_recurrent *p = &w->b->layer;
    const ptrdiff_t rows = w->end - w->first, first = w->first + cut(rows, w->tasks, (ptrdiff_t)index);
    const ptrdiff_t end = w->first + cut(rows, w->tasks, (ptrdiff_t)index + 1), width = s->state_panels * NR;
    float *row_dz = s->row_dz + first * s->ldz, *out = s->out + first * (s->state_panels + s->input_panels) * NR;
    float *out_x = out + (end - first) * width;
    int32_t *list = s->list + first;
    for (ptrdiff_t i = 0; i < w->steps; i++) {
        const ptrdiff_t t = time_of(p, w->step - i), count = rows_on(p->mask, p->t, t, first, end, list);
        const ptrdiff_t place = w->places[i] + count_on(p->mask, p->t, t, w->first, first);
        if (count < end - first) hand_on_masked(w, t, first, end);
        for (ptrdiff_t a = 0; a < count; a++) {
            float *in = s->in + (place + a) * s->ldi;
            gather_step(p, list[a], t, in);
            if (!p->reset_after) copy_floats(p->inner + (list[a] * p->t + t) * p->u, in + p->d + p->u, p->u);
            gru_row_back(s, list[a], t, state_before(p, list[a], t), place + a, row_dz + a * s->ldz);
        }
        if (!p->reset_after) {
            panel_products(count, w->up, row_dz, s->ldz, s->to_inner, s->state_panels, out);
            for (ptrdiff_t a = 0; a < count; a++) {
                gru_row_reset_back(s, list[a], t, s->in + (place + a) * s->ldi + p->d, place + a, row_dz + a * s->ldz,
                                   out + a * width);
                scatter_state(w, list[a], t, out + a * width);
            }
        }
        panel_products(count, s->state_depth, row_dz + w->up, s->ldz, s->to_state, s->state_panels, out);
        for (ptrdiff_t a = 0; a < count; a++) scatter_state(w, list[a], t, out + a * width);
        if (w->b->dx == NULL) continue;
        panel_products(count, 3 * w->up, row_dz, s->ldz, s->to_input, s->input_panels, out_x);
        for (ptrdiff_t a = 0; a < count; a++)
            copy_floats(out_x + a * s->input_panels * NR, w->b->dx + (list[a] * p->t + t) * p->d, p->d);
    }
}

/* Weights (rows, 3 u) -> panels of NR rows [rows / NR][parts up][NR], their gates in this order. */
static void gru_pack_turned(const float *w, ptrdiff_t rows, ptrdiff_t u, ptrdiff_t up, const int *order, int parts,
                            float *packed) {
    for (ptrdiff_t row = 0; row < rows; row += NR)
        for (int part = 0; part < parts; part++, packed += up * NR) {
            pack_b_turned(w + row * 3 * u + order[part] * u, 3 * u, u, rows - row < NR ? rows - row : NR, packed);
            memset(packed + u * NR, 0, (size_t)((up - u) * NR) * sizeof *packed);
        }
}

/* The weights' gradient, in Keras's order z, r, n: of the gates over [x | h'], of n over x, of n over h'. */
static void gru_unpack(const nk_recurrent_backward *b, const weight_sums *gates, const weight_sums *outer,
                       const weight_sums *inner, ptrdiff_t up) {
    const nk_recurrent *p = &b->layer;
    const ptrdiff_t u = p->u;
    for (int part = 0; part < 2; part++) {
        unpack_columns(gates, part * up / NR, 0, p->d, u, b->dkernel + part * u, 3 * u);
        unpack_columns(gates, part * up / NR, p->d, u, u, b->drecurrent + part * u, 3 * u);
    }
    unpack_columns(outer, 0, 0, p->d, u, b->dkernel + 2 * u, 3 * u);
    unpack_columns(inner, 0, 0, u, u, b->drecurrent + 2 * u, 3 * u);
    if (b->dbias == NULL) return;
    for (int row = 0; row <= p->reset_after; row++) {
        float *dbias = b->dbias + row * 3 * u;
        copy_floats(gates->bias, dbias, u);
        copy_floats(gates->bias + up, dbias + u, u);
        copy_floats(row ? inner->bias : outer->bias, dbias + 2 * u, u);
    }
}

static int gru_backward(const nk_recurrent_backward *b) {
    const nk_recurrent *p = &b->layer;
    const ptrdiff_t u = p->u, up = rounded_up(u, NR), parts = p->reset_after ? 4 : 3;
    gru_back s = {.walk = {.b = b, .up = up}, .ldz = row_stride(parts * up), .state_depth = (parts - 1) * up};
    steps_back *w = &s.walk;
    s.ldi = row_stride(p->d + u + (p->reset_after ? 0 : u));
    s.state_panels = up / NR;
    s.input_panels = b->dx ? (p->d + NR - 1) / NR : 0;
    weight_sums gates = {.m = p->d + u, .panels = 2 * up / NR, .ldi = s.ldi}, outer = {.m = p->d, .panels = up / NR, .ldi = s.ldi};
    weight_sums inner = {.m = u, .panels = up / NR, .ldi = s.ldi};
    const ptrdiff_t turned = (s.state_panels * (s.state_depth + up) + s.input_panels * 3 * up) * NR;
    const ptrdiff_t of_sums = 2 * up * (gates.m + 1) + up * (outer.m + 1) + up * (inner.m + 1);
    const ptrdiff_t of_chunk = CHUNK * (s.ldi + parts * up);
    const ptrdiff_t of_rows = p->n * (up + s.ldz + (s.state_panels + s.input_panels) * NR + 1);
    float *memory = nk_take((size_t)(turned + of_sums + of_chunk + of_rows) * sizeof(float));
    if (memory == NULL) return -1;
    float *to_state = memory, *to_inner = to_state + s.state_panels * s.state_depth * NR;
    float *to_input = to_inner + s.state_panels * up * NR;
    const int behind[] = {0, 1, 2}, before[] = {2, 0, 1}, last[] = {2};
    gru_pack_turned(p->recurrent, u, u, up, behind, (int)parts - 1, to_state);
    gru_pack_turned(p->recurrent, u, u, up, last, 1, to_inner);
    if (b->dx) gru_pack_turned(p->kernel, p->d, u, up, before, 3, to_input);
    s.to_state = to_state;
    s.to_inner = to_inner;
    s.to_input = to_input;
    gates.sums = memory + turned;
    outer.sums = gates.sums + 2 * up * gates.m;
    inner.sums = outer.sums + up * outer.m;
    gates.bias = inner.sums + up * inner.m;
    outer.bias = gates.bias + 2 * up;
    inner.bias = outer.bias + up;
    s.dz = memory + turned + of_sums;
    s.row_dz = s.dz + CHUNK * parts * up;
    w->dh = s.row_dz + p->n * s.ldz;
    s.in = w->dh + p->n * up;
    s.out = s.in + CHUNK * s.ldi;
    s.list = (int32_t *)(s.out + p->n * (s.state_panels + s.input_panels) * NR);
    gates.in = outer.in = s.in;
    inner.in = s.in + p->d + (p->reset_after ? 0 : u);
    gates.dz = s.dz + GRU_Z * up * CHUNK;
    outer.dz = s.dz + GRU_N * up * CHUNK;
    inner.dz = s.dz + (p->reset_after ? GRU_INNER : GRU_N) * up * CHUNK;
    /* the sums; and dz and dh, whose padding takes part in products */
    memset(gates.sums, 0, (size_t)(s.in - gates.sums) * sizeof(float));
    if (b->dkept) memset(b->dkept, 0, (size_t)(p->n * u) * sizeof(float));
    for (w->first = 0; w->first < p->n; w->first = w->end) {
        w->end = w->first + CHUNK < p->n ? w->first + CHUNK : p->n;
        w->tasks = row_tasks(w->end - w->first);
        w->step = p->t - 1;
        w->steps = 0;
        while (w->step - w->steps >= 0) {
            gates.count = outer.count = inner.count = next_chunk(w);
            nk_parallel(gru_back_task, &s, (size_t)w->tasks);
            if (b->dkernel == NULL) continue;
            add_weight_sums(&gates);
            add_weight_sums(&outer);
            add_weight_sums(&inner);
        }
    }
    if (b->dkernel) gru_unpack(b, &gates, &outer, &inner, up);
    for (ptrdiff_t row = 0; row < p->n; row++) copy_floats(w->dh + row * up, b->dh0 + row * u, u);
    nk_give(memory);
    return 0;
}
