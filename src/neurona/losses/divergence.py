"""Losses of distributions besides the crossentropies: divergence, counts, and one that bears wrong labels."""

from __future__ import annotations

from typing import Any

from neurona import config, ops
from neurona.errors import ArgumentError
from neurona.losses.base import MODULE, FunctionLoss, broadcast, convert, tensors
from neurona.registry import export
from neurona.tensor import TensorLike

__all__ = [
    "CategoricalGeneralizedCrossEntropy",
    "KLDivergence",
    "Poisson",
    "categorical_generalized_cross_entropy",
    "kl_divergence",
    "poisson",
]


def kl_divergence(y_true: TensorLike, y_pred: TensorLike) -> Any:
    """What is lost when p stands for y: sum_j y_j log(y_j / p_j), both kept within epsilon ... 1.

    Args:
        y_true, y_pred: distributions y and p, shape (..., C).

    Returns:
        shape (...).

    Raises:
        ShapeError: shapes that do not fit.

    >>> kl_divergence([[0.5, 0.5]], [[0.5, 0.5]])
    Tensor([0.], dtype=float32)

    Source: Kullback & Leibler, "On information and sufficiency" (1951).
    """
    y_true, y_pred = tensors(y_true, y_pred)
    if y_true.shape != y_pred.shape:
        broadcast("kl_divergence", y_true, y_pred)
    y, p = (ops.clip(part, config.epsilon(), 1.0) for part in (y_true, y_pred))
    return ops.sum(ops.multiply(y, ops.log(ops.divide(y, p))), axis=-1)


def poisson(y_true: TensorLike, y_pred: TensorLike) -> Any:
    """For counts: mean_i of p_i - y_i log(p_i + epsilon), -log of the Poisson law but for a constant.

    Args:
        y_true: counts y, shape (..., C).
        y_pred: expected counts p, above 0, shape (..., C).

    Returns:
        shape (...).

    Raises:
        ShapeError: shapes that do not fit.

    >>> poisson([[2.0]], [[1.0]]).tolist()[0] < 1.0
    True
    """
    y_true, y_pred = tensors(y_true, y_pred)
    if y_true.shape != y_pred.shape:
        broadcast("poisson", y_true, y_pred)
    logs = ops.log(ops.add(y_pred, config.epsilon()))
    return ops.mean(ops.subtract(y_pred, ops.multiply(y_true, logs)), axis=-1)


def categorical_generalized_cross_entropy(y_true: TensorLike, y_pred: TensorLike, q: float) -> Any:
    """Between crossentropy (q near 0) and absolute error (q near 1): (1 - p^q) / q, which bears wrong labels.

    Args:
        y_true: class numbers from 0 to C - 1, shape (...).
        y_pred: probabilities, shape (..., C); p is that of the true class.
        q: between 0 and 1.

    Returns:
        shape (...).

    >>> categorical_generalized_cross_entropy([1], [[0.75, 0.25]], q=0.5)
    Tensor([1.], dtype=float32)

    Source: Zhang & Sabuncu, "Generalized cross entropy loss" (2018).
    """
    y_pred = convert(y_pred)
    labels = convert(y_true, "int32")
    if len(labels.shape) == len(y_pred.shape) and labels.shape[-1] == 1:
        labels = ops.squeeze(labels, axis=-1)
    one_hot = ops.one_hot(labels, y_pred.shape[-1], dtype=y_pred.dtype)
    broadcast("categorical_generalized_cross_entropy", one_hot, y_pred)
    p = ops.sum(ops.multiply(y_pred, one_hot), axis=-1)
    return ops.divide(ops.subtract(1.0, ops.power(p, q)), q)


categorical_generalized_cross_entropy.takes_integers = True  # type: ignore[attr-defined]


# -- the classes ---------------------------------------------------------------------------------------------

Reduction = str | None


@export(MODULE)
class KLDivergence(FunctionLoss):
    """`kl_divergence` with weights and reduction.

    Args:
        reduction, name, dtype: see `Loss`.

    >>> KLDivergence()([[0.5, 0.5]], [[0.5, 0.5]])
    Tensor(0., dtype=float32)
    """

    def __init__(
        self, reduction: Reduction = "sum_over_batch_size", name: str = "kl_divergence", dtype: Any = None
    ) -> None:
        super().__init__(kl_divergence, reduction, name, dtype)


@export(MODULE)
class Poisson(FunctionLoss):
    """`poisson` with weights and reduction.

    Args:
        reduction, name, dtype: see `Loss`.

    >>> Poisson()([[0.0, 0.0]], [[1.0, 3.0]])
    Tensor(2., dtype=float32)
    """

    def __init__(self, reduction: Reduction = "sum_over_batch_size", name: str = "poisson", dtype: Any = None) -> None:
        super().__init__(poisson, reduction, name, dtype)


@export(MODULE)
class CategoricalGeneralizedCrossEntropy(FunctionLoss):
    """`categorical_generalized_cross_entropy` with weights and reduction.

    Args:
        q: between 0 and 1, both left out.
        reduction, name, dtype: see `Loss`.

    Raises:
        ArgumentError: another q.

    >>> CategoricalGeneralizedCrossEntropy()([1], [[0.75, 0.25]])
    Tensor(1., dtype=float32)
    """

    def __init__(
        self,
        q: float = 0.5,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "categorical_generalized_cross_entropy",
        dtype: Any = None,
    ) -> None:
        if not 0 < q < 1:
            raise ArgumentError(f"Expected `q` between 0 and 1, both left out. Received: q={q!r}.")
        super().__init__(categorical_generalized_cross_entropy, reduction, name, dtype, q=q)
