/* The kernels for sse2 (x86-64's own: no fused multiply-add, sixteen registers). */
#include "kernels.h"

#if defined(__x86_64__)

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("sse2"))), apply_to = function)
#else
#pragma GCC target("sse2")
#endif

#define ISA_NAME "sse2"
#define ISA_TABLE nk_sse2
#define VL 4 /* floats in a vector */
#define MR 4 /* rows of a product's tile */
#include "template.h"

#if defined(__clang__)
#pragma clang attribute pop
#endif

#else
typedef int nk_no_sse2; /* a file without declarations is no C */
#endif
