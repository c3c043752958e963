/* Activations that follow from their argument z: relu, gelu (both forms) and silu, and their slopes.
 *
 * The exact gelu needs the normal distribution's tail. For s >= 0
 *
 *     P(Z < -s) = e^(-s^2 / 2) t Q(t),  t = 1 / (1 + 0.2675 s),
 *
 * the form of Abramowitz & Stegun 26.2.17, with a polynomial Q of degree 8 fitted anew (relative error 2e-8 before
 * rounding; 2e-7 with it). So the density and the distribution share one exponential, and no difference of nearly equal
 * numbers is taken on the negative side. The tanh form is a logistic function in disguise: (1 + tanh u) / 2 = 1 / (1 + e^-2u).
 *
 * Then: each of them over all elements of an array.
 */
INLINE vf size_of(vf x) { return (vf)((vi)x & 0x7fffffff); }

/* e^x for x <= 0, and 0 below -87: there one exponent field suffices, and two choices fall away (see exp_vector). */
INLINE vf exp_of_negative(vf x) {
    const vf magic = splat(12582912.0f);
    const vf shifted = x * 1.44269504f + magic;
    const vi n = (vi)shifted - (vi)magic;
    const vf whole = shifted - magic;
    vf r = x - whole * 0.693359375f;
    r = r + whole * 2.12194440e-4f;
    vf p = splat(1.9875691500e-4f);
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    return (vf)((vi)(p * (vf)((n + 127) << 23)) & ~(x < -87.0f));
}

/* 1 / (1 + e^-x), and its derivative with it. */
INLINE vf logistic(vf x, vf *slope) {
    const vf e = exp_of_negative(-size_of(x));
    const vf r = 1.0f / (1.0f + e);
    const vf small = e * r;
    *slope = small * r;
    return choose(x > 0.0f, r, small);
}

/* P(Z < x), and e^(-x^2 / 2) with it. */
INLINE vf normal_share(vf x, vf *density) {
    *density = exp_of_negative(-0.5f * x * x);
    const vf t = 1.0f / (1.0f + 0.2675f * size_of(x));
    vf p = splat(2.994175883e-02f);
    p = p * t - 1.354069196e-01f;
    p = p * t + 1.933262177e-01f;
    p = p * t - 9.176150051e-02f;
    p = p * t + 1.219843152e-01f;
    p = p * t + 6.664405057e-02f;
    p = p * t + 1.021276307e-01f;
    p = p * t + 1.064145923e-01f;
    p = p * t + 1.067298631e-01f;
    const vf tail = p * t * *density;
    return choose(x > 0.0f, 1.0f - tail, tail);
}

/* Beyond 16 the tanh form's slope is 0 or 1 exactly, and x^3 could overflow. */
INLINE vf within_16(vf x) { return choose(x > 16.0f, splat(16.0f), choose(x < -16.0f, splat(-16.0f), x)); }

/* 2 sqrt(2 / pi) and 2 sqrt(2 / pi) 0.044715 */
#define GELU_LINEAR 1.595769122f
#define GELU_CUBIC 0.0713548163f

INLINE vf activated(vf z, const int activation) {
    vf unused;
    if (activation == NK_RELU) return relu_vector(z);
    if (activation == NK_GELU) return z * normal_share(z, &unused);
    if (activation == NK_GELU_TANH) {
        const vf x = within_16(z);
        return z * logistic(x * (x * x * GELU_CUBIC + GELU_LINEAR), &unused);
    }
    if (activation == NK_SILU) return z * logistic(z, &unused);
    return z;
}

/* g times the activation's derivative at z. */
INLINE vf through_activation(vf g, vf z, const int activation) {
    if (activation == NK_RELU) return (vf)((vi)g & (z > 0.0f));
    if (activation == NK_GELU) {
        vf density;
        const vf share = normal_share(z, &density);
        return g * (share + z * density * 0.3989422804f);
    }
    if (activation == NK_GELU_TANH) {
        vf slope;
        const vf x = within_16(z), squared = x * x;
        const vf s = logistic(x * (squared * GELU_CUBIC + GELU_LINEAR), &slope);
        return g * (s + x * slope * (squared * (3.0f * GELU_CUBIC) + GELU_LINEAR));
    }
    if (activation == NK_SILU) {
        vf slope;
        const vf s = logistic(z, &slope);
        return g * (s + z * slope);
    }
    return g;
}

/* One copy of a function for each activation, so that the choice stands outside the loops. */
#define FOR_EACH_ACTIVATION(activation, call, ...)                             \
    do {                                                                       \
        if ((activation) == NK_RELU)                                           \
            call(__VA_ARGS__, NK_RELU);                                        \
        else if ((activation) == NK_GELU)                                      \
            call(__VA_ARGS__, NK_GELU);                                        \
        else if ((activation) == NK_GELU_TANH)                                 \
            call(__VA_ARGS__, NK_GELU_TANH);                                   \
        else if ((activation) == NK_SILU)                                      \
            call(__VA_ARGS__, NK_SILU);                                        \
        else                                                                   \
            call(__VA_ARGS__, NK_LINEAR);                                      \
    } while (0)

/* ---- over all elements ---- */

#define SMOOTH_PER_TASK 16384

typedef struct {
    size_t n;
    const float *g, *x;
    int activation;
    float *out;
} smooth_work;

INLINE void smooth_forward(const float *x, float *out, size_t n, const int activation) {
    size_t i = 0;
    for (; i + VL <= n; i += VL) store(out + i, activated(load(x + i), activation));
    if (i < n) store_part(out + i, (ptrdiff_t)(n - i), activated(load_part(x + i, (ptrdiff_t)(n - i), 0.0f), activation));
}

INLINE void smooth_backward(const float *g, const float *x, float *out, size_t n, const int activation) {
    size_t i = 0;
    for (; i + VL <= n; i += VL) store(out + i, through_activation(load(g + i), load(x + i), activation));
    if (i < n) {
        const ptrdiff_t rest = (ptrdiff_t)(n - i);
        store_part(out + i, rest,
                   through_activation(load_part(g + i, rest, 0.0f), load_part(x + i, rest, 0.0f), activation));
    }
}

static void smooth_task(void *ctx, size_t index) {
    const smooth_work *s = ctx;
    const size_t first = index * SMOOTH_PER_TASK;
    const size_t count = s->n - first < SMOOTH_PER_TASK ? s->n - first : SMOOTH_PER_TASK;
    const float *x = s->x + first;
    float *out = s->out + first;
    if (s->g)
        FOR_EACH_ACTIVATION(s->activation, smooth_backward, s->g + first, x, out, count);
    else
        FOR_EACH_ACTIVATION(s->activation, smooth_forward, x, out, count);
}

/* out = activation(x), or with g: out = g activation'(x). */
static void smooth(size_t n, const float *g, const float *x, int activation, float *out) {
    smooth_work s = {n, g, x, activation, out};
    nk_parallel(smooth_task, &s, (n + SMOOTH_PER_TASK - 1) / SMOOTH_PER_TASK);
}
