"""Accuracies: how often outputs and targets agree. Lean on `neurona.metrics.reduction`."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import config as settings
from neurona import ops
from neurona.cases import A, Case, Failure
from neurona.errors import ShapeError
from neurona.losses.base import convert, squeeze_or_expand_to_same_rank
from neurona.metrics.reduction import FUNCTIONS, FunctionMetric
from neurona.registry import Config, export
from neurona.tape import op
from neurona.tensor import Array, TensorLike

__all__ = [
    "Accuracy",
    "BinaryAccuracy",
    "CategoricalAccuracy",
    "SparseCategoricalAccuracy",
    "SparseTopKCategoricalAccuracy",
    "TopKCategoricalAccuracy",
    "accuracy",
    "binary_accuracy",
    "categorical_accuracy",
    "sparse_categorical_accuracy",
    "sparse_top_k_categorical_accuracy",
    "top_k_categorical_accuracy",
]


@op(
    cases=[
        Case(A("N", 0, 3, "int"), "N 3"),
        Case(A("N 1", 0, 3, "int"), "N 3"),
        Case(A("N T", 0, 3, "int"), "N T 3"),
    ],
    errors=[Failure(A("4", 0, 3, "int"), "3 5", match="a class number for each row")],
)
def _class_matches(labels: Array, predictions: Array) -> Array:
    """1 where the largest prediction is that of the labelled class, else 0.

    >>> _class_matches([2, 1], [[0.1, 0.6, 0.3], [0.0, 0.9, 0.1]])
    Tensor([0., 1.], dtype=float32)
    """
    if labels.ndim == predictions.ndim and labels.shape[-1:] == (1,):
        labels = labels[..., 0]
    if labels.shape != predictions.shape[:-1]:
        raise ShapeError(
            "Expected a class number for each row of predictions. "
            f"Received: y_true of shape {labels.shape}, y_pred of shape {predictions.shape}."
        )
    if not predictions.size:
        return np.zeros(labels.shape, settings.floatx())
    return np.asarray(predictions.argmax(axis=-1) == labels, settings.floatx())


def accuracy(y_true: TensorLike, y_pred: TensorLike) -> Any:
    """1 where both are equal, else 0.

    >>> accuracy([1, 2, 3], [1, 0, 3])
    Tensor([1., 0., 1.], dtype=float32)
    """
    y_pred = convert(y_pred)
    y_true, y_pred = squeeze_or_expand_to_same_rank(convert(y_true, y_pred.dtype), y_pred)
    return ops.cast(ops.equal(y_true, y_pred), settings.floatx())


def binary_accuracy(y_true: TensorLike, y_pred: TensorLike, threshold: float = 0.5) -> Any:
    """1 where a probability lies on the right side of the threshold, else 0.

    Args:
        y_true: 0 or 1, any shape.
        y_pred: probabilities of the same shape.
        threshold: above it a probability means 1.

    >>> binary_accuracy([1.0, 1.0, 0.0], [0.9, 0.4, 0.2])
    Tensor([1., 0., 1.], dtype=float32)
    """
    y_true, y_pred = squeeze_or_expand_to_same_rank(convert(y_true), convert(y_pred))
    found = ops.cast(ops.greater(y_pred, threshold), y_true.dtype)
    return ops.cast(ops.equal(y_true, found), settings.floatx())


def categorical_accuracy(y_true: TensorLike, y_pred: TensorLike) -> Any:
    """1 where target and output are largest at the same class, else 0.

    Args:
        y_true: one-hot, shape (..., C).
        y_pred: probabilities or logits, shape (..., C).

    >>> categorical_accuracy([[0, 1], [1, 0]], [[0.2, 0.8], [0.3, 0.7]])
    Tensor([1., 0.], dtype=float32)
    """
    return _class_matches(ops.argmax(y_true, axis=-1), y_pred)


def sparse_categorical_accuracy(y_true: TensorLike, y_pred: TensorLike) -> Any:
    """1 where the output is largest at the target's class, else 0.

    Args:
        y_true: class numbers, shape (...) or (..., 1).
        y_pred: probabilities or logits, shape (..., C).

    >>> sparse_categorical_accuracy([1, 0], [[0.2, 0.8], [0.3, 0.7]])
    Tensor([1., 0.], dtype=float32)
    """
    return _class_matches(y_true, y_pred)


def _in_top_k(labels: Any, predictions: Any, k: int) -> Any:
    """1 where the labelled class is among the k with the largest predictions, else 0."""
    shape = labels.shape
    if len(predictions.shape) > 2:
        predictions = ops.reshape(predictions, (-1, predictions.shape[-1]))
    if len(shape) > 1:
        labels = ops.reshape(labels, (-1,))
    matches = ops.cast(ops.in_top_k(ops.cast(labels, "int32"), predictions, k=k), settings.floatx())
    return ops.reshape(matches, shape) if len(shape) > 1 else matches


def top_k_categorical_accuracy(y_true: TensorLike, y_pred: TensorLike, k: int = 5) -> Any:
    """1 where the target's class is among the k likeliest, else 0.

    Args:
        y_true: one-hot, shape (..., C).
        y_pred: probabilities or logits, shape (..., C).
        k: how many count.

    >>> top_k_categorical_accuracy([[0, 1, 0], [1, 0, 0]], [[0.5, 0.4, 0.1], [0.1, 0.5, 0.4]], k=2)
    Tensor([1., 0.], dtype=float32)
    """
    return _in_top_k(ops.argmax(y_true, axis=-1), convert(y_pred), k)


def sparse_top_k_categorical_accuracy(
    y_true: TensorLike, y_pred: TensorLike, k: int = 5, from_sorted_ids: bool = False
) -> Any:
    """1 where the target's class is among the k likeliest, else 0.

    Args:
        y_true: class numbers, shape (...).
        y_pred: probabilities or logits, shape (..., C); with `from_sorted_ids` class numbers, likeliest
            first.
        k: how many count.
        from_sorted_ids: see `y_pred`.

    >>> sparse_top_k_categorical_accuracy([1, 0], [[0.5, 0.4, 0.1], [0.1, 0.5, 0.4]], k=2)
    Tensor([1., 0.], dtype=float32)
    """
    y_true, y_pred = convert(y_true), convert(y_pred)
    if not from_sorted_ids:
        return _in_top_k(y_true, y_pred, k)
    hits = ops.equal(ops.expand_dims(ops.cast(y_true, y_pred.dtype), -1), y_pred[..., :k])
    return ops.cast(ops.any(hits, axis=-1), settings.floatx())


@export("keras.metrics")
class Accuracy(FunctionMetric):
    """How often targets and outputs are equal.

    Args:
        name: how reports call it.
        dtype: the type to count in.

    >>> Accuracy()([1, 2, 3, 4], [0, 2, 3, 4])
    Tensor(0.75, dtype=float32)
    """

    _direction = "up"

    def __init__(self, name: str | None = "accuracy", dtype: Any = None) -> None:
        super().__init__(accuracy, name, dtype)


@export("keras.metrics")
class BinaryAccuracy(FunctionMetric):
    """How often probabilities lie on the right side of a threshold.

    Args:
        name: how reports call it.
        dtype: the type to count in.
        threshold: above it a probability means 1.

    >>> BinaryAccuracy()([1, 1, 0, 0], [0.9, 0.4, 0.2, 0.1])
    Tensor(0.75, dtype=float32)
    """

    _direction = "up"
    _saved = ("threshold",)

    def __init__(self, name: str | None = "binary_accuracy", dtype: Any = None, threshold: float = 0.5) -> None:
        super().__init__(binary_accuracy, name, dtype, threshold=threshold)


@export("keras.metrics")
class CategoricalAccuracy(FunctionMetric):
    """How often the likeliest class is the target's; targets are one-hot.

    Args:
        name: how reports call it.
        dtype: the type to count in.

    >>> CategoricalAccuracy()([[0, 1], [1, 0]], [[0.2, 0.8], [0.3, 0.7]])
    Tensor(0.5, dtype=float32)
    """

    _direction = "up"

    def __init__(self, name: str | None = "categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(categorical_accuracy, name, dtype)


@export("keras.metrics")
class SparseCategoricalAccuracy(FunctionMetric):
    """How often the likeliest class is the target's; targets are class numbers.

    Args:
        name: how reports call it.
        dtype: the type to count in.

    >>> SparseCategoricalAccuracy()([1, 0], [[0.2, 0.8], [0.3, 0.7]])
    Tensor(0.5, dtype=float32)
    """

    _direction = "up"

    def __init__(self, name: str | None = "sparse_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(sparse_categorical_accuracy, name, dtype)


@export("keras.metrics")
class TopKCategoricalAccuracy(FunctionMetric):
    """How often the target's class is among the k likeliest; targets are one-hot.

    Args:
        k: how many count.
        name: how reports call it.
        dtype: the type to count in.

    >>> TopKCategoricalAccuracy(k=1)([[0, 1], [1, 0]], [[0.2, 0.8], [0.3, 0.7]])
    Tensor(0.5, dtype=float32)
    """

    _direction = "up"
    _saved = ("k",)

    def __init__(self, k: int = 5, name: str | None = "top_k_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(top_k_categorical_accuracy, name, dtype, k=k)


@export("keras.metrics")
class SparseTopKCategoricalAccuracy(FunctionMetric):
    """How often the target's class is among the k likeliest; targets are class numbers.

    Args:
        k: how many count.
        name: how reports call it.
        dtype: the type to count in.
        from_sorted_ids: outputs are class numbers, the likeliest first, instead of probabilities.

    >>> SparseTopKCategoricalAccuracy(k=1)([1, 0], [[0.2, 0.8], [0.3, 0.7]])
    Tensor(0.5, dtype=float32)
    """

    _direction = "up"

    def __init__(
        self,
        k: int = 5,
        name: str | None = "sparse_top_k_categorical_accuracy",
        dtype: Any = None,
        from_sorted_ids: bool = False,
    ) -> None:
        super().__init__(sparse_top_k_categorical_accuracy, name, dtype, k=k, from_sorted_ids=from_sorted_ids)

    def get_config(self) -> Config:
        told = {"from_sorted_ids": True} if self.from_sorted_ids else {}
        return {"name": self.name, "dtype": self.dtype, "k": self.k, **told}


for _function in (
    accuracy,
    binary_accuracy,
    categorical_accuracy,
    sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
):
    FUNCTIONS[_function.__name__] = _function
