/* Winograd's minimal convolution F(m x m, 3 x 3): the changes of basis of one tile.
 *
 * m outputs of a 1-D correlation with 3 weights are a polynomial product; evaluated at m + 2 points it needs m + 2
 * multiplications in place of 3 m:
 *
 *     y = A^T [ (G w) . (B^T d) ]          (. element by element; d: m + 2 inputs, w: 3 weights)
 *
 * and nested, for m x m outputs of a 3 x 3 kernel, Y = A^T [ (G w G^T) . (B^T d B) ] A: 16 products in place of 36 for
 * m = 2, 36 in place of 144 for m = 4. Summed over channels, the products at each of the (m + 2)^2 points are one
 * matrix product over all tiles. The points are 0, 1, -1, infinity (m = 2), and 2, -2 besides (m = 4):
 *
 *     m = 2:  B^T = 1  0 -1  0     G = 1    0    0      A^T = 1  1  1  0
 *                   0  1  1  0         1/2  1/2  1/2          0  1 -1 -1
 *                   0 -1  1  0         1/2 -1/2  1/2
 *                   0  1  0 -1         0    0    1
 *
 *     m = 4:  B^T = 4  0 -5  0  1  0     G =  1/4    0     0        A^T = 1  1  1  1  1  0
 *                   0 -4 -4  1  1  0         -1/6  -1/6  -1/6             0  1 -1  2 -2  0
 *                   0  4 -4 -1  1  0         -1/6   1/6  -1/6             0  1  1  4  4  0
 *                   0 -2 -1  2  1  0          1/24  1/12  1/6             0  1 -1  8 -8  1
 *                   0  2 -1 -2  1  0          1/24 -1/12  1/6
 *                   0  4  0 -5  0  1          0     0     1
 *
 * The gradient to the kernel is the exact adjoint: dw = G^T [ (B^T d B) . (A dY A^T) ] G. That to the input is a
 * convolution again, of dY with the kernel turned by half a circle.
 *
 * The last tile of a map whose side is no multiple of 4 has 3, 2 or 1 outputs to make. For them 5, 4 or 3 of the six
 * points are enough, and with the kernel at the points scaled as above (G as for m = 4) nothing but B and A changes:
 * for the point a among the points P that stay, A^T has the powers of a, and the row of B^T holds the coefficients of
 * the product of (x - b) over the other b in P, times the product of (a - b) over the b that were left out. So a
 * 7 x 7 map takes 11^2 in place of 12^2 multiplications, and a 3 x 3 map 5^2 in place of 6^2.
 *
 * Every function below works on vectors: VL channels at once. `kind` is a constant where they are called: 1 to 4
 * outputs of the m = 4 family, or 0 for m = 2.
 *
 * Source: A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016, arXiv:1509.09308;
 * the choice of points: S. Winograd, "Arithmetic Complexity of Computations" (1980).
 */
#define ROOM_BYTES ((size_t)4 << 20)

/* Room to work in, to be given back: at least so much that it lies in huge pages (memory.c). */
INLINE void *take_room(size_t bytes) { return nk_take(bytes < ROOM_BYTES ? ROOM_BYTES : bytes); }

#define UNROLLED _Pragma("GCC unroll 8")

/* Outputs of a kind, and which points (of the grid of 6, or of 4 for kind 0) it uses. */
INLINE int outputs_of(const int kind) { return kind == 0 ? 2 : kind; }
INLINE int has_point(const int kind, const int i) {
    return kind == 0 ? i < 4 : i == 5 || (i < 2) || (i < 5 && i <= kind);
}

/* v = B^T d */
INLINE void winograd_input(const int kind, const vf *d, vf *v) {
    if (kind == 0) {
        v[0] = d[0] - d[2];
        v[1] = d[1] + d[2];
        v[2] = d[2] - d[1];
        v[3] = d[1] - d[3];
    } else if (kind == 1) {
        v[0] = 4.0f * (d[0] - d[1]);
        v[1] = -6.0f * d[1];
        v[5] = d[2] - d[1];
    } else if (kind == 2) {
        v[0] = 4.0f * (d[0] - d[2]);
        v[1] = -3.0f * (d[2] + d[1]);
        v[2] = -3.0f * (d[2] - d[1]);
        v[5] = d[3] - d[1];
    } else if (kind == 3) {
        const vf slope = d[3] - d[1];
        v[0] = 2.0f * slope + 4.0f * (d[0] - d[2]);
        v[1] = 3.0f * (d[3] - d[2]) - 6.0f * d[1];
        v[2] = d[3] - 3.0f * d[2] + 2.0f * d[1];
        v[3] = 4.0f * slope;
        v[5] = d[4] - d[2] - 2.0f * slope;
    } else {
        const vf even = d[4] - 4.0f * d[2], odd = d[3] - 4.0f * d[1];
        const vf even2 = d[4] - d[2], odd2 = d[3] - d[1];
        v[0] = d[4] + (4.0f * d[0] - 5.0f * d[2]);
        v[1] = even + odd;
        v[2] = even - odd;
        v[3] = even2 + 2.0f * odd2;
        v[4] = even2 - 2.0f * odd2;
        v[5] = d[5] + (4.0f * d[1] - 5.0f * d[3]);
    }
}

/* y = A^T p */
INLINE void winograd_output(const int kind, const vf *p, vf *y) {
    if (kind == 0) {
        y[0] = p[0] + p[1] + p[2];
        y[1] = p[1] - p[2] - p[3];
    } else if (kind == 1) {
        y[0] = p[0] + p[1] + p[5];
    } else if (kind == 2) {
        y[0] = p[0] + p[1] + p[2];
        y[1] = p[1] - p[2] + p[5];
    } else if (kind == 3) {
        const vf sum = p[1] + p[2];
        y[0] = p[0] + sum + p[3];
        y[1] = p[1] - p[2] + 2.0f * p[3];
        y[2] = p[5] + sum + 4.0f * p[3];
    } else {
        const vf sum = p[1] + p[2], difference = p[1] - p[2];
        const vf sum2 = p[3] + p[4], difference2 = p[3] - p[4];
        y[0] = p[0] + sum + sum2;
        y[1] = difference + 2.0f * difference2;
        y[2] = sum + 4.0f * sum2;
        y[3] = p[5] + difference + 8.0f * difference2;
    }
}

/* p = A y */
INLINE void winograd_output_adjoint(const int kind, const vf *y, vf *p) {
    if (kind == 0) {
        p[0] = y[0];
        p[1] = y[0] + y[1];
        p[2] = y[0] - y[1];
        p[3] = -y[1];
    } else if (kind == 1) {
        p[0] = p[1] = p[5] = y[0];
    } else if (kind == 2) {
        p[0] = y[0];
        p[1] = y[0] + y[1];
        p[2] = y[0] - y[1];
        p[5] = y[1];
    } else if (kind == 3) {
        const vf even = y[0] + y[2];
        p[0] = y[0];
        p[1] = even + y[1];
        p[2] = even - y[1];
        p[3] = y[0] + 2.0f * y[1] + 4.0f * y[2];
        p[5] = y[2];
    } else {
        const vf even = y[0] + y[2], odd = y[1] + y[3];
        const vf even2 = y[0] + 4.0f * y[2], odd2 = 2.0f * y[1] + 8.0f * y[3];
        p[0] = y[0];
        p[1] = even + odd;
        p[2] = even - odd;
        p[3] = even2 + odd2;
        p[4] = even2 - odd2;
        p[5] = y[3];
    }
}

/* u = G w */
INLINE void winograd_kernel(const int m, const vf *w, vf *u) {
    if (m == 2) {
        const vf ends = 0.5f * (w[0] + w[2]), middle = 0.5f * w[1];
        u[0] = w[0];
        u[1] = ends + middle;
        u[2] = ends - middle;
        u[3] = w[2];
        return;
    }
    const vf ends = (w[0] + w[2]) * (-1.0f / 6), middle = w[1] * (1.0f / 6);
    const vf ends2 = w[0] * (1.0f / 24) + w[2] * (1.0f / 6), middle2 = w[1] * (1.0f / 12);
    u[0] = w[0] * 0.25f;
    u[1] = ends - middle;
    u[2] = ends + middle;
    u[3] = ends2 + middle2;
    u[4] = ends2 - middle2;
    u[5] = w[2];
}

/* w = G^T u */
INLINE void winograd_kernel_adjoint(const int m, const vf *u, vf *w) {
    if (m == 2) {
        const vf sum = 0.5f * (u[1] + u[2]);
        w[0] = u[0] + sum;
        w[1] = 0.5f * (u[1] - u[2]);
        w[2] = sum + u[3];
        return;
    }
    const vf sum = (u[1] + u[2]) * (1.0f / 6), difference = (u[2] - u[1]) * (1.0f / 6);
    const vf sum2 = u[3] + u[4], difference2 = u[3] - u[4];
    w[0] = 0.25f * u[0] - sum + sum2 * (1.0f / 24);
    w[1] = difference + difference2 * (1.0f / 12);
    w[2] = u[5] - sum + sum2 * (1.0f / 6);
}

/* ---- maps of pixels, and what a tile sees of them ---- */

/* n pictures of h x w pixels of c channels. */
typedef struct {
    const float *data, *end; /* end: one past the last number */
    ptrdiff_t h, w, c;
} maps;

INLINE maps maps_of(const float *data, ptrdiff_t n, ptrdiff_t h, ptrdiff_t w, ptrdiff_t c) {
    return (maps){data, data + n * h * w * c, h, w, c};
}

/* Where the high x wide pixels from row y, column x on of picture n lie: at[6 i + j]; outside the picture: `zeros`. */
INLINE void look_at(const maps *s, int high, int wide, ptrdiff_t n, ptrdiff_t y, ptrdiff_t x, const float *zeros,
                    const float **at) {
    for (int i = 0; i < high; i++)
        for (int j = 0; j < wide; j++) {
            const int inside = y + i >= 0 && y + i < s->h && x + j >= 0 && x + j < s->w;
            at[i * 6 + j] = inside ? s->data + ((n * s->h + y + i) * s->w + x + j) * s->c : zeros;
        }
}

/* The last channels, fewer than a vector, zeros beyond. What lies behind them is read and masked where it belongs to
 * the same array: a copy of a few bytes would cost far more. */
INLINE vf load_last(const float *p, ptrdiff_t left, vi mask, const float *end) {
    if (p + VL <= end) return (vf)((vi)load(p) & mask);
    return load_part(p, left, 0.0f);
}

INLINE vi first_lanes(ptrdiff_t n) {
    vi mask;
    for (int i = 0; i < VL; i++) mask[i] = i < n ? -1 : 0;
    return mask;
}

/* ---- matrices in panels ----
 *
 * Tiles x channels at each point: panel by panel of NR channels, in a panel [tile][NR]. So products read and write
 * without gaps, whether the channels are their columns, their k (forward), or tiles are their k (gradient). Points are
 * `slot` floats apart: never a power of two, or all (m + 2)^2 lines that a transform writes would fall into one set of
 * the cache. */
INLINE ptrdiff_t panels_of(ptrdiff_t channels) { return (channels + NR - 1) / NR; }
INLINE ptrdiff_t slot_of(ptrdiff_t rows, ptrdiff_t channels) { return rows * panels_of(channels) * NR + NR; }

/* One axis of a tile. */
INLINE void axis_to_points(const int kind, const int adjoint, const vf *d, vf *p) {
    if (adjoint)
        winograd_output_adjoint(kind, d, p);
    else
        winograd_input(kind, d, p);
}

/* A tile of ky x kx, inputs (B^T d B) or, adjoint, gradients (A g A^T), at the addresses at[6 i + j] -> points. */
INLINE void to_points(const int ky, const int kx, const int adjoint, const maps *s, const float *const *at,
                      const float *zeros, ptrdiff_t rows, float *v, ptrdiff_t slot) {
    const int high = outputs_of(ky) + (adjoint ? 0 : 2), wide = outputs_of(kx) + (adjoint ? 0 : 2);
    const int grid = ky == 0 ? 4 : 6;
    const float *patch_at[36];
    float patch[36 * VL];
    for (ptrdiff_t c = 0; c < s->c; c += VL) {
        ptrdiff_t shift = c;
        if (s->c - c < VL) {
            /* The last channels: through a copy that is filled up with zeros. */
            const vi mask = first_lanes(s->c - c);
            for (int i = 0; i < high; i++)
                for (int j = 0; j < wide; j++) {
                    const float *p = at[i * 6 + j];
                    store(patch + (i * 6 + j) * VL, p == zeros ? (vf){0} : load_last(p + c, s->c - c, mask, s->end));
                    patch_at[i * 6 + j] = patch + (i * 6 + j) * VL;
                }
            at = patch_at;
            shift = 0;
        }
        vf half[6][6];
        UNROLLED for (int j = 0; j < wide; j++) {
            vf d[6], p[6];
            UNROLLED for (int i = 0; i < high; i++) d[i] = load(at[i * 6 + j] + shift);
            axis_to_points(ky, adjoint, d, p);
            UNROLLED for (int i = 0; i < grid; i++)
                if (has_point(ky, i)) half[i][j] = p[i];
        }
        float *to = v + c / NR * rows * NR + c % NR;
        UNROLLED for (int i = 0; i < grid; i++) {
            if (!has_point(ky, i)) continue;
            vf p[6];
            axis_to_points(kx, adjoint, half[i], p);
            UNROLLED for (int j = 0; j < grid; j++)
                if (has_point(kx, j)) store(to + (i * grid + j) * slot, p[j]);
        }
    }
}

/* A tile's outputs, VL channels. */
INLINE void from_points(const int ky, const int kx, const float *from, ptrdiff_t slot, vf (*out)[4]) {
    const int grid = ky == 0 ? 4 : 6;
    vf half[4][6];
    UNROLLED for (int j = 0; j < grid; j++) {
        if (!has_point(kx, j)) continue;
        vf p[6], y[4];
        UNROLLED for (int i = 0; i < grid; i++)
            if (has_point(ky, i)) p[i] = load(from + (i * grid + j) * slot);
        winograd_output(ky, p, y);
        UNROLLED for (int i = 0; i < outputs_of(ky); i++) half[i][j] = y[i];
    }
    UNROLLED for (int i = 0; i < outputs_of(ky); i++) winograd_output(kx, half[i], out[i]);
}

/* Kinds are constants within each of these: one piece of code for each pair. */
#define EACH_KIND(CODE)                                                                                         \
    CODE(4, 4) CODE(4, 3) CODE(4, 2) CODE(4, 1) CODE(3, 4) CODE(3, 3) CODE(3, 2) CODE(3, 1) CODE(2, 4) CODE(2, 3) \
    CODE(2, 2) CODE(2, 1) CODE(1, 4) CODE(1, 3) CODE(1, 2) CODE(1, 1) CODE(0, 0)

/* ---- the small products ---- */

/* c[R][NR] = a[R][k] b[k][NR], only the first V vectors of a row. a: panels of NR columns, `panel` floats apart. */
INLINE void points_product(const int R, const int V, ptrdiff_t k, const float *a, ptrdiff_t panel, const float *b,
                           float *c) {
    vf acc[MR][2];
    _Pragma("GCC unroll 16") for (int i = 0; i < R; i++) acc[i][0] = acc[i][1] = (vf){0};
    for (; k >= NR; k -= NR, a += panel) {
        _Pragma("GCC unroll 4") for (int q = 0; q < NR; q++, b += NR) {
            const vf w0 = load(b), w1 = V == 2 ? load(b + VL) : w0;
            _Pragma("GCC unroll 16") for (int i = 0; i < R; i++) {
                const vf x = splat(a[i * NR + q]);
                acc[i][0] += x * w0;
                if (V == 2) acc[i][1] += x * w1;
            }
        }
    }
    for (ptrdiff_t q = 0; q < k; q++, b += NR) {
        const vf w0 = load(b), w1 = V == 2 ? load(b + VL) : w0;
        _Pragma("GCC unroll 16") for (int i = 0; i < R; i++) {
            const vf x = splat(a[i * NR + q]);
            acc[i][0] += x * w0;
            if (V == 2) acc[i][1] += x * w1;
        }
    }
    _Pragma("GCC unroll 16") for (int i = 0; i < R; i++) {
        store(c + i * NR, acc[i][0]);
        if (V == 2) store(c + i * NR + VL, acc[i][1]);
    }
}

/* c[R][NR] (+)= a^T b over k tiles: a[k][R of NR], b[k][NR]. */
INLINE void tiles_product(const int R, const int V, ptrdiff_t k, const float *a, const float *b, float *c, int add) {
    vf acc[MR][2];
    _Pragma("GCC unroll 16") for (int i = 0; i < R; i++) {
        __builtin_prefetch(c + i * NR, 1);
        acc[i][0] = acc[i][1] = (vf){0};
    }
    for (; k > 0; k--, a += NR, b += NR) {
        const vf w0 = load(b), w1 = V == 2 ? load(b + VL) : w0;
        _Pragma("GCC unroll 16") for (int i = 0; i < R; i++) {
            const vf x = splat(a[i]);
            acc[i][0] += x * w0;
            if (V == 2) acc[i][1] += x * w1;
        }
    }
    _Pragma("GCC unroll 16") for (int i = 0; i < R; i++, c += NR) {
        store(c, add ? load(c) + acc[i][0] : acc[i][0]);
        if (V == 2) store(c + VL, add ? load(c + VL) + acc[i][1] : acc[i][1]);
    }
}
