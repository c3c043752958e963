/* Vectors of VL floats, and exp, tanh and the logistic function on them.
 *
 * C has no `?:` on vectors, so choices are made with bit masks; a comparison with NaN is false, and each choice below
 * is turned so that NaN passes through.
 *
 * exp: Cody and Waite's reduction x = n log 2 + r, a polynomial for e^r (Cephes), then the exponent field; relative
 * error below 1e-7. It must not be compiled with -ffast-math, which removes the rounding trick.
 */
#define INLINE static inline __attribute__((always_inline))

typedef float vf __attribute__((vector_size(VL * 4)));
typedef int32_t vi __attribute__((vector_size(VL * 4)));
typedef uint32_t vu __attribute__((vector_size(VL * 4)));
typedef float vf_any __attribute__((vector_size(VL * 4), aligned(4), may_alias)); /* at any address */

INLINE vf load(const float *p) { return (vf) * (const vf_any *)p; }
INLINE void store(float *p, vf v) { *(vf_any *)p = (vf_any)v; }
INLINE vf splat(float s) { return s - (vf){0}; }
INLINE vf choose(vi mask, vf yes, vf no) { return (vf)(((vi)yes & mask) | ((vi)no & ~mask)); }

/* The first n < VL lanes; the others are `fill`. */
INLINE vf load_part(const float *p, ptrdiff_t n, float fill) {
    vf v = splat(fill);
    memcpy(&v, p, (size_t)n * sizeof *p);
    return v;
}

INLINE void store_part(float *p, ptrdiff_t n, vf v) { memcpy(p, &v, (size_t)n * sizeof *p); }

/* Vector j of a row of c floats; the last one may be partial. */
INLINE vf load_row(const float *x, ptrdiff_t j, ptrdiff_t c, float fill) {
    return j + VL <= c ? load(x + j) : load_part(x + j, c - j, fill);
}

INLINE void store_row(float *y, ptrdiff_t j, ptrdiff_t c, vf v) {
    if (j + VL <= c)
        store(y + j, v);
    else
        store_part(y + j, c - j, v);
}

/* The columns of a row of `width` floats, vector by vector; `body` is told whether the vector is whole. */
#define OVER_COLUMNS(width, body, ...)                                                                      \
    do {                                                                                                    \
        ptrdiff_t column = 0;                                                                               \
        for (; column + VL <= (width); column += VL) body(__VA_ARGS__, column, VL);                         \
        if (column < (width)) body(__VA_ARGS__, column, (width) - column);                                  \
    } while (0)

INLINE vf load_here(const float *p, const ptrdiff_t n) { return n == VL ? load(p) : load_part(p, n, 0.0f); }

INLINE void store_here(float *p, const ptrdiff_t n, vf v) {
    if (n == VL)
        store(p, v);
    else
        store_part(p, n, v);
}

/* Lane by lane in a fixed order of halves. */
INLINE float sum_lanes(vf v) {
    float lane[VL];
    memcpy(lane, &v, sizeof lane);
    for (int half = VL / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++) lane[i] += lane[i + half];
    return lane[0];
}

INLINE float max_lanes(vf v) {
    float most = v[0];
    for (int i = 1; i < VL; i++)
        if (v[i] > most) most = v[i];
    return most;
}

/* x < 0 is false for NaN, so NaN stays. */
INLINE vf relu_vector(vf x) { return (vf)((vi)x & ~(x < 0.0f)); }

INLINE vf exp_vector(vf x) {
    x = choose(x > 89.0f, splat(89.0f), x);     /* beyond: infinity */
    x = choose(x < -104.0f, splat(-104.0f), x); /* beyond: zero */
    const vf magic = splat(12582912.0f);        /* 1.5 x 2^23: adding it rounds to an integer, kept in the low bits */
    vf shifted = x * 1.44269504f + magic;
    vi n = (vi)shifted - (vi)magic;
    vf whole = shifted - magic;
    vf r = x - whole * 0.693359375f;
    r = r + whole * 2.12194440e-4f;
    vf p = splat(1.9875691500e-4f);
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    /* 2^n in two steps: one exponent field holds neither 2^128 nor the smallest numbers. */
    vi half = n >> 1;
    return p * (vf)((half + 127) << 23) * (vf)((n - half + 127) << 23);
}

INLINE vf sigmoid_vector(vf x) { return 1.0f / (1.0f + exp_vector(-x)); }

/* A polynomial near 0, where the quotient would lose digits; else (1 - e^-2|x|) / (1 + e^-2|x|) with x's sign. */
INLINE vf tanh_vector(vf x) {
    const vi sign = (vi)x & (vi)splat(-0.0f);
    vf size = (vf)((vi)x ^ sign);
    vf t = exp_vector(-2.0f * size);
    vf far = (vf)((vi)((1.0f - t) / (1.0f + t)) | sign);
    vf s = x * x;
    vf p = splat(-5.70498872745e-3f);
    p = p * s + 2.06390887954e-2f;
    p = p * s - 5.37397155531e-2f;
    p = p * s + 1.33314422036e-1f;
    p = p * s - 3.33332819422e-1f;
    vf near = p * s * x + x;
    return choose(size < 0.625f, near, far);
}
