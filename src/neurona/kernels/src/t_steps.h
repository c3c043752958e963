/* What the recurrent layers share besides t_recurrent.h: rows gathered for a step, what a masked step leaves or hands on,
 * the chunks in which the way back goes, and where a row of its products belongs.
 */

/* The step read before step t; -1 or p->t: there is none. */
INLINE ptrdiff_t step_before(const nk_recurrent *p, ptrdiff_t t) { return p->backwards ? t + 1 : t - 1; }

INLINE const float *row_before(const nk_recurrent *p, const float *states, const float *first, ptrdiff_t row, ptrdiff_t t) {
    const ptrdiff_t last = step_before(p, t);
    return last < 0 || last >= p->t ? first + row * p->u : states + (row * p->t + last) * p->u;
}

INLINE const float *state_before(const nk_recurrent *p, ptrdiff_t row, ptrdiff_t t) {
    return row_before(p, p->h, p->h0, row, t);
}

INLINE const float *cell_before(const nk_recurrent *p, ptrdiff_t row, ptrdiff_t t) {
    return row_before(p, p->c, p->c0, row, t);
}

/* in = [x | h'], where h' is the state before times its factors. */
INLINE void gather_step(const nk_recurrent *p, ptrdiff_t row, ptrdiff_t t, float *in) {
    copy_floats(p->x + (row * p->t + t) * p->d, in, p->d);
    copy_scaled(state_before(p, row, t), p->kept ? p->kept + row * p->u : NULL, in + p->d, p->u);
}

/* Rows whose step is masked: the states stay, the gates, as many as `parts`, and inner are 0. */
static void carry_masked(const nk_recurrent *p, int parts, ptrdiff_t t, ptrdiff_t first, ptrdiff_t end) {
    for (ptrdiff_t row = first; row < end; row++) {
        const ptrdiff_t at = (row * p->t + t) * p->u;
        if (p->mask[row * p->t + t]) continue;
        copy_floats(state_before(p, row, t), p->h + at, p->u);
        if (p->c) copy_floats(cell_before(p, row, t), p->c + at, p->u);
        if (p->gates) memset(p->gates + parts * at, 0, (size_t)(parts * p->u) * sizeof(float));
        if (p->inner) memset(p->inner + at, 0, (size_t)p->u * sizeof(float));
    }
}

/* Columns of weights (rows, columns; ldw floats from row to row) -> panels [depth][NR], below the `from` rows that are
 * already packed. */
static void pack_panels(const float *w, ptrdiff_t ldw, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t from,
                        ptrdiff_t depth, float *packed) {
    for (ptrdiff_t j = 0; j < columns; j += NR)
        pack_b(w + j, ldw, rows, columns - j < NR ? columns - j : NR, packed + (j / NR * depth + from) * NR);
}

/* A row of so many floats, padded with zeros. */
static void pad_floats(const float *from, ptrdiff_t count, float *to, ptrdiff_t padded) {
    if (from)
        copy_floats(from, to, count);
    else
        count = 0;
    memset(to + count, 0, (size_t)(padded - count) * sizeof *to);
}

/* ---- backward ---- */

typedef struct {
    const nk_recurrent_backward *b;
    ptrdiff_t up;                /* floats of dh and dc for a row */
    ptrdiff_t first, end, tasks; /* the rows of the batch in work, and what they are cut in */
    ptrdiff_t step, steps;       /* the chunk: steps step, step - 1, ... in the order of reading */
    float *dh, *dc;              /* for each row of the batch: [up]; dc: of the LSTM */
    ptrdiff_t places[CHUNK];     /* where each step of the chunk begins in it */
} steps_back;

INLINE ptrdiff_t time_of(const nk_recurrent *p, ptrdiff_t step) { return p->backwards ? p->t - 1 - step : step; }

/* The next chunk of steps: as many as its rows of dz hold, at least one. Returns how many rows that are. */
static ptrdiff_t next_chunk(steps_back *s) {
    const nk_recurrent *p = &s->b->layer;
    ptrdiff_t rows = 0;
    s->step -= s->steps;
    for (s->steps = 0; s->steps <= s->step && s->steps < CHUNK; s->steps++) {
        const ptrdiff_t count = count_on(p->mask, p->t, time_of(p, s->step - s->steps), s->first, s->end);
        if (rows + count > CHUNK) break;
        s->places[s->steps] = rows;
        rows += count;
    }
    return rows;
}

INLINE void add_floats(const float *from, float *to, ptrdiff_t count) {
    for (ptrdiff_t j = 0; j < count; j++) to[j] += from[j];
}

/* What a masked step hands on. */
static void hand_on_masked(const steps_back *s, ptrdiff_t t, ptrdiff_t first, ptrdiff_t end) {
    const nk_recurrent *p = &s->b->layer;
    for (ptrdiff_t row = first; row < end; row++) {
        const ptrdiff_t at = row * p->t + t;
        if (p->mask[at]) continue;
        if (s->b->gh) add_floats(s->b->gh + at * p->u, s->dh + row * s->up, p->u);
        if (s->b->gc) add_floats(s->b->gc + at * p->u, s->dc + row * s->up, p->u);
        if (s->b->dx) memset(s->b->dx + at * p->d, 0, (size_t)p->d * sizeof(float));
    }
}

/* The gradient of h' goes on to the state before, through its factors, and to these. */
INLINE void scatter_state(const steps_back *s, ptrdiff_t row, ptrdiff_t t, const float *out) {
    const nk_recurrent *p = &s->b->layer;
    float *dh = s->dh + row * s->up;
    if (p->kept) {
        const float *kept = p->kept + row * p->u;
        for (ptrdiff_t j = 0; j < p->u; j++) dh[j] += out[j] * kept[j];
    } else {
        add_floats(out, dh, p->u);
    }
    if (s->b->dkept) {
        const float *before = state_before(p, row, t);
        float *dkept = s->b->dkept + row * p->u;
        for (ptrdiff_t j = 0; j < p->u; j++) dkept[j] += out[j] * before[j];
    }
}

/* A vector of dz: to column `column` of a row, and of row `place` of the chunk's panels. */
INLINE void put_dz(float *row_dz, float *chunk, ptrdiff_t place, ptrdiff_t column, vf dz) {
    store(row_dz + column, dz);
    store(chunk + (column / NR * CHUNK + place) * NR + column % NR, dz);
}

INLINE vf given_or_0(const float *g, ptrdiff_t at, const ptrdiff_t n) { return g ? load_here(g + at, n) : (vf){0}; }

/* `rows` rows of the sums, from row `from` and panel `panel`, as u columns of a matrix; ldo floats from row to row. */
static void unpack_columns(const weight_sums *s, ptrdiff_t panel, ptrdiff_t from, ptrdiff_t rows, ptrdiff_t u, float *out,
                           ptrdiff_t ldo) {
    for (ptrdiff_t i = from; i < from + rows; i++, out += ldo)
        for (ptrdiff_t j = 0; j < u; j += VL)
            store_row(out, j, u, load(s->sums + ((panel + j / NR) * s->m + i) * NR + j % NR));
}
