/* Optimizer updates over all parameters in one region, with Keras 3's formulas, and the gradients' global norm.
 *
 * The parameters count as one long row cut in chunks of fixed size; a chunk may span several small parameters. The
 * spans below are plain loops that the compiler turns into vectors.
 */
typedef void (*span_function)(const nk_parameters *all, const void *rule, size_t which, size_t first, size_t count);

typedef struct {
    const nk_parameters *all;
    const void *rule;
    span_function span;
    double *partial;
} update_work;

/* Each piece of a parameter that lies in chunk `index`. */
INLINE void each_span(const update_work *s, size_t index, span_function span) {
    const nk_parameters *all = s->all;
    const size_t total = all->offsets[all->count];
    size_t at = index * NK_UPDATE_CHUNK;
    const size_t end = at + NK_UPDATE_CHUNK < total ? at + NK_UPDATE_CHUNK : total;
    size_t which = 0;
    while (all->offsets[which + 1] <= at) which++;
    while (at < end) {
        const size_t stop = all->offsets[which + 1] < end ? all->offsets[which + 1] : end;
        if (stop > at) span(all, s->rule, which, at - all->offsets[which], stop - at);
        at = stop;
        which++;
    }
}

static void update_task(void *ctx, size_t index) {
    const update_work *s = ctx;
    each_span(s, index, s->span);
}

static size_t chunks_of(const nk_parameters *all) {
    return (all->offsets[all->count] + NK_UPDATE_CHUNK - 1) / NK_UPDATE_CHUNK;
}

static void update(const nk_parameters *all, const void *rule, span_function span) {
    update_work s = {.all = all, .rule = rule, .span = span};
    nk_parallel(update_task, &s, chunks_of(all));
}

static void adam_span(const nk_parameters *all, const void *rule, size_t which, size_t first, size_t count) {
    const nk_adam r = *(const nk_adam *)rule;
    const float decay = all->decay[which], up1 = r.up1, up2 = r.up2;
    float *restrict w = all->params[which] + first;
    const float *restrict g = all->grads[which] + first;
    float *restrict m = all->slots[0][which] + first;
    float *restrict v = all->slots[1][which] + first;
    if (r.amsgrad) {
        float *restrict top = all->slots[2][which] + first;
        for (size_t i = 0; i < count; i++) {
            const float held = w[i] - w[i] * decay;
            m[i] += (g[i] - m[i]) * up1;
            v[i] += (g[i] * g[i] - v[i]) * up2;
            top[i] = v[i] > top[i] ? v[i] : top[i];
            w[i] = held - m[i] * r.alpha / (sqrtf(top[i]) + r.epsilon);
        }
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const float held = w[i] - w[i] * decay;
        m[i] += (g[i] - m[i]) * up1;
        v[i] += (g[i] * g[i] - v[i]) * up2;
        w[i] = held - m[i] * r.alpha / (sqrtf(v[i]) + r.epsilon);
    }
}

static void adam(const nk_parameters *all, const nk_adam *rule) { update(all, rule, adam_span); }

static void sgd_span(const nk_parameters *all, const void *rule, size_t which, size_t first, size_t count) {
    const nk_sgd r = *(const nk_sgd *)rule;
    const float decay = all->decay[which];
    float *restrict w = all->params[which] + first;
    const float *restrict g = all->grads[which] + first;
    if (all->slots[0] == NULL) {
        for (size_t i = 0; i < count; i++) w[i] = w[i] - w[i] * decay - g[i] * r.rate;
        return;
    }
    float *restrict m = all->slots[0][which] + first;
    if (r.nesterov) {
        for (size_t i = 0; i < count; i++) {
            const float held = w[i] - w[i] * decay, step = g[i] * r.rate;
            m[i] = m[i] * r.momentum - step;
            w[i] = held + (m[i] * r.momentum - step);
        }
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const float held = w[i] - w[i] * decay;
        m[i] = m[i] * r.momentum - g[i] * r.rate;
        w[i] = held + m[i];
    }
}

static void sgd(const nk_parameters *all, const nk_sgd *rule) { update(all, rule, sgd_span); }

/* Slots: mean square, mean gradient (centered), momentum (when above 0). */
INLINE void rmsprop_any(const nk_parameters *all, const nk_rmsprop r, size_t which, size_t first, size_t count,
                        const int centered, const int momentum) {
    const float decay = all->decay[which], up = r.up;
    float *restrict w = all->params[which] + first;
    const float *restrict g = all->grads[which] + first;
    float *restrict v = all->slots[0][which] + first;
    float *restrict mean = centered ? all->slots[1][which] + first : NULL;
    float *restrict m = momentum ? all->slots[2][which] + first : NULL;
    for (size_t i = 0; i < count; i++) {
        const float held = w[i] - w[i] * decay;
        v[i] = v[i] * r.rho + g[i] * g[i] * up;
        float under = v[i] + r.epsilon;
        if (centered) {
            mean[i] = mean[i] * r.rho + g[i] * up;
            under = v[i] - mean[i] * mean[i] + r.epsilon;
        }
        float step = g[i] * r.rate / sqrtf(under);
        if (momentum) {
            m[i] = m[i] * r.momentum + step;
            step = m[i];
        }
        w[i] = held - step;
    }
}

static void rmsprop_span(const nk_parameters *all, const void *rule, size_t which, size_t first, size_t count) {
    const nk_rmsprop r = *(const nk_rmsprop *)rule;
    if (r.centered && r.momentum > 0.0f)
        rmsprop_any(all, r, which, first, count, 1, 1);
    else if (r.centered)
        rmsprop_any(all, r, which, first, count, 1, 0);
    else if (r.momentum > 0.0f)
        rmsprop_any(all, r, which, first, count, 0, 1);
    else
        rmsprop_any(all, r, which, first, count, 0, 0);
}

static void rmsprop(const nk_parameters *all, const nk_rmsprop *rule) { update(all, rule, rmsprop_span); }

#define SQUARES_PER_SUM (8 * VL)

/* rule: where the chunk's sum goes. Short float32 sums, joined in double precision. */
static void square_span(const nk_parameters *all, const void *rule, size_t which, size_t first, size_t count) {
    const float *g = all->grads[which] + first;
    double sum = 0.0;
    size_t i = 0;
    for (; i + SQUARES_PER_SUM <= count; i += SQUARES_PER_SUM) {
        vf a = (vf){0}, b = (vf){0};
        for (size_t j = i; j < i + SQUARES_PER_SUM; j += 2 * VL) {
            vf p = load(g + j), q = load(g + j + VL);
            a += p * p;
            b += q * q;
        }
        sum += (double)sum_lanes(a + b);
    }
    for (; i < count; i++) sum += (double)g[i] * (double)g[i];
    *(double *)rule += sum;
}

static void square_task(void *ctx, size_t index) {
    update_work s = *(const update_work *)ctx;
    s.partial[index] = 0.0;
    s.rule = &s.partial[index];
    each_span(&s, index, square_span);
}

static double square_sum(const nk_parameters *all, double *partial) {
    update_work s = {.all = all, .partial = partial};
    const size_t chunks = chunks_of(all);
    nk_parallel(square_task, &s, chunks);
    double sum = 0.0;
    for (size_t i = 0; i < chunks; i++) sum += partial[i];
    return sum;
}
