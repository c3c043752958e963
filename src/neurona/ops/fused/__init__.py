"""Ops that are several steps in one, because one pass over memory is faster than several: each has a compiled
twin.

dense and convolve (product, bias, activation), convolve_pool (and the largest of four), depthwise and transposed
convolutions, pooling, softmax with crossentropy, dropout, batch normalisation in training and at rest, layer
normalisation, and recurrent layers over whole sequences (lstm, gru, simple_rnn). The NumPy reference states what each
computes, step by step; the twin in `neurona.kernels` does it in one go and takes the same arguments, or hands them back when
they are not its case (float64, views with gaps).
"""

from __future__ import annotations

from neurona.ops.fused.adaptive import adaptive_average, adaptive_max
from neurona.ops.fused.attention import scaled_attention
from neurona.ops.fused.batch_norm import batch_norm_infer, batch_norm_train
from neurona.ops.fused.convolution import convolve
from neurona.ops.fused.convolution_pool import convolve_pool
from neurona.ops.fused.crossentropy import softmax_crossentropy, sparse_softmax_crossentropy
from neurona.ops.fused.dense import FUSED_ACTIVATIONS, dense
from neurona.ops.fused.depthwise import depthwise
from neurona.ops.fused.dropout import dropout
from neurona.ops.fused.embedding import embedding
from neurona.ops.fused.gru import gru
from neurona.ops.fused.layer_norm import layer_norm
from neurona.ops.fused.lstm import lstm
from neurona.ops.fused.pooling import average_pool_raw, max_pool_places
from neurona.ops.fused.simple_rnn import simple_rnn
from neurona.ops.fused.transposed import convolve_transposed

__all__ = [
    "FUSED_ACTIVATIONS",
    "adaptive_average",
    "adaptive_max",
    "average_pool_raw",
    "batch_norm_infer",
    "batch_norm_train",
    "convolve",
    "convolve_pool",
    "convolve_transposed",
    "dense",
    "depthwise",
    "dropout",
    "embedding",
    "gru",
    "layer_norm",
    "lstm",
    "max_pool_places",
    "scaled_attention",
    "simple_rnn",
    "softmax_crossentropy",
    "sparse_softmax_crossentropy",
]
