"""Keras's older place for policies of types: `keras.mixed_precision`."""

from __future__ import annotations

from neurona.dtype_policies import DTypePolicy, dtype_policy, set_dtype_policy
from neurona.dtype_policies import DTypePolicy as Policy
from neurona.dtype_policies import dtype_policy as global_policy
from neurona.dtype_policies import set_dtype_policy as set_global_policy
from neurona.optimizers import LossScaleOptimizer

__all__ = [
    "DTypePolicy",
    "LossScaleOptimizer",
    "Policy",
    "dtype_policy",
    "global_policy",
    "set_dtype_policy",
    "set_global_policy",
]
