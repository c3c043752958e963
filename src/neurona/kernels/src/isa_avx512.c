/* The kernels for avx512 (512 bits, thirty-two registers: 24 accumulators, 2 columns of weights, 1 broadcast). */
#include "kernels.h"

#if defined(__x86_64__)

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")
#endif

#define ISA_NAME "avx512"
#define ISA_TABLE nk_avx512
#define VL 16 /* floats in a vector */
#define MR 12 /* rows of a product's tile */
#include "template.h"

#if defined(__clang__)
#pragma clang attribute pop
#endif

#else
typedef int nk_no_avx512; /* a file without declarations is no C */
#endif
