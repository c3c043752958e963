"""Loss: the number that training makes small; how the losses of single samples become that number.

A loss compares `y_true` with `y_pred` and gives one number for each sample; the base class then multiplies
them by sample weights, leaves out what a mask hides, and reduces them. Everything is made of ops and every
branch depends on shapes and settings alone, so a recorded training step can be repeated on other data.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from neurona import config as settings
from neurona import dtype_policies, ops
from neurona.errors import ArgumentError, ShapeError
from neurona.names import auto_name
from neurona.registry import Config, deserialize_keras_object, export, serialize_keras_object
from neurona.symbolic import KerasTensor, flatten, map_structure
from neurona.tensor import Tensor, TensorLike

__all__ = [
    "REDUCTIONS",
    "FunctionLoss",
    "Loss",
    "LossFunctionWrapper",
    "broadcast",
    "convert",
    "reduce_weighted_values",
    "same_shape",
    "squeeze_or_expand_to_same_rank",
    "tensors",
]

MODULE = "keras.losses"
REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)


@export(MODULE)
class Loss:
    """The base class: subclasses write ``call(y_true, y_pred)``, which gives a number for each sample.

    Args:
        name: how reports call it.
        reduction: "sum_over_batch_size" or "mean" (the mean over samples), "sum", "mean_with_sample_weight"
            (the sum divided by the sum of the weights), "none" or ``None`` (one number for each sample).
        dtype: the type to compute in, `floatx` unless told.

    Raises:
        ArgumentError: another reduction.

    >>> class Gap(Loss):
    ...     def call(self, y_true, y_pred):
    ...         return ops.mean(ops.absolute(y_true - y_pred), axis=-1)
    >>> Gap()([[0.0, 1.0]], [[1.0, 3.0]])
    Tensor(1.5, dtype=float32)
    """

    #: whether integer targets reach `call` as they are, because it needs them as class numbers
    takes_integers: ClassVar[bool] = False

    def __init__(
        self, name: str | None = None, reduction: str | None = "sum_over_batch_size", dtype: Any = None
    ) -> None:
        if reduction not in REDUCTIONS:
            raise ArgumentError(
                f"Invalid value for argument `reduction`. Expected one of {', '.join(map(repr, REDUCTIONS))}. "
                f"Received: reduction={reduction!r}."
            )
        self.name = name or auto_name(type(self).__name__)
        self.reduction = reduction
        self._dtype = np.dtype(dtype_policies.get(dtype or settings.floatx()).compute_dtype)

    @property
    def dtype(self) -> str:
        """The type that it computes in."""
        return self._dtype.name

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: TensorLike | None = None) -> Any:
        """The loss of these predictions.

        Args:
            y_true: what should have come out.
            y_pred: what came out.
            sample_weight: how much each sample counts; it must broadcast to the losses of the samples.

        Returns:
            a tensor of no axes; one number for each sample when the reduction is "none".
        """
        mask = getattr(y_pred, "_keras_mask", None)
        y_pred = _each(y_pred, self._dtype)
        y_true = _each(y_true, self._dtype, self.takes_integers)
        losses = self.call(y_true, y_pred)
        own = getattr(losses, "_keras_mask", None)  # a loss may hide samples of its own accord
        if own is not None:
            mask = own if mask is None else ops.logical_and(mask, own)
        return reduce_weighted_values(losses, sample_weight, mask, self.reduction, self._dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """One number for each sample."""
        raise NotImplementedError("A Loss subclass must write `call(self, y_true, y_pred)`.")

    def get_config(self) -> Config:
        """The settings, as arguments of the class."""
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config: Config) -> Any:
        """A loss with these settings."""
        return cls(**config)


@export(MODULE)
class LossFunctionWrapper(Loss):
    """A loss made of a function ``(y_true, y_pred, **settings)``.

    Args:
        fn: gives a number for each sample.
        reduction, name, dtype: see `Loss`.
        kwargs: settings, passed to the function at every call.

    >>> LossFunctionWrapper(lambda y_true, y_pred: ops.square(y_true - y_pred))([1.0, 3.0], [0.0, 0.0])
    Tensor(5., dtype=float32)
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.fn = fn
        self._fn_kwargs = kwargs
        self.takes_integers = getattr(fn, "takes_integers", type(self).takes_integers)  # type: ignore[misc]

    def call(self, y_true: Any, y_pred: Any) -> Any:
        if isinstance(y_pred, (Tensor, KerasTensor)):
            y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
        return self.fn(y_true, y_pred, **self._fn_kwargs)

    def get_config(self) -> Config:
        fn = serialize_keras_object(self.fn)
        return {**super().get_config(), "fn": fn, **serialize_keras_object(self._fn_kwargs)}

    @classmethod
    def from_config(cls, config: Config) -> Any:
        return cls(**deserialize_keras_object(config)) if "fn" in config else cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"


class FunctionLoss(LossFunctionWrapper):
    """What the named losses share: their function is known, so only its settings are saved.

    `UNSAVED` holds settings that Keras leaves out of the configuration; they are written only where they
    differ from their default, so that nothing is lost and files stay as Keras writes them.
    """

    UNSAVED: ClassVar[Config] = {}

    def __init__(
        self, fn: Callable[..., Any], reduction: str | None, name: str | None, dtype: Any, **kwargs: Any
    ) -> None:
        super().__init__(fn, reduction, name, dtype, **kwargs)
        self.__dict__.update(kwargs)  # `loss.from_logits` can be read

    def get_config(self) -> Config:
        kept = {k: v for k, v in self._fn_kwargs.items() if k not in self.UNSAVED or v != self.UNSAVED[k]}
        return {**Loss.get_config(self), **kept}


# -- what is given to tensors --------------------------------------------------------------------------------


def convert(x: TensorLike, dtype: npt.DTypeLike | None = None) -> Any:
    """`x` as a tensor of that type; lists that hold tensors are stacked, so that gradients flow."""
    if isinstance(x, Tensor):
        return x if dtype is None or x.data.dtype == dtype else ops.cast(x, np.dtype(dtype).name)
    if isinstance(x, KerasTensor):
        return x if dtype is None or x.dtype == np.dtype(dtype).name else ops.cast(x, np.dtype(dtype).name)
    if isinstance(x, (list, tuple)) and any(isinstance(leaf, (Tensor, KerasTensor)) for leaf in flatten(x)):
        return ops.stack([convert(item, dtype) for item in x])
    return Tensor(x, dtype)


def _each(y: Any, dtype: np.dtype[Any], keep_integers: bool = False) -> Any:
    """Every tensor of a structure of outputs in that type; plain nested lists of numbers are one tensor."""

    def one(x: Any) -> Any:
        kind = getattr(x, "dtype", None)
        if keep_integers:
            x = x if kind is not None else Tensor(x)
            if np.dtype(x.dtype).kind in "iu":
                return convert(x)
        return convert(x, dtype)

    if isinstance(y, dict) or (isinstance(y, (list, tuple)) and any(hasattr(leaf, "dtype") for leaf in flatten(y))):
        return map_structure(one, y)
    return one(y)


def tensors(y_true: TensorLike, y_pred: TensorLike) -> tuple[Any, Any]:
    """Both as tensors of the predictions' type, a float."""
    y_pred = convert(y_pred)
    if np.dtype(y_pred.dtype).kind != "f":
        y_pred = convert(y_pred, settings.floatx())
    return convert(y_true, y_pred.dtype), y_pred


def squeeze_or_expand_to_same_rank(x1: Any, x2: Any, expand_rank_1: bool = True) -> tuple[Any, Any]:
    """Let a last axis of length 1 come or go where the two differ by it alone.

    (N,) and (N, 1) both become (N, 1); (N, T) and (N, T, 1) both become (N, T).

    >>> [y.shape for y in squeeze_or_expand_to_same_rank(Tensor([1.0, 2.0]), Tensor([[1.0], [2.0]]))]
    [(2, 1), (2, 1)]
    """
    n1, n2 = len(x1.shape), len(x2.shape)
    if n1 == n2 + 1 and x1.shape[-1] == 1:
        if n2 == 1 and expand_rank_1:
            return x1, ops.expand_dims(x2, axis=-1)
        return ops.squeeze(x1, axis=-1), x2
    if n2 == n1 + 1 and x2.shape[-1] == 1:
        if n1 == 1 and expand_rank_1:
            return ops.expand_dims(x1, axis=-1), x2
        return x1, ops.squeeze(x2, axis=-1)
    return x1, x2


# -- shapes that fit -----------------------------------------------------------------------------------------


def _fits(n: int | None, m: int | None) -> bool:
    return n == m or n is None or m is None


def broadcast(name: str, y_true: Any, y_pred: Any) -> None:
    """Check that the two broadcast, as element-by-element losses need.

    Raises:
        ShapeError: they do not.
    """
    a, b = y_true.shape, y_pred.shape
    if a == b or all(_fits(n, m) or 1 in (n, m) for n, m in zip(reversed(a), reversed(b), strict=False)):
        return
    raise ShapeError(
        f"{name} expected y_true and y_pred of the same shape. Received: y_true.shape={a}, y_pred.shape={b}. "
        "The last layer's units must be as many as the targets of one sample."
    )


def same_shape(name: str, y_true: Any, y_pred: Any) -> None:
    """Check that targets have exactly the predictions' shape, as probabilities of classes need.

    Raises:
        ShapeError: they do not; where the targets look like class numbers, the loss for those is named.
    """
    a, b = y_true.shape, y_pred.shape
    if a == b or (len(a) == len(b) and all(map(_fits, a, b))):
        return
    advice = "The last layer's units must be as many as the classes of y_true."
    if (*a, 1) == b or a == (*b, 1):
        advice = "Reshape one of them so that both have the same axes."
    elif a == b[:-1] or (a[:-1] == b[:-1] and a[-1:] == (1,)):
        if name.startswith("binary"):
            advice = "Give the last layer one unit for one yes-or-no question, or one target for each unit."
        else:
            advice = (
                "These look like class numbers: use sparse_categorical_crossentropy, or turn them into "
                "one-hot rows with neurona.utils.to_categorical."
            )
    raise ShapeError(
        f"{name} expected y_true of y_pred's shape {b}: both must have the same shape. "
        f"Received: y_true.shape={a}, y_pred.shape={b}. {advice}"
    )


# -- from one number a sample to one number ------------------------------------------------------------------


def reduce_weighted_values(
    values: TensorLike,
    sample_weight: TensorLike | None = None,
    mask: TensorLike | None = None,
    reduction: str | None = "sum_over_batch_size",
    dtype: npt.DTypeLike | None = None,
) -> Any:
    """Weighted and masked losses of samples as one number, or as many when the reduction is "none".

    Args:
        values: the losses of the samples.
        sample_weight: must broadcast to them.
        mask: true where a sample counts.
        reduction: see `Loss`.
        dtype: the type to compute in.

    Raises:
        ShapeError: weights that do not broadcast.

    >>> reduce_weighted_values([1.0, 2.0, 6.0], sample_weight=[1.0, 1.0, 0.0])
    Tensor(1., dtype=float32)
    >>> reduce_weighted_values([1.0, 2.0, 6.0], mask=[True, True, False])
    Tensor(1.5, dtype=float32)
    """
    values = convert(values, dtype)
    weight = None if sample_weight is None else convert(sample_weight, values.dtype)
    if mask is not None:
        weight = _with_mask(weight, convert(mask, values.dtype), reduction)
    if weight is not None:
        values, weight = squeeze_or_expand_to_same_rank(values, weight)
        _check_weight(weight.shape, values.shape)
        values = ops.multiply(values, weight)
    if reduction is None or reduction == "none" or values.shape in ((), (0,)):
        return values
    if reduction == "sum" or 0 in values.shape:
        return ops.sum(values)
    if reduction == "mean_with_sample_weight" and weight is not None:
        return ops.divide_no_nan(ops.sum(values), ops.sum(weight))
    return ops.mean(values)


def _with_mask(weight: Any, mask: Any, reduction: str | None) -> Any:
    """The weights with those of hidden samples set to 0; a mean is then one over the visible samples."""
    if reduction in ("mean", "sum_over_batch_size"):
        mask = ops.divide_no_nan(mask, ops.mean(mask))  # all / visible
    if weight is None:
        return mask
    mask, weight = squeeze_or_expand_to_same_rank(mask, weight)
    return ops.multiply(weight, mask)


def _check_weight(weight: tuple[int | None, ...], values: tuple[int | None, ...]) -> None:
    if weight == values:
        return
    if all(_fits(n, m) or 1 in (n, m) for n, m in zip(reversed(weight), reversed(values), strict=False)):
        return
    raise ShapeError(
        f"sample_weight must broadcast to the losses of the samples, of shape {values}. "
        f"Received: sample_weight.shape={weight}. Give one weight for each sample"
        f"{f', with shape {(values[0],) + (1,) * (len(values) - 1)}' if len(values) > 1 else ''}."
    )
