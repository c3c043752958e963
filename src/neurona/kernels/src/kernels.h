/* What an instruction set offers: one table of functions, filled once per set from template.h.
 *
 * The functions get plain pointers and sizes that the bindings (bind_*.c) have already checked: float32, C order,
 * sizes that fit, outputs apart from inputs. Rows of a matrix follow each other without gaps.
 */
#ifndef NEURONA_KERNELS_H
#define NEURONA_KERNELS_H

#include <math.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "memory.h"
#include "pool.h"

enum { NK_LINEAR = 0, NK_RELU = 1, NK_TANH = 2, NK_SIGMOID = 3, NK_GELU = 4, NK_GELU_TANH = 5, NK_SILU = 6 };

/* op(a)[m, k] @ op(b)[k, n], then + bias[n], then the activation. */
typedef struct {
    ptrdiff_t m, n, k;
    const float *a, *b;
    int ta, tb; /* stored as [k, m], as [n, k] */
    const float *bias;
    int activation;
    float *c;
} nk_product;

/* What every optimizer's update walks over: `count` parameters, each with its gradient and its slots. */
#define NK_SLOTS 3
typedef struct {
    size_t count;
    float **params;
    const float **grads;
    float **slots[NK_SLOTS]; /* NULL where the rule has fewer */
    const size_t *offsets;   /* count + 1 of them: where each begins when all are laid end to end */
    const float *decay;      /* per parameter: learning rate x weight decay */
} nk_parameters;

typedef struct {
    float alpha, up1, up2, epsilon; /* alpha: learning rate with both bias corrections */
    int amsgrad;
} nk_adam;

typedef struct {
    float rate, momentum;
    int nesterov;
} nk_sgd;

typedef struct {
    float rate, rho, up, momentum, epsilon;
    int centered;
} nk_rmsprop;

/* Some rows of one table, with their gradients and the same rows of its slots. */
typedef struct {
    ptrdiff_t rows, d;
    const int64_t *index; /* ascending, none twice */
    float *params, *slots[NK_SLOTS]; /* whole tables; slots NULL where the rule has fewer */
    const float *grads;              /* rows x d */
    float decay;
} nk_some_rows;

/* The 3 x 3 convolution, stride 1: maps of pictures (n, h, w, c), kernel (3, 3, c, f). Pooled: 2 x 2 maxima, y and
 * where (n, oh / 2, ow / 2, f) with oh = h + top + bottom - 2. method: NK_DIRECT, or the side of Winograd's tile. */
enum { NK_DIRECT = 1 };
typedef struct {
    ptrdiff_t n, h, w, c, f, top, bottom, left, right;
    int relu, pool, method;
    const float *x, *kernel, *bias; /* bias may be NULL */
    float *y;
    uint8_t *where;
} nk_conv3x3;

/* dx, dkernel, dbias: NULL where not wanted. relu: y masks g; pooled, `where` tells it all and y is not looked at. */
typedef struct {
    ptrdiff_t n, h, w, c, f, top, bottom, left, right;
    int relu, pool, method_dx, method_dkernel;
    const float *g, *y, *x, *kernel;
    const uint8_t *where;
    float *dx, *dkernel, *dbias;
} nk_conv3x3_backward;

/* Pooling of pictures (n, d, h, w, c): `space` their three lengths, `out` the windows along each axis, `before` the
 * padding on their near side. Every window holds a place of the picture. */
typedef struct {
    ptrdiff_t n, c, space[3], out[3], size[3], strides[3], before[3];
    const float *source;  /* x, or on the way back g */
    const int32_t *where; /* on the way back: the place of the largest in its window */
    float *result;        /* y or dx */
    int32_t *places;      /* where, on the way forward */
} nk_windows;

/* A convolution lifted to three axes: x (n, *in, c), kernel (*kernel, c / groups, f), result (n, *out, f); `before`: the
 * pads on the near side. Depthwise: groups = c, f = c times the filters of a channel. */
typedef struct {
    ptrdiff_t n, c, f, groups;
    ptrdiff_t in[3], out[3], kernel[3], stride[3], dilation[3], before[3];
} nk_conv;

/* A recurrent layer over sequences: x (n, t, d), kernel (d, k u), recurrent (u, k u) with k = 4 (LSTM), 3 (GRU) or 1 (plain
 * neurons), bias NULL or (k u), of the GRU with reset_after (2, 3 u), h0, kept and the LSTM's c0 (n, u), mask (n, t); kept and
 * mask may be NULL. h (n, t, u), the LSTM's c and the GRU's inner, of that shape too, and the gates of both (n, t, k u) leave,
 * or on the way back arrive. backwards: the last step first. */
typedef struct {
    ptrdiff_t n, t, d, u;
    int backwards, reset_after, activation; /* reset_after: of the GRU; activation: of plain neurons */
    const float *x, *kernel, *recurrent, *bias, *h0, *c0, *kept;
    const uint8_t *mask;
    float *h, *c, *gates, *inner;
} nk_recurrent;

/* gh, gc, ggates, ginner: NULL for zeros. dx, dkept and dbias: NULL where not wanted; dkernel and drecurrent both or neither. */
typedef struct {
    nk_recurrent layer;
    const float *gh, *gc, *ggates, *ginner;
    float *dx, *dkernel, *drecurrent, *dbias, *dh0, *dc0, *dkept;
} nk_recurrent_backward;

/* Attention: q (n, t, heads, d), k (n, s, heads / groups, d), v (n, s, heads / groups, f), y and its gradient g
 * (n, t, heads, f), float32 without gaps. mask: bytes over (n, heads, t, s), its steps 0 along an axis that one serves; or
 * NULL. causal: query i sees the keys 0 to i. */
typedef struct {
    ptrdiff_t n, t, s, heads, groups, d, f, mask_step[4];
    int causal;
    float scale;
    const uint8_t *mask;
    const float *q, *k, *v, *g;
    float *y, *dq, *dk, *dv;
} nk_attention;

typedef struct {
    const char *name;
    int (*products)(const nk_product *list, int count); /* all in one parallel region; -1 when memory is out */
    /* gz = g * activation'(y); db = column sums of gz. gz may be NULL (linear), db may be NULL. */
    void (*activation_backward)(ptrdiff_t m, ptrdiff_t n, const float *g, const float *y, int activation, float *gz,
                                float *db);
    void (*softmax_loss)(ptrdiff_t n, ptrdiff_t c, const float *x, const int64_t *labels, const float *targets,
                         float *loss, float *probs);
    void (*softmax_loss_backward)(ptrdiff_t n, ptrdiff_t c, const float *g, const float *probs, const int64_t *labels,
                                  const float *targets, float *dx);
    void (*dropout)(size_t n, const float *x, uint32_t threshold, float scale, uint32_t key0, uint32_t key1, float *y);
    /* `side`: nk_norm_side(m, c) doubles; gamma and beta may be NULL. */
    void (*batch_norm_train)(ptrdiff_t m, ptrdiff_t c, const float *x, const float *gamma, const float *beta,
                             double epsilon, int activation, float *y, float *mean, float *var, double *side);
    void (*batch_norm_infer)(ptrdiff_t m, ptrdiff_t c, const float *x, const float *a, const float *b, int activation,
                             float *y, double *side);
    void (*batch_norm_backward)(ptrdiff_t m, ptrdiff_t c, const float *g, const float *x, const float *gamma,
                                const float *beta, const float *mean, const float *var, double epsilon, int activation,
                                float *dx, float *dgamma, float *dbeta, double *side);
    /* gamma and beta may be NULL; `partial`: nk_sum_blocks(m, c) x 2 c floats. */
    void (*layer_norm)(ptrdiff_t m, ptrdiff_t c, const float *x, const float *gamma, const float *beta, double epsilon,
                       float *y);
    void (*layer_norm_backward)(ptrdiff_t m, ptrdiff_t c, const float *g, const float *x, const float *gamma,
                                double epsilon, float *dx, float *dgamma, float *dbeta, float *partial);
    /* out = activation(x); with g (not NULL) out = g activation'(x). */
    void (*smooth)(size_t n, const float *g, const float *x, int activation, float *out);
    void (*max_pool)(const nk_windows *windows);
    void (*max_pool_backward)(const nk_windows *windows);
    void (*average_pool)(const nk_windows *windows);
    void (*average_pool_backward)(const nk_windows *windows);
    /* y[a, j] = scale sum_i x[a, i, j]; `partial` holds outer x nk_sum_blocks(rows, inner) x inner floats. */
    void (*sum_rows)(ptrdiff_t outer, ptrdiff_t rows, ptrdiff_t inner, const float *x, float scale, float *y,
                     float *partial);
    void (*repeat_rows)(ptrdiff_t outer, ptrdiff_t rows, ptrdiff_t inner, const float *g, float scale, float *dx);
    void (*adam)(const nk_parameters *all, const nk_adam *rule);
    void (*sgd)(const nk_parameters *all, const nk_sgd *rule);
    void (*rmsprop)(const nk_parameters *all, const nk_rmsprop *rule);
    double (*square_sum)(const nk_parameters *all, double *partial);
    void (*adam_rows)(const nk_some_rows *table, const nk_adam *rule);
    void (*sgd_rows)(const nk_some_rows *table, const nk_sgd *rule);
    void (*rmsprop_rows)(const nk_some_rows *table, const nk_rmsprop *rule);
    /* out[r] = the sum of g[order[i]] for i from first[r] up to first[r + 1]. */
    void (*sum_by_row)(ptrdiff_t rows, ptrdiff_t d, const float *g, const int64_t *order, const int64_t *first,
                       float *out);
    void (*gather_float)(ptrdiff_t rows, ptrdiff_t d, const float *src, const int64_t *index, float scale, float *out);
    void (*gather_byte)(ptrdiff_t rows, ptrdiff_t d, const uint8_t *src, const int64_t *index, float scale,
                        float *out);
    int (*conv3x3)(const nk_conv3x3 *layer); /* -1 when memory is out */
    int (*conv3x3_backward)(const nk_conv3x3_backward *layer);
    /* -1 when memory is out; bias may be NULL. */
    int (*conv)(const nk_conv *p, const float *x, const float *kernel, const float *bias, int activation, float *y);
    int (*conv_input_gradient)(const nk_conv *p, const float *g, const float *kernel, float *dx);
    int (*conv_kernel_gradient)(const nk_conv *p, const float *g, const float *x, float *dkernel);
    int (*depthwise)(const nk_conv *p, const float *x, const float *kernel, const float *bias, int activation, float *y);
    int (*depthwise_input_gradient)(const nk_conv *p, const float *g, const float *kernel, float *dx);
    int (*depthwise_kernel_gradient)(const nk_conv *p, const float *g, const float *x, float *dkernel);
    /* As activation_backward, for many rows and few columns. */
    int (*conv_slope)(ptrdiff_t m, ptrdiff_t n, const float *g, const float *y, int activation, float *gz, float *db);
    int (*lstm)(const nk_recurrent *layer); /* -1 when memory is out; so all below */
    int (*lstm_backward)(const nk_recurrent_backward *layer);
    int (*gru)(const nk_recurrent *layer);
    int (*gru_backward)(const nk_recurrent_backward *layer);
    int (*simple_rnn)(const nk_recurrent *layer);
    int (*simple_rnn_backward)(const nk_recurrent_backward *layer);
    int (*attention)(const nk_attention *layer);
    int (*attention_backward)(const nk_attention *layer);
} nk_table;

/* The chunks of the optimizers and the row blocks of the normalisation: their size depends on the data's sizes alone,
 * never on the number of threads, so sums come out the same with any. */
#define NK_UPDATE_CHUNK ((size_t)8192)

static inline ptrdiff_t nk_sum_block(ptrdiff_t inner) {
    const ptrdiff_t rows = 16384 / inner;
    return rows < 16 ? 16 : (rows > 256 ? 256 : rows);
}

static inline ptrdiff_t nk_sum_blocks(ptrdiff_t rows, ptrdiff_t inner) {
    return (rows + nk_sum_block(inner) - 1) / nk_sum_block(inner);
}

/* How the normalisation walks over x[m, c], c > 0: as wide rows of p = k c columns, `padded` to whole vectors on the side,
 * `rows` of them in a block. */
typedef struct {
    ptrdiff_t p, padded, rows, blocks;
} nk_norm_plan;

static inline nk_norm_plan nk_plan_norm(ptrdiff_t m, ptrdiff_t c) {
    ptrdiff_t k = 1;
    if (c < 256) {
        while (k * c % 16 != 0) k *= 2;
        while (k * c < 64) k *= 2;
        if (k > m) k = 1;
    }
    nk_norm_plan plan = {.p = k * c, .padded = (k * c + 15) / 16 * 16};
    const ptrdiff_t wide = (m + k - 1) / k;
    plan.rows = 16384 / plan.p;
    if (plan.rows < 8) plan.rows = 8;
    if (plan.rows > wide && wide > 0) plan.rows = wide;
    plan.blocks = (wide + plan.rows - 1) / plan.rows;
    return plan;
}

/* Doubles that a pass needs on the side: two vectors of them, five of floats, and three of floats for each block. */
static inline size_t nk_norm_side(ptrdiff_t m, ptrdiff_t c) {
    const nk_norm_plan plan = nk_plan_norm(m, c);
    return (size_t)(plan.padded * 2) + (size_t)(plan.padded * (5 + 3 * plan.blocks) + 1) / 2;
}

#if defined(__x86_64__)
extern const nk_table nk_sse2, nk_avx2, nk_avx512;
#else
extern const nk_table nk_baseline;
#endif

#endif
