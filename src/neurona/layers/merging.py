"""Layers that make one tensor of several: sums, products, extremes, Concatenate, Dot.

Each is also a function of a list, under its name in lower case: ``add([x, y])`` is ``Add()([x, y])``.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

from neurona import ops
from neurona.errors import ArgumentError, DTypeError, ShapeError
from neurona.layers.base import Layer
from neurona.registry import export
from neurona.symbolic import Shape
from neurona.tensor import Tensor

__all__ = [
    "Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply", "Subtract",
    "add", "average", "concatenate", "dot", "maximum", "minimum", "multiply", "subtract",
]  # fmt: skip


class _Merge(Layer):
    """A layer that is called on a list of tensors."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        self.compute_output_shape(input_shape)  # for the sake of its errors

    def call(self, inputs: Any) -> Tensor:
        if not isinstance(inputs, (list, tuple)):
            raise ArgumentError(f"A merge layer should be called on a list of inputs. Received: inputs={inputs}")
        return self._merge(inputs)

    def _merge(self, inputs: Sequence[Tensor]) -> Tensor:
        raise NotImplementedError(f"Merge layer {type(self).__name__} must write `_merge(self, inputs)`.")

    def _shapes(self, input_shape: Any) -> list[Shape]:
        """The argument as a list of shapes."""
        if not isinstance(input_shape, (list, tuple)) or not input_shape or not _is_nested(input_shape):
            raise ArgumentError(
                f"A `{type(self).__name__}` layer should be called on a list of at least 1 input. "
                f"Received: input_shape={input_shape} (not a list of shapes)"
            )
        return [tuple(shape) for shape in input_shape]

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Where any of the inputs counts; ``None`` if an input has no mask."""
        masks = _as_masks(inputs, mask)
        if masks is None or any(mask is None for mask in masks):
            return None
        return functools.reduce(ops.logical_or, masks)


class _Elementwise(_Merge):
    """A merge of numbers at the same place. Inputs with fewer axes get axes of length 1 after the batch."""

    def call(self, inputs: Any) -> Tensor:
        if isinstance(inputs, (list, tuple)) and len({x.ndim for x in inputs}) > 1:
            most = max(x.ndim for x in inputs)
            inputs = [_with_axes(x, most) for x in inputs]
        return super().call(inputs)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        shapes = self._shapes(input_shape)
        batches = {shape[0] for shape in shapes if shape} - {None}
        if len(batches) > 1:
            raise ShapeError(f"Cannot merge tensors with different batch sizes. Received: shapes {input_shape}")
        samples = [shape[1:] for shape in shapes]
        return batches.pop() if batches else None, *functools.reduce(_broadcast, samples)


@export("keras.layers")
class Add(_Elementwise):
    """The sum of the inputs, place by place: y = x1 + x2 + ...

    >>> Add()([Tensor([[1.0, 2.0]]), Tensor([[3.0, 4.0]])])
    Tensor([[4., 6.]], dtype=float32)
    """

    def _merge(self, inputs: Sequence[Tensor]) -> Tensor:
        return functools.reduce(ops.add, inputs)


@export("keras.layers")
class Subtract(_Elementwise):
    """The difference of two inputs, place by place: y = x1 - x2.

    >>> Subtract()([Tensor([[1.0, 2.0]]), Tensor([[3.0, 5.0]])])
    Tensor([[-2., -3.]], dtype=float32)
    """

    def compute_output_shape(self, input_shape: Any) -> Shape:
        if len(self._shapes(input_shape)) != 2:
            raise ArgumentError(
                f"A `Subtract` layer should be called on exactly 2 inputs. Received: input_shape={input_shape}"
            )
        return super().compute_output_shape(input_shape)

    def _merge(self, inputs: Sequence[Tensor]) -> Tensor:
        if len(inputs) != 2:
            raise ArgumentError(f"A `Subtract` layer should be called on exactly 2 inputs. Received: {len(inputs)}")
        difference: Tensor = ops.subtract(inputs[0], inputs[1])
        return difference


@export("keras.layers")
class Multiply(_Elementwise):
    """The product of the inputs, place by place: y = x1 x2 ...; a masked input counts as 1.

    >>> Multiply()([Tensor([[1.0, 2.0]]), Tensor([[3.0, 4.0]])])
    Tensor([[3., 8.]], dtype=float32)
    """

    def _merge(self, inputs: Sequence[Tensor]) -> Tensor:
        masks = [_mask_over(x) for x in inputs]
        factors = [x if mask is None else ops.where(mask, x, 1.0) for x, mask in zip(inputs, masks, strict=True)]
        product: Tensor = functools.reduce(ops.multiply, factors)
        if any(mask is None for mask in masks):
            return product
        anywhere = functools.reduce(ops.logical_or, masks)
        return ops.where(anywhere, product, 0.0)  # type: ignore[no-any-return]


@export("keras.layers")
class Average(_Elementwise):
    """The mean of the inputs, place by place: y = (x1 + x2 + ... + xn) / n.

    >>> Average()([Tensor([[1.0, 2.0]]), Tensor([[3.0, 4.0]])])
    Tensor([[2., 3.]], dtype=float32)
    """

    def _merge(self, inputs: Sequence[Tensor]) -> Tensor:
        mean: Tensor = ops.divide(functools.reduce(ops.add, inputs), float(len(inputs)))
        return mean


@export("keras.layers")
class Maximum(_Elementwise):
    """The largest of the inputs, place by place: y = max(x1, x2, ...); masked inputs do not count.

    >>> Maximum()([Tensor([[1.0, 5.0]]), Tensor([[3.0, 4.0]])])
    Tensor([[3., 5.]], dtype=float32)
    """

    def _merge(self, inputs: Sequence[Tensor]) -> Tensor:
        return _merge_unmasked(ops.maximum, inputs)


@export("keras.layers")
class Minimum(_Elementwise):
    """The smallest of the inputs, place by place: y = min(x1, x2, ...); masked inputs do not count.

    >>> Minimum()([Tensor([[1.0, 5.0]]), Tensor([[3.0, 4.0]])])
    Tensor([[1., 4.]], dtype=float32)
    """

    def _merge(self, inputs: Sequence[Tensor]) -> Tensor:
        return _merge_unmasked(ops.minimum, inputs)


@export("keras.layers")
class Concatenate(_Merge):
    """Put the inputs behind each other along one axis; the other axes must be alike.

    Args:
        axis: the axis along which they are joined.

    >>> Concatenate()([Tensor([[1.0, 2.0]]), Tensor([[3.0]])])
    Tensor([[1., 2., 3.]], dtype=float32)
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def _merge(self, inputs: Sequence[Tensor]) -> Tensor:
        joined: Tensor = ops.concatenate(inputs, axis=self.axis)
        return joined

    def compute_output_shape(self, input_shape: Any) -> Shape:
        shapes = self._shapes(input_shape)
        ndim = len(shapes[0])
        alike = all(len(shape) == ndim for shape in shapes) and -ndim <= self.axis < ndim
        joined: list[int | None] = []
        for place, lengths in enumerate(zip(*shapes, strict=False)):
            known = [n for n in lengths if n is not None]
            if place == self.axis % ndim:
                joined.append(sum(known) if len(known) == len(lengths) else None)
            else:
                alike = alike and len(set(known)) <= 1
                joined.append(known[0] if known else None)
        if not alike:
            raise ShapeError(
                "A `Concatenate` layer requires inputs with matching shapes except for the axis of "
                "concatenation. "
                f"Received: input_shape={input_shape}, axis={self.axis}"
            )
        return tuple(joined)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        masks = _as_masks(inputs, mask)
        if masks is None or all(mask is None for mask in masks):
            return None
        whole = []
        for x, mask in zip(inputs, masks, strict=True):
            if mask is None:
                mask = ops.ones_like(x, dtype="bool")
            elif len(mask.shape) < len(x.shape):
                mask = ops.logical_or(ops.expand_dims(mask, -1), ops.zeros_like(x, dtype="bool"))
            whole.append(mask)
        return ops.any(ops.concatenate(whole, axis=self.axis), axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


@export("keras.layers")
class Dot(_Merge):
    """The products of two inputs' vectors, summed along one axis of each, sample by sample.

    Two vectors ``(N, C)`` give ``(N, 1)``; matrices ``(N, A, C)`` and ``(N, C, B)`` with ``axes=(2, 1)`` give
    ``(N, A, B)``.

    Args:
        axes: the axis to sum along, or one for each input; never 0, the batch.
        normalize: bring the vectors to length 1 first, so that the result is the cosine of their angle.

    Raises:
        ArgumentError, DTypeError: `axes` is neither an integer nor two of them, or names the batch.

    >>> Dot(axes=1)([Tensor([[1.0, 2.0]]), Tensor([[3.0, 4.0]])])
    Tensor([[11.]], dtype=float32)
    """

    def __init__(self, axes: Any, normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(axes, int):
            if not isinstance(axes, (list, tuple)):
                raise DTypeError(
                    f"Invalid type for argument `axes`: it should be a list or an int. Received: axes={axes}"
                )
            if len(axes) != 2 or not all(isinstance(axis, int) for axis in axes):
                raise ArgumentError(
                    f"Invalid format for argument `axes`: it should contain two integers. Received: axes={axes}"
                )
        self.axes, self.normalize = axes, normalize

    def _axes_of(self, shape1: Shape, shape2: Shape) -> tuple[int, int]:
        """The two axes, counted from the front."""
        one, two = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        axes = one + len(shape1) * (one < 0), two + len(shape2) * (two < 0)
        if not (0 < axes[0] < len(shape1) and 0 < axes[1] < len(shape2)):
            raise ShapeError(
                "Dot sums along an axis of a sample; axis 0 is the batch. "
                f"Received: axes={self.axes} for shapes {shape1} and {shape2}"
            )
        return axes

    def _merge(self, inputs: Sequence[Tensor]) -> Tensor:
        x, y = inputs
        shape = self.compute_output_shape([x.shape, y.shape])
        i, j = self._axes_of(x.shape, y.shape)
        if self.normalize:
            x, y = ops.normalize(x, axis=i), ops.normalize(y, axis=j)
        batch, length = x.shape[0], x.shape[i]
        x, y = ops.moveaxis(x, i, -1), ops.moveaxis(y, j, 1)
        x = ops.reshape(x, (batch, math.prod(x.shape[1:-1]), length))
        y = ops.reshape(y, (batch, length, math.prod(y.shape[2:])))
        product: Tensor = ops.reshape(ops.matmul(x, y), shape)  # (N, A, K) @ (N, K, B) -> (N, A, B)
        return product

    def compute_output_shape(self, input_shape: Any) -> Shape:
        shapes = self._shapes(input_shape)
        if len(shapes) != 2:
            raise ArgumentError(
                f"A `Dot` layer should be called on a list of 2 inputs. Received: input_shape={input_shape}"
            )
        one, two = shapes
        i, j = self._axes_of(one, two)
        if None not in (one[i], two[j]) and one[i] != two[j]:
            raise ShapeError(
                f"Incompatible input shapes: axis values {one[i]} (at axis {i}) != {two[j]} (at axis {j}). "
                f"Received: input_shape={input_shape}"
            )
        left = [n for axis, n in enumerate(one) if axis not in (0, i)]
        right = [n for axis, n in enumerate(two) if axis not in (0, j)]
        return one[0], *(left + right or [1])

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return None

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axes": self.axes, "normalize": self.normalize}


# -- the same as functions -------------------------------------------------------------------------


def add(inputs: Any, **kwargs: Any) -> Any:
    """The sum of a list of tensors; `kwargs` are the layer's: see `Add`."""
    return Add(**kwargs)(inputs)


def subtract(inputs: Any, **kwargs: Any) -> Any:
    """The difference of two tensors; `kwargs` are the layer's: see `Subtract`."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Any, **kwargs: Any) -> Any:
    """The product of a list of tensors; `kwargs` are the layer's: see `Multiply`."""
    return Multiply(**kwargs)(inputs)


def average(inputs: Any, **kwargs: Any) -> Any:
    """The mean of a list of tensors; `kwargs` are the layer's: see `Average`."""
    return Average(**kwargs)(inputs)


def maximum(inputs: Any, **kwargs: Any) -> Any:
    """The largest of a list of tensors; `kwargs` are the layer's: see `Maximum`."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Any, **kwargs: Any) -> Any:
    """The smallest of a list of tensors; `kwargs` are the layer's: see `Minimum`."""
    return Minimum(**kwargs)(inputs)


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
    """A list of tensors behind each other along `axis`; `kwargs` are the layer's: see `Concatenate`."""
    return Concatenate(axis=axis, **kwargs)(inputs)


def dot(inputs: Any, axes: Any = -1, **kwargs: Any) -> Any:
    """The products of two tensors' vectors along `axes`; `kwargs` are the layer's: see `Dot`."""
    return Dot(axes=axes, **kwargs)(inputs)


# -- helpers ---------------------------------------------------------------------------------------


def _is_nested(shapes: Sequence[Any]) -> bool:
    return all(isinstance(shape, (list, tuple)) for shape in shapes)


def _as_masks(inputs: Any, masks: Any) -> Any:
    """The masks of a list of inputs, checked to be a list as long."""
    if masks is None:
        return None
    for name, value in (("mask", masks), ("inputs", inputs)):
        if not isinstance(value, (list, tuple)):
            raise ArgumentError(f"`{name}` should be a list. Received: {name}={value}")
    if len(masks) != len(inputs):
        raise ArgumentError(
            f"The lists `inputs` and `mask` should have the same length. Received: inputs={inputs}, mask={masks}"
        )
    return masks


def _broadcast(one: Shape, two: Shape) -> Shape:
    """The shape of an element-by-element result of two samples."""
    if len(one) < len(two):
        one, two = two, one
    both: list[int | None] = list(one[: len(one) - len(two)])
    for n, m in zip(one[len(one) - len(two) :], two, strict=True):
        if n is None or m is None:
            both.append(None)
        elif n == m or m == 1:
            both.append(n)
        elif n == 1:
            both.append(m)
        else:
            raise ShapeError(f"Inputs have incompatible shapes. Received: samples of shapes {one} and {two}")
    return tuple(both)


def _with_axes(x: Tensor, ndim: int) -> Tensor:
    """`x` with axes of length 1 after the batch, and its mask with it."""
    if x.ndim == ndim:
        return x
    wider: Tensor = ops.reshape(x, (x.shape[0], *(1,) * (ndim - x.ndim), *x.shape[1:]))
    return wider


def _mask_over(x: Tensor) -> Any:
    """The mask of `x`, broadcast to its shape; ``None`` without one."""
    mask = x._keras_mask
    if mask is None:
        return None
    mask = ops.reshape(mask, (*mask.shape, *(1,) * (x.ndim - mask.ndim)))
    return ops.broadcast_to(mask, x.shape)


def _merge_unmasked(op: Callable[[Any, Any], Any], inputs: Sequence[Tensor]) -> Tensor:
    """Apply `op` from the first input to the last; where one of the two is masked, take the other."""
    result, mask = inputs[0], _mask_over(inputs[0])
    for x in inputs[1:]:
        other = _mask_over(x)
        if other is not None:
            x = ops.where(other, x, result)
        if mask is not None:
            result = ops.where(mask, result, x)
        mask = ops.logical_or(mask, other) if mask is not None and other is not None else None
        result = op(result, x)
    return result
