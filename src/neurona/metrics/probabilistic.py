"""Crossentropies, divergences and hinges as metrics: the means of the losses of the same names."""

from __future__ import annotations

from typing import Any

from neurona import losses
from neurona.metrics.reduction import FunctionMetric
from neurona.registry import export

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "Hinge",
    "KLDivergence",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
]


@export("keras.metrics", "bce", "BCE")
class BinaryCrossentropy(FunctionMetric):
    """The mean of -y log p - (1 - y) log(1 - p).

    Args:
        name: how reports call it.
        dtype: the type to count in.
        from_logits: outputs are logits instead of probabilities.
        label_smoothing: how far targets are drawn towards 0.5, from 0 to 1.

    >>> round(float(BinaryCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
    0.6931
    """

    _direction = "down"
    _saved = ("from_logits", "label_smoothing")

    def __init__(
        self,
        name: str | None = "binary_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ) -> None:
        super().__init__(
            losses.binary_crossentropy, name, dtype, from_logits=from_logits, label_smoothing=label_smoothing
        )


@export("keras.metrics")
class CategoricalCrossentropy(FunctionMetric):
    """The mean of -Σ y log p over the classes; targets are one-hot.

    Args:
        name: how reports call it.
        dtype: the type to count in.
        from_logits: outputs are logits instead of probabilities.
        label_smoothing: how far targets are drawn towards equal shares, from 0 to 1.
        axis: the classes' axis.

    >>> round(float(CategoricalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
    0.6931
    """

    _direction = "down"
    _saved = ("from_logits", "label_smoothing", "axis")

    def __init__(
        self,
        name: str | None = "categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ) -> None:
        super().__init__(
            losses.categorical_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


@export("keras.metrics")
class SparseCategoricalCrossentropy(FunctionMetric):
    """The mean of -log p of the target's class; targets are class numbers.

    Args:
        name: how reports call it.
        dtype: the type to count in.
        from_logits: outputs are logits instead of probabilities.
        ignore_class: targets of this class cost nothing.
        axis: the classes' axis.

    >>> round(float(SparseCategoricalCrossentropy()([1], [[0.5, 0.5]])), 4)
    0.6931
    """

    _direction = "down"
    _saved = ("from_logits", "ignore_class", "axis")

    def __init__(
        self,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        super().__init__(
            losses.sparse_categorical_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )


@export("keras.metrics")
class KLDivergence(FunctionMetric):
    """The mean of Σ y log(y / p): how far one distribution is from another.

    Args:
        name: how reports call it.
        dtype: the type to count in.

    >>> KLDivergence()([[0.5, 0.5]], [[0.5, 0.5]])
    Tensor(0., dtype=float32)
    """

    def __init__(self, name: str | None = "kl_divergence", dtype: Any = None) -> None:
        super().__init__(losses.kl_divergence, name, dtype)


@export("keras.metrics")
class Poisson(FunctionMetric):
    """The mean of p - y log p: the cost of counts under a Poisson distribution.

    Args:
        name: how reports call it.
        dtype: the type to count in.

    >>> round(float(Poisson()([[1.0, 1.0]], [[1.0, 1.0]])), 4)
    1.0
    """

    def __init__(self, name: str | None = "poisson", dtype: Any = None) -> None:
        super().__init__(losses.poisson, name, dtype)


@export("keras.metrics")
class Hinge(FunctionMetric):
    """The mean of max(1 - y p, 0); targets are -1 or 1 (0 counts as -1).

    Args:
        name: how reports call it.
        dtype: the type to count in.

    >>> Hinge()([[1.0, -1.0]], [[0.5, -2.0]])
    Tensor(0.25, dtype=float32)
    """

    _direction = "down"

    def __init__(self, name: str | None = "hinge", dtype: Any = None) -> None:
        super().__init__(losses.hinge, name, dtype)


@export("keras.metrics")
class SquaredHinge(FunctionMetric):
    """The mean of max(1 - y p, 0)²; targets are -1 or 1 (0 counts as -1).

    Args:
        name: how reports call it.
        dtype: the type to count in.

    >>> SquaredHinge()([[1.0, -1.0]], [[0.5, -2.0]])
    Tensor(0.125, dtype=float32)
    """

    _direction = "down"

    def __init__(self, name: str | None = "squared_hinge", dtype: Any = None) -> None:
        super().__init__(losses.squared_hinge, name, dtype)


@export("keras.metrics")
class CategoricalHinge(FunctionMetric):
    """The mean of max(1 + the best wrong class - the right class, 0); targets are one-hot.

    Args:
        name: how reports call it.
        dtype: the type to count in.

    >>> CategoricalHinge()([[1.0, 0.0]], [[0.5, 0.25]])
    Tensor(0.75, dtype=float32)
    """

    _direction = "down"

    def __init__(self, name: str | None = "categorical_hinge", dtype: Any = None) -> None:
        super().__init__(losses.categorical_hinge, name, dtype)
