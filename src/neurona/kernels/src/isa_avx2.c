/* The kernels for avx2 (256 bits and fused multiply-add: 12 accumulators, 2 columns of weights, 1 broadcast). */
#include "kernels.h"

#if defined(__x86_64__)

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC target("avx2,fma")
#endif

#define ISA_NAME "avx2"
#define ISA_TABLE nk_avx2
#define VL 8 /* floats in a vector */
#define MR 6 /* rows of a product's tile */
#include "template.h"

#if defined(__clang__)
#pragma clang attribute pop
#endif

#else
typedef int nk_no_avx2; /* a file without declarations is no C */
#endif
