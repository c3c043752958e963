/* Tables of which a batch names some rows: the gradient summed by row, and the optimizers' rules on these rows alone. */

typedef struct {
    ptrdiff_t rows, d;
    const float *g;
    const int64_t *order, *first;
    float *out;
} by_row_work;

/* out[r] = g[order[first[r]]] + ... + g[order[first[r + 1] - 1]], in this order whatever the threads. */
static void sum_by_row_task(void *ctx, size_t index) {
    const by_row_work *s = ctx;
    const ptrdiff_t d = s->d, block = rows_per_task(d), start = (ptrdiff_t)index * block;
    const ptrdiff_t end = start + block < s->rows ? start + block : s->rows;
    for (ptrdiff_t r = start; r < end; r++) {
        float *restrict out = s->out + r * d;
        int64_t i = s->first[r];
        memcpy(out, s->g + s->order[i] * d, (size_t)d * sizeof *out);
        for (i++; i < s->first[r + 1]; i++) {
            const float *restrict g = s->g + s->order[i] * d;
            for (ptrdiff_t j = 0; j < d; j++) out[j] += g[j];
        }
    }
}

static void sum_by_row(ptrdiff_t rows, ptrdiff_t d, const float *g, const int64_t *order, const int64_t *first,
                       float *out) {
    by_row_work s = {rows, d, g, order, first, out};
    const ptrdiff_t block = rows_per_task(d);
    nk_parallel(sum_by_row_task, &s, (size_t)((rows + block - 1) / block));
}

typedef struct {
    const nk_some_rows *table;
    const void *rule;
    span_function span;
} some_rows_work;

/* Each row is a parameter of its own to the rule: the same spans move it. */
static void some_rows_task(void *ctx, size_t index) {
    const some_rows_work *s = ctx;
    const nk_some_rows *t = s->table;
    const ptrdiff_t d = t->d, block = rows_per_task(d), start = (ptrdiff_t)index * block;
    const ptrdiff_t end = start + block < t->rows ? start + block : t->rows;
    for (ptrdiff_t r = start; r < end; r++) {
        const ptrdiff_t at = t->index[r] * d;
        float *w = t->params + at, *slots[NK_SLOTS];
        const float *g = t->grads + r * d;
        nk_parameters one = {.count = 1, .params = &w, .grads = &g, .decay = &t->decay};
        for (int i = 0; i < NK_SLOTS; i++) {
            if (t->slots[i] == NULL) continue;
            slots[i] = t->slots[i] + at;
            one.slots[i] = &slots[i];
        }
        s->span(&one, s->rule, 0, 0, (size_t)d);
    }
}

static void move_some_rows(const nk_some_rows *table, const void *rule, span_function span) {
    some_rows_work s = {table, rule, span};
    const ptrdiff_t block = rows_per_task(table->d);
    nk_parallel(some_rows_task, &s, (size_t)((table->rows + block - 1) / block));
}

static void adam_rows(const nk_some_rows *table, const nk_adam *rule) { move_some_rows(table, rule, adam_span); }

static void sgd_rows(const nk_some_rows *table, const nk_sgd *rule) { move_some_rows(table, rule, sgd_span); }

static void rmsprop_rows(const nk_some_rows *table, const nk_rmsprop *rule) {
    move_some_rows(table, rule, rmsprop_span);
}
