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

enum { NK_LINEAR = 0, NK_RELU = 1, NK_TANH = 2, NK_SIGMOID = 3 };

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
    void (*norm_statistics)(ptrdiff_t m, ptrdiff_t c, const float *x, float *mean, float *var, float *partial);
    void (*scale_shift)(ptrdiff_t m, ptrdiff_t c, const float *x, const float *a, const float *b, int relu, float *y);
    void (*norm_backward_sums)(ptrdiff_t m, ptrdiff_t c, const float *g, const float *y, const float *x,
                               const float *mean, const float *inv, int relu, float *dgamma, float *dbeta,
                               float *partial);
    void (*norm_backward_dx)(ptrdiff_t m, ptrdiff_t c, const float *g, const float *y, const float *x,
                             const float *mean, const float *a, const float *b, const float *r, int relu, float *dx);
    void (*adam)(const nk_parameters *all, const nk_adam *rule);
    void (*sgd)(const nk_parameters *all, const nk_sgd *rule);
    void (*rmsprop)(const nk_parameters *all, const nk_rmsprop *rule);
    double (*square_sum)(const nk_parameters *all, double *partial);
    void (*gather_float)(ptrdiff_t rows, ptrdiff_t d, const float *src, const int64_t *index, float scale, float *out);
    void (*gather_byte)(ptrdiff_t rows, ptrdiff_t d, const uint8_t *src, const int64_t *index, float scale,
                        float *out);
} nk_table;

/* The chunks of the optimizers and the row blocks of the normalisation: their size depends on the data's sizes alone,
 * never on the number of threads, so sums come out the same with any. */
#define NK_UPDATE_CHUNK ((size_t)8192)

static inline ptrdiff_t nk_norm_rows(ptrdiff_t m, ptrdiff_t c) {
    ptrdiff_t rows = 16384 / (c > 0 ? c : 1);
    if (rows < 8) rows = 8;
    if (rows > 256) rows = 256;
    return rows < m ? rows : (m > 0 ? m : 1);
}

#if defined(__x86_64__)
extern const nk_table nk_sse2, nk_avx2, nk_avx512;
#else
extern const nk_table nk_baseline;
#endif

#endif
