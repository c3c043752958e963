"""Ops that are several steps in one, because one pass over memory is faster than several: each has a compiled
twin.

dense (product, bias, activation), softmax with crossentropy, dropout, and batch normalisation in training and
at rest. The NumPy reference states what each computes, step by step; the twin in `neurona.kernels` does it in
one go and takes the same arguments, or hands them back when they are not its case (float64, views with gaps).
"""

from __future__ import annotations

from neurona.ops.fused.batch_norm import batch_norm_infer, batch_norm_train
from neurona.ops.fused.crossentropy import softmax_crossentropy, sparse_softmax_crossentropy
from neurona.ops.fused.dense import FUSED_ACTIVATIONS, dense
from neurona.ops.fused.dropout import dropout

__all__ = [
    "FUSED_ACTIVATIONS",
    "batch_norm_infer",
    "batch_norm_train",
    "dense",
    "dropout",
    "softmax_crossentropy",
    "sparse_softmax_crossentropy",
]
