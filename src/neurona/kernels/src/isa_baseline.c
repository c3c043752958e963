/* The kernels for every other processor (NEON on ARM): 128-bit vectors, whatever the compiler makes of them. */
#include "kernels.h"

#if !defined(__x86_64__)

#if defined(__aarch64__)
#define ISA_NAME "neon"
#else
#define ISA_NAME "baseline"
#endif
#define ISA_TABLE nk_baseline
#define VL 4 /* floats in a vector */
#define MR 8 /* rows of a product's tile: 16 accumulators of thirty-two registers */
#include "template.h"

#else
typedef int nk_no_baseline; /* a file without declarations is no C */
#endif
