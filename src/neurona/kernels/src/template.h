/* The kernels, written once and included once per instruction set.
 *
 * The including file names the set (ISA_NAME, ISA_TABLE), the floats in a vector (VL) and the rows of a product's
 * tile (MR); everything here is static except the table at the end. Explicit GCC vectors serve where the shape of the
 * registers matters (products, exponentials); plain loops, which the compiler turns into vectors by itself, serve
 * everywhere else. Sums run in an order fixed by the sizes, so the number of threads never shows in a result.
 */
#include "t_vector.h"

#include "t_smooth.h"

#include "t_product.h"

#include "t_activation.h"

#include "t_rows.h"

#include "t_norm.h"

#include "t_layer_norm.h"

#include "t_pool.h"

#include "t_reduce.h"

#include "t_update.h"

#include "t_embedding.h"

#include "t_winograd.h"

#include "t_winograd_passes.h"

#include "t_winograd_kernel.h"

#include "t_conv3x3.h"

#include "t_conv3x3_backward.h"

#include "t_conv.h"

#include "t_conv_scatter.h"

#include "t_conv_kernel.h"

#include "t_depthwise.h"

#include "t_recurrent.h"

#include "t_steps.h"

#include "t_lstm.h"

#include "t_gru.h"

#include "t_simple_rnn.h"

#include "t_attention.h"

const nk_table ISA_TABLE = {
    .name = ISA_NAME,
    .products = products,
    .activation_backward = activation_backward,
    .softmax_loss = softmax_loss,
    .softmax_loss_backward = softmax_loss_backward,
    .dropout = dropout,
    .batch_norm_train = batch_norm_train,
    .batch_norm_infer = batch_norm_infer,
    .batch_norm_backward = batch_norm_backward,
    .layer_norm = layer_norm,
    .layer_norm_backward = layer_norm_backward,
    .smooth = smooth,
    .sum_rows = sum_rows,
    .repeat_rows = repeat_rows,
    .max_pool = max_pool,
    .max_pool_backward = max_pool_backward,
    .average_pool = average_pool,
    .average_pool_backward = average_pool_backward,
    .adam = adam,
    .sgd = sgd,
    .rmsprop = rmsprop,
    .square_sum = square_sum,
    .adam_rows = adam_rows,
    .sgd_rows = sgd_rows,
    .rmsprop_rows = rmsprop_rows,
    .sum_by_row = sum_by_row,
    .gather_float = gather_float,
    .gather_byte = gather_byte,
    .conv3x3 = conv3x3,
    .conv3x3_backward = conv3x3_backward,
    .conv = conv,
    .conv_input_gradient = conv_input_gradient,
    .conv_kernel_gradient = conv_kernel_gradient,
    .depthwise = depthwise,
    .depthwise_input_gradient = depthwise_input_gradient,
    .depthwise_kernel_gradient = depthwise_kernel_gradient,
    .conv_slope = conv_slope,
    .lstm = lstm,
    .lstm_backward = lstm_backward,
    .gru = gru,
    .gru_backward = gru_backward,
    .simple_rnn = simple_rnn,
    .simple_rnn_backward = simple_rnn_backward,
    .attention = attention,
    .attention_backward = attention_backward,
};
