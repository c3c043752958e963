"""Making, shaping, joining and picking tensors, with TensorFlow's names and order of arguments.

>>> transpose(reshape(range(6), (2, 3)), perm=[1, 0]).shape
(3, 2)
>>> shape(zeros((2, 3)))[1], split(constant([1, 2, 3]), [1, 2])
(3, [Tensor([1], dtype=int32), Tensor([2, 3], dtype=int32)])
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

import numpy as np

from neurona import ops
from neurona.errors import ArgumentError
from neurona.programs.tf import texts
from neurona.symbolic import KerasTensor, dtype_name
from neurona.tape import common_dtype
from neurona.tensor import Array, Tensor, TensorLike, as_array, wrap
from neurona.variable import Variable as OurVariable

__all__ = [
    "Shape",
    "TensorShape",
    "TensorSpec",
    "Variable",
    "argsort",
    "boolean_mask",
    "broadcast_to",
    "cast",
    "concat",
    "constant",
    "convert_to_tensor",
    "ensure_shape",
    "expand_dims",
    "eye",
    "fill",
    "gather",
    "gather_nd",
    "identity",
    "is_tensor",
    "linspace",
    "meshgrid",
    "one_hot",
    "ones",
    "ones_like",
    "pad",
    "range",
    "rank",
    "repeat",
    "reshape",
    "reverse",
    "scatter_nd",
    "shape",
    "size",
    "slice",
    "sort",
    "split",
    "squeeze",
    "stack",
    "tensor_scatter_nd_add",
    "tensor_scatter_nd_update",
    "tile",
    "transpose",
    "unique",
    "unstack",
    "where",
    "zeros",
    "zeros_like",
]

Result = Any  # a Tensor; a KerasTensor where a model is being drawn
Dims = Any  # lengths of axes: whole numbers, tensors of such, or one tensor


class Shape(tuple[int, ...]):
    """The lengths of the axes: a tuple that is also, as in TensorFlow, a tensor to read with `numpy`."""

    def numpy(self) -> Array:
        """As an array of int32."""
        return np.array(self, np.int32)

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return Shape(found) if isinstance(key, builtins.slice) else found


class TensorShape(tuple[int | None, ...]):
    """Lengths of axes, ``None`` where they are open."""

    def __new__(cls, dims: Any = ()) -> TensorShape:
        return super().__new__(
            cls, [None if n is None else int(n) for n in ([dims] if isinstance(dims, int) else dims)]
        )

    @property
    def rank(self) -> int:
        return len(self)

    @property
    def ndims(self) -> int:
        return len(self)

    def as_list(self) -> list[int | None]:
        """The lengths as a list."""
        return list(self)

    def num_elements(self) -> int | None:
        """Their product; ``None`` where one is open."""
        return None if None in self else int(np.prod([n for n in self if n is not None]))


class TensorSpec:
    """What a tensor looks like: shape and type.

    >>> TensorSpec((None, 2), "float32")
    TensorSpec(shape=(None, 2), dtype=float32)
    """

    def __init__(self, shape: Any, dtype: Any = "float32", name: str | None = None) -> None:
        self.shape = None if shape is None else TensorShape(shape)
        self.dtype = "string" if dtype_name(dtype) == "string" else np.dtype(dtype)
        self.name = name

    def __repr__(self) -> str:
        return f"TensorSpec(shape={None if self.shape is None else tuple(self.shape)}, dtype={dtype_name(self.dtype)})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TensorSpec) and (self.shape, self.dtype) == (other.shape, other.dtype)

    def __hash__(self) -> int:
        return hash((self.shape, str(self.dtype)))


class Variable(OurVariable):
    """A value that changes, made as in TensorFlow: from a first value.

    >>> v = Variable([1.0, 2.0])
    >>> v.assign_add([1.0, 1.0]).numpy()
    array([2., 3.], dtype=float32)
    """

    __slots__ = ()

    def __init__(
        self,
        initial_value: Any = None,
        trainable: bool | None = None,
        validate_shape: bool = True,
        caching_device: Any = None,
        name: str | None = None,
        variable_def: Any = None,
        dtype: Any = None,
        import_scope: Any = None,
        constraint: Any = None,
        shape: Any = None,
        **distribution: Any,
    ) -> None:
        value = initial_value() if callable(initial_value) and not isinstance(initial_value, Tensor) else initial_value
        if value is None:
            raise ArgumentError("tf.Variable needs a first value. Received: initial_value=None.")
        super().__init__(value, dtype=dtype, trainable=trainable is not False, name=name, constraint=constraint)

    def read_value(self) -> Result:
        """The value now."""
        return self.value

    def __bool__(self) -> bool:  # TensorFlow's may be asked, Keras's may not
        return bool(self.value)


def constant(value: Any, dtype: Any = None, shape: Dims = None, name: str | None = None) -> Result:
    """A tensor of a value; one number may fill a whole `shape`."""
    made = convert_to_tensor(value, dtype)
    if shape is None:
        return made
    wanted = _lengths(shape)
    return broadcast_to(made, wanted) if made.size == 1 else reshape(made, wanted)


def convert_to_tensor(value: Any, dtype: Any = None, dtype_hint: Any = None, name: str | None = None) -> Result:
    """A tensor of a value: lists become float32 or int32, arrays keep their type."""
    if isinstance(value, KerasTensor):
        return value if dtype is None else cast(value, dtype)
    if isinstance(value, Tensor) and (dtype is None or dtype_name(value.dtype) == dtype_name(dtype)):
        return ops.convert_to_tensor(value) if not isinstance(value, texts.TextTensor) else value
    array = as_array(value)
    if array.dtype.kind in "OSU":
        return texts.constant(array)
    return cast(value, dtype) if isinstance(value, Tensor) else wrap(as_array(array, dtype))


def cast(x: TensorLike, dtype: Any, name: str | None = None) -> Result:
    """The values in another type."""
    return ops.cast(x, dtype_name(dtype))


def shape(input: TensorLike, out_type: Any = None, name: str | None = None) -> Any:
    """The lengths of the axes: whole numbers, which ``numpy()`` gives as an array."""
    if isinstance(input, KerasTensor):
        return input.shape
    return Shape(input.shape if isinstance(input, Tensor) else as_array(input).shape)


def size(input: TensorLike, out_type: Any = None, name: str | None = None) -> Result:
    """How many numbers there are."""
    return wrap(np.asarray(int(np.prod(shape(input))), np.int32))


def rank(input: TensorLike, name: str | None = None) -> Result:
    """How many axes there are."""
    return wrap(np.asarray(len(shape(input)), np.int32))


def is_tensor(x: Any) -> bool:
    """Whether it is a tensor."""
    return isinstance(x, (Tensor, KerasTensor))


def _lengths(dims: Dims) -> tuple[Any, ...]:
    """Whole numbers of lengths in any of the forms that TensorFlow takes."""
    if isinstance(dims, (int, np.integer)) or (isinstance(dims, Tensor) and dims.ndim == 0):
        return (int(dims),)
    return tuple(None if n is None else int(n) for n in (dims.tolist() if isinstance(dims, Tensor) else dims))


def zeros(shape: Dims, dtype: Any = "float32", name: str | None = None, layout: Any = None) -> Result:
    """Zeros."""
    return ops.zeros(_lengths(shape), dtype_name(dtype))


def ones(shape: Dims, dtype: Any = "float32", name: str | None = None, layout: Any = None) -> Result:
    """Ones."""
    return ops.ones(_lengths(shape), dtype_name(dtype))


def fill(dims: Dims, value: TensorLike, name: str | None = None, layout: Any = None) -> Result:
    """One value everywhere."""
    return broadcast_to(convert_to_tensor(value), dims)


def _alike(op: Callable[..., Any]) -> Callable[..., Result]:
    def alike(input: TensorLike, dtype: Any = None, name: str | None = None, layout: Any = None) -> Result:
        return op(input, dtype=None if dtype is None else dtype_name(dtype))

    alike.__doc__ = f"As `ops.{getattr(op, '__name__', '')}`."
    return alike


zeros_like = _alike(ops.zeros_like)
ones_like = _alike(ops.ones_like)


def eye(
    num_rows: int, num_columns: int | None = None, batch_shape: Dims = None, dtype: Any = "float32",
    name: str | None = None,
) -> Result:  # fmt: skip
    """The identity matrix, once for each place of `batch_shape`."""
    made = ops.eye(int(num_rows), None if num_columns is None else int(num_columns), dtype=dtype_name(dtype))
    return made if batch_shape is None else broadcast_to(made, (*_lengths(batch_shape), *made.shape))


def range(start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str | None = None) -> Result:
    """Numbers from `start` up to `limit`, in steps of `delta`."""
    if limit is None:
        start, limit = 0, start
    first, last, step = (as_array(n).item() for n in (start, limit, delta))
    kind = common_dtype(*(as_array(n).dtype.name for n in (start, limit, delta)))
    numbers = np.arange(first, last, step, dtype=kind)
    return wrap(as_array(numbers, None if dtype is None else dtype_name(dtype)))


def linspace(start: Any, stop: Any, num: int, name: str | None = None, axis: int = 0) -> Result:
    """Evenly spaced numbers, both ends included."""
    return ops.linspace(start, stop, int(num), axis=axis)


def one_hot(
    indices: TensorLike, depth: int, on_value: Any = None, off_value: Any = None, axis: int | None = None,
    dtype: Any = None, name: str | None = None,
) -> Result:  # fmt: skip
    """A row of zeros with a one at each index."""
    kind = dtype_name(dtype or "float32")
    row: Tensor = ops.one_hot(indices, int(depth), axis=-1 if axis is None else axis, dtype=kind)
    if on_value is None and off_value is None:
        return row
    on, off = 1 if on_value is None else on_value, 0 if off_value is None else off_value
    return cast(ops.where(ops.equal(row, 1), on, off), kind)


def reshape(tensor: TensorLike, shape: Dims, name: str | None = None) -> Result:
    """The same values in another shape; -1 is worked out."""
    return texts.constant(as_array(tensor).reshape(_lengths(shape))) if _is_text(tensor) else ops.reshape(
        tensor, _lengths(shape)
    )  # fmt: skip


def _is_text(value: Any) -> bool:
    return isinstance(value, Tensor) and value.data.dtype.kind in "OSU"


def expand_dims(input: TensorLike, axis: int, name: str | None = None) -> Result:
    """With a new axis of length one."""
    return (
        texts.constant(np.expand_dims(as_array(input), axis))
        if _is_text(input) or isinstance(input, str)
        else ops.expand_dims(input, axis)
    )


def squeeze(input: TensorLike, axis: Any = None, name: str | None = None) -> Result:
    """Without axes of length one."""
    axes = tuple(axis) if isinstance(axis, list) else axis
    return texts.constant(np.squeeze(as_array(input), axes)) if _is_text(input) else ops.squeeze(input, axes)


def transpose(a: TensorLike, perm: Any = None, conjugate: bool = False, name: str | None = None) -> Result:
    """With its axes in another order, reversed unless told."""
    return ops.transpose(a, None if perm is None else _lengths(perm))


def broadcast_to(input: TensorLike, shape: Dims, name: str | None = None) -> Result:
    """Repeated so as to have this shape."""
    return ops.broadcast_to(input, _lengths(shape))


def ensure_shape(x: TensorLike, shape: Any, name: str | None = None) -> TensorLike:
    """`x` itself, if it has this shape.

    Raises:
        ArgumentError: it has another.
    """
    arrived = tuple(x.shape)
    if len(arrived) != len(shape) or any(
        want is not None and got != want for want, got in zip(shape, arrived, strict=True)
    ):
        raise ArgumentError(f"Expected shape {tuple(shape)}. Received: shape {arrived}.")
    return x


def concat(values: Any, axis: int, name: str | None = None) -> Result:
    """Joined along an axis."""
    if any(_is_text(value) for value in values):
        return texts.constant(np.concatenate([as_array(value) for value in values], axis))
    return ops.concatenate(list(values), axis=int(axis))


def stack(values: Any, axis: int = 0, name: str | None = None) -> Result:
    """Joined along a new axis."""
    if any(_is_text(value) for value in values):
        return texts.constant(np.stack([as_array(value) for value in values], axis))
    return ops.stack(list(values), axis=axis)


def unstack(value: TensorLike, num: int | None = None, axis: int = 0, name: str | None = None) -> list[Tensor]:
    """The slices along an axis."""
    return list(ops.unstack(value, num, axis=axis))


def split(
    value: TensorLike, num_or_size_splits: Any, axis: int = 0, num: int | None = None, name: str | None = None
) -> list[Tensor]:
    """Cut into so many equal parts, or into parts of these lengths."""
    if isinstance(num_or_size_splits, (int, np.integer)):
        return list(ops.split(value, int(num_or_size_splits), axis=axis))
    lengths = list(_lengths(num_or_size_splits))
    if -1 in lengths:
        lengths[lengths.index(-1)] = shape(value)[axis] - sum(n for n in lengths if n >= 0)
    return list(ops.split(value, np.cumsum(lengths)[:-1].tolist(), axis=axis))


def tile(input: TensorLike, multiples: Dims, name: str | None = None) -> Result:
    """Repeated so many times along each axis."""
    return ops.tile(input, _lengths(multiples))


def repeat(input: TensorLike, repeats: Any, axis: int | None = None, name: str | None = None) -> Result:
    """Every value repeated, beside itself."""
    times = _lengths(repeats)
    return ops.repeat(input, times[0] if len(times) == 1 else times, axis=axis)


def reverse(tensor: TensorLike, axis: Any, name: str | None = None) -> Result:
    """The other way round along these axes."""
    return ops.flip(tensor, _lengths(axis))


def pad(
    tensor: TensorLike, paddings: Any, mode: str = "CONSTANT", constant_values: Any = 0, name: str | None = None
) -> Result:
    """With values before and behind each axis."""
    width = [tuple(int(n) for n in pair) for pair in as_array(paddings)]
    kind = mode.lower()
    return ops.pad(tensor, width, mode=kind, constant_values=constant_values if kind == "constant" else None)


def gather(
    params: TensorLike, indices: TensorLike, validate_indices: Any = None, axis: int | None = None, batch_dims: int = 0,
    name: str | None = None,
) -> Result:  # fmt: skip
    """The slices at these places of an axis.

    Args:
        batch_dims: so many first axes are common to both; each place takes from its own.
    """
    if batch_dims == 0:
        if _is_text(params):
            return texts.constant(np.take(as_array(params), as_array(indices), axis or 0))
        return ops.take(params, indices, axis=0 if axis is None else axis)
    if batch_dims < 0:
        batch_dims += len(shape(indices))
    if axis is not None and axis != batch_dims:
        raise ArgumentError(
            f"gather expects axis to be batch_dims here. Received: axis={axis}, batch_dims={batch_dims}."
        )
    common = shape(params)[:batch_dims]
    grid = np.indices(common).reshape(batch_dims, *common, *[1] * (len(shape(indices)) - batch_dims))
    picked: Tensor = ops.convert_to_tensor(params)[(*grid, as_array(indices))]
    return picked


def gather_nd(params: TensorLike, indices: TensorLike, batch_dims: int = 0, name: str | None = None) -> Result:
    """The values at these places, each told by the last axis of `indices`."""
    if batch_dims:
        raise ArgumentError(f"gather_nd expects batch_dims=0. Received: batch_dims={batch_dims}.")
    places = as_array(indices)
    return ops.convert_to_tensor(params)[tuple(np.moveaxis(places, -1, 0))]


def boolean_mask(tensor: TensorLike, mask: TensorLike, axis: int | None = None, name: str | None = None) -> Result:
    """The values where the mask is true."""
    key = (builtins.slice(None),) * (axis or 0) + (as_array(mask).astype(bool),)
    if _is_text(tensor):
        return texts.constant(as_array(tensor)[key])
    return ops.convert_to_tensor(tensor)[key]


def slice(input_: TensorLike, begin: Dims, size: Dims, name: str | None = None) -> Result:
    """A block: from `begin`, of these lengths; -1 means up to the end."""
    starts, lengths = _lengths(begin), _lengths(size)
    key = tuple(builtins.slice(first, None if n < 0 else first + n) for first, n in zip(starts, lengths, strict=True))
    return ops.convert_to_tensor(input_)[key]


def where(condition: TensorLike, x: TensorLike | None = None, y: TensorLike | None = None, name: Any = None) -> Result:
    """`x` where the condition holds, `y` elsewhere; without both, the places where it holds, one a row."""
    if x is None and y is None:
        return wrap(np.argwhere(as_array(condition)).astype(np.int64))
    return ops.where(condition, x, y)


def unique(x: TensorLike, out_idx: Any = None, name: str | None = None) -> tuple[Tensor, Tensor]:
    """The different values in the order in which they come, and for each value its place among them."""
    array = as_array(x)
    found, first, back = np.unique(array, return_index=True, return_inverse=True)
    order = np.argsort(first)
    places = np.empty_like(order)
    places[order] = np.arange(len(order))
    return convert_to_tensor(found[order]), wrap(places[back.reshape(-1)].astype(np.int32))


def sort(values: TensorLike, axis: int = -1, direction: str = "ASCENDING", name: str | None = None) -> Result:
    """In order along an axis."""
    found = ops.sort(values, axis)
    return reverse(found, [axis]) if direction == "DESCENDING" else found


def argsort(
    values: TensorLike, axis: int = -1, direction: str = "ASCENDING", stable: bool = False, name: str | None = None
) -> Result:
    """The places that the values take in order."""
    found: Tensor = ops.argsort(ops.negative(values) if direction == "DESCENDING" else values, axis)
    return cast(found, "int32")


def meshgrid(*args: TensorLike, indexing: str = "xy", name: str | None = None) -> list[Tensor]:
    """The coordinates of a grid."""
    return list(ops.meshgrid(*args, indexing=indexing))


def identity(input: TensorLike, name: str | None = None) -> Result:
    """The same values in a tensor of their own."""
    return ops.copy(input)


def scatter_nd(indices: TensorLike, updates: TensorLike, shape: Dims, name: str | None = None) -> Result:
    """Zeros with values added at these places."""
    return ops.scatter(indices, updates, _lengths(shape))


def tensor_scatter_nd_update(
    tensor: TensorLike, indices: TensorLike, updates: TensorLike, name: str | None = None
) -> Result:
    """With other values at these places."""
    return ops.scatter_update(tensor, indices, updates)


def tensor_scatter_nd_add(
    tensor: TensorLike, indices: TensorLike, updates: TensorLike, name: str | None = None
) -> Result:
    """With values added at these places."""
    return ops.add(tensor, ops.scatter(indices, updates, shape(tensor)))
