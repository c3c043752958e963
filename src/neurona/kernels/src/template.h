/* The kernels, written once and included once per instruction set.
 *
 * The including file names the set (ISA_NAME, ISA_TABLE), the floats in a vector (VL) and the rows of a product's
 * tile (MR); everything here is static except the table at the end. Explicit GCC vectors serve where the shape of the
 * registers matters (products, exponentials); plain loops, which the compiler turns into vectors by itself, serve
 * everywhere else. Sums run in an order fixed by the sizes, so the number of threads never shows in a result.
 */
#include "t_vector.h"

#include "t_product.h"

#include "t_activation.h"

#include "t_rows.h"

#include "t_norm.h"

#include "t_update.h"

const nk_table ISA_TABLE = {
    .name = ISA_NAME,
    .products = products,
    .activation_backward = activation_backward,
    .softmax_loss = softmax_loss,
    .softmax_loss_backward = softmax_loss_backward,
    .dropout = dropout,
    .norm_statistics = norm_statistics,
    .scale_shift = scale_shift,
    .norm_backward_sums = norm_backward_sums,
    .norm_backward_dx = norm_backward_dx,
    .adam = adam,
    .sgd = sgd,
    .rmsprop = rmsprop,
    .square_sum = square_sum,
    .gather_float = gather_float,
    .gather_byte = gather_byte,
};
