"""Mean and Sum: running means and sums; MeanMetricWrapper: the mean of a function of targets and outputs.

Each batch is added by a single op that changes the sums in place, because a metric runs at every step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neurona import ops
from neurona.cases import A, Case
from neurona.errors import ShapeError
from neurona.losses.base import convert, squeeze_or_expand_to_same_rank
from neurona.metrics.base import Metric
from neurona.registry import Config, deserialize_keras_object, export, serialize_keras_object
from neurona.tape import op
from neurona.tensor import Array, TensorLike

__all__ = ["FunctionMetric", "Mean", "MeanMetricWrapper", "Sum"]

Reduce = Callable[..., Array]


def by_sample(values: Any, weights: Any, dtype: Any, reduce: Reduce) -> tuple[Array, Array | None]:
    """One weighted value for each sample, and its weight: axes that only the values have are reduced.

    >>> by_sample(np.array([[1.0, 3.0], [5.0, 5.0]]), np.array([1.0, 2.0]), "float32", np.mean)
    (array([ 2., 10.], dtype=float32), array([1., 2.], dtype=float32))
    """
    values = np.asarray(values, dtype)
    if weights is not None:
        weights = np.asarray(weights, dtype)
        if values.ndim == weights.ndim + 1 and values.shape[-1] == 1:
            values, weights = (values, weights[..., None]) if weights.ndim == 1 else (values[..., 0], weights)
        elif weights.ndim == values.ndim + 1 and weights.shape[-1] == 1:
            values, weights = (values[..., None], weights) if values.ndim == 1 else (values, weights[..., 0])
        n = weights.ndim
        if values.ndim > n:
            values = reduce(values, axis=tuple(range(n, values.ndim)))
        try:
            weights = np.broadcast_to(weights, values.shape)
        except ValueError:
            raise ShapeError(
                f"Expected sample weights that fit values of shape {values.shape}. Received: shape {weights.shape}."
            ) from None
        values = values * weights
        if n > 1:
            weights = reduce(weights, axis=tuple(range(1, n)))
    if values.ndim > 1:
        values = reduce(values, axis=tuple(range(1, values.ndim)))
    return values, weights


@op(cases=[Case("", "", "N C", sizes={"C": 1}), Case("", "", "N C", "N", sizes={"C": 1})], stateful=True)
def _add_to_mean(total: Array, count: Array, values: Array, weights: Array | None = None) -> Array:
    """Add the values of a batch to `total` and their number (or weight) to `count`, in place.

    >>> total, count = np.zeros(()), np.zeros(())
    >>> _add_to_mean(total, count, [1.0, 5.0], [1.0, 0.5]), count
    (Tensor(3.5, dtype=float64), array(1.5))
    """
    if np.ndim(values) == 0 and (
        weights is None or np.ndim(weights) == 0
    ):  # the loss of a batch, with the number of its samples
        share = 1 if weights is None else weights
        total += values * share
        count += share
        return total
    values, by_weight = by_sample(values, weights, total.dtype, np.mean)
    total += values.sum()
    count += by_weight.sum() if by_weight is not None else len(values) if values.ndim else 1
    return total


@op(cases=[Case("", "N C"), Case("", "N C", "N")], stateful=True)
def _add_to_sum(total: Array, values: Array, weights: Array | None = None) -> Array:
    """Add the values of a batch to `total`, in place.

    >>> _add_to_sum(np.zeros(()), [1.0, 5.0], [1.0, 0.5])
    Tensor(3.5, dtype=float64)
    """
    total += by_sample(values, weights, total.dtype, np.sum)[0].sum()
    return total


@op(cases=[Case(A("N", kind="bool"), "N")])
def _weigh(mask: Array, weights: Array) -> Array:
    """Weights that are 0 where the mask hides a sample.

    >>> _weigh([True, False], [2.0, 3.0])
    Tensor([2., 0.], dtype=float32)
    """
    return weights * mask


def masked(weights: TensorLike | None, mask: Any, dtype: Any) -> Any:
    """The sample weights, 0 where the mask hides something."""
    if mask is None:
        return weights
    if weights is None:
        return ops.cast(mask, dtype)
    return _weigh(*squeeze_or_expand_to_same_rank(convert(mask), convert(weights, dtype)))


@export("keras.metrics")
class Sum(Metric):
    """The sum of all values.

    Args:
        name: how reports call it.
        dtype: the type to count in.

    >>> Sum()([1.0, 3.0, 5.0])
    Tensor(9., dtype=float32)
    """

    def __init__(self, name: str | None = "sum", dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.total = self.add_variable((), "zeros", self.dtype, name="total")

    def update_state(self, values: TensorLike, sample_weight: TensorLike | None = None) -> None:
        if sample_weight is not None:
            sample_weight = masked(sample_weight, getattr(values, "_keras_mask", None), self.dtype)
        _add_to_sum(self.total, values, sample_weight)

    def result(self) -> Any:
        return self.total.value


@export("keras.metrics")
class Mean(Metric):
    """The mean of all values, weighted if wanted: sum of value · weight over sum of weights.

    Args:
        name: how reports call it.
        dtype: the type to count in.

    >>> Mean()([1.0, 3.0, 5.0], sample_weight=[1.0, 1.0, 0.0])
    Tensor(2., dtype=float32)
    """

    def __init__(self, name: str | None = "mean", dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.total = self.add_variable((), "zeros", self.dtype, name="total")
        self.count = self.add_variable((), "zeros", self.dtype, name="count")

    def update_state(self, values: TensorLike, sample_weight: TensorLike | None = None) -> None:
        if sample_weight is not None:
            sample_weight = masked(sample_weight, getattr(values, "_keras_mask", None), self.dtype)
        _add_to_mean(self.total, self.count, values, sample_weight)

    def result(self) -> Any:
        return ops.divide_no_nan(self.total, self.count)


@export("keras.metrics")
class MeanMetricWrapper(Mean):
    """The mean of a function ``(y_true, y_pred, **settings)`` that gives a number for each sample.

    Args:
        fn: the function.
        name: how reports call it.
        dtype: the type to count in.
        kwargs: settings, passed to the function at every call.

    >>> MeanMetricWrapper(lambda t, p: ops.absolute(ops.subtract(t, p)), name="gap")([1.0, 2.0], [2.0, 4.0])
    Tensor(1.5, dtype=float32)
    """

    def __init__(self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None, **kwargs: Any) -> None:
        super().__init__(name, dtype)
        self._fn, self._fn_kwargs = fn, kwargs

    def update_state(  # type: ignore[override]  # as in Keras: a metric of two arguments is a Mean
        self, y_true: Any, y_pred: Any, sample_weight: TensorLike | None = None
    ) -> None:
        mask = getattr(y_pred, "_keras_mask", None)
        values = self._fn(y_true, y_pred, **self._fn_kwargs)
        super().update_state(values, masked(sample_weight, mask, self.dtype))

    def get_config(self) -> Config:
        fn = serialize_keras_object(self._fn)
        return {**super().get_config(), "fn": fn, **serialize_keras_object(self._fn_kwargs)}

    @classmethod
    def from_config(cls, config: Config) -> Any:
        if "fn" not in config:
            return cls(**config)
        told = deserialize_keras_object({key: value for key, value in config.items() if key != "fn"})
        fn = config["fn"]
        known = fn.get("class_name") == "function" and fn.get("config") if isinstance(fn, dict) else None
        # a metric class and its function share a name, which in the table means the class
        return cls(fn=FUNCTIONS[known] if known in FUNCTIONS else deserialize_keras_object(fn), **told)


class FunctionMetric(MeanMetricWrapper):
    """What the named metrics share: their function is known, so only their settings are saved."""

    _saved: tuple[str, ...] = ()

    def get_config(self) -> Config:
        return {"name": self.name, "dtype": self.dtype, **{key: self._fn_kwargs[key] for key in self._saved}}

    def __getattr__(self, name: str) -> Any:  # `metric.threshold` can be read
        kwargs = self.__dict__.get("_fn_kwargs", {})
        if name in kwargs:
            return kwargs[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


#: The metric functions by name, entered where they are defined.
FUNCTIONS: dict[Any, Callable[..., Any]] = {}
