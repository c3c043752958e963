"""Tensor: a NumPy array that tapes can follow, and the conversions to it.

The arithmetic operators and indexing are installed by `neurona.ops`, which knows their gradients. Leans on NumPy and
`neurona.symbolic` (the placeholders of functional models).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from neurona import config
from neurona.errors import ArgumentError, DTypeError, ShapeError
from neurona.symbolic import KerasTensor, dtype_name, flatten, map_structure

if TYPE_CHECKING:
    from neurona.tape import Tape

__all__ = ["Array", "Arrays", "Tensor", "TensorLike", "as_array", "as_tensor", "holds_text", "stop_recording", "wrap"]

Array = npt.NDArray[Any]
Arrays = Sequence[Array]
TensorLike = Any  # a Tensor, a Variable, an array, a number or nested lists of numbers


class Tapes(threading.local):
    """The tapes that are running in this thread, the outermost first."""

    stack: tuple[Tape, ...] = ()


running = Tapes()


class Tensor:
    """An array that tapes can follow. Immutable by convention: ops make new ones.

    Args:
        data: an array, a number, or nested lists of numbers (Python floats become `floatx`, ints int32). Texts are kept
            as they are, as an array of Python's objects: NumPy's own would take four bytes for each letter of the
            longest text, and lose zeros at its end.
        dtype: the type of number to convert to.
    """

    __slots__ = ("__weakref__", "_keras_mask", "data", "tracked")
    __array_priority__ = 100  # so that array * tensor is asked of the tensor

    def __init__(self, data: TensorLike, dtype: npt.DTypeLike | None = None) -> None:
        self.data: Array = as_array(data, dtype)
        self.tracked = False  # whether a gradient may flow through it
        self._keras_mask: Any = None

    @property
    def shape(self) -> tuple[int, ...]:
        return self.data.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.data.dtype

    @property
    def ndim(self) -> int:
        return self.data.ndim

    @property
    def size(self) -> int:
        return self.data.size

    def numpy(self) -> Array:
        """The values as a NumPy array (shared, not copied: do not write into it)."""
        leave_recording(self, "numpy()")
        return self.data

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Array:
        leave_recording(self, "conversion to NumPy")
        return np.array(self.data, dtype, copy=True) if copy else np.asarray(self.data, dtype)

    def item(self) -> Any:
        """The only value, as a Python number."""
        return self.numpy().item()

    def tolist(self) -> Any:
        """The values as nested lists."""
        return self.numpy().tolist()

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        return self.numpy().__index__()

    def __bool__(self) -> bool:
        return bool(self.numpy())

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec and self.ndim == 0 else str(self)

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self) -> Iterator[Tensor]:
        if self.ndim == 0:
            raise DTypeError("A tensor of no axes cannot be iterated over. Received: shape ().")
        for i in range(len(self)):
            yield self[i]

    def __getitem__(self, key: Any) -> Tensor:  # replaced by neurona.ops, which knows the gradient
        raise NotImplementedError("import neurona.ops first")

    def __hash__(self) -> int:  # `==` compares values, so identity is what a dict can use
        return id(self)

    def __repr__(self) -> str:
        name = type(self).__name__
        values = np.array2string(self.data, separator=", ", prefix=f"{name}(", threshold=60, edgeitems=3)
        return f"{name}({values}, dtype={dtype_name(self.dtype)})"


def as_array(value: TensorLike, dtype: npt.DTypeLike | None = None) -> Array:
    """The array in `value`: Python floats and lists of them become `floatx`, Python ints int32.

    >>> as_array([1, 2]).dtype.name, as_array([1.0, 2.0]).dtype.name, as_array(True).dtype.name
    ('int32', 'float32', 'bool')
    """
    if isinstance(value, Tensor):
        leave_recording(value, "conversion to an array")
        array = value.data
    elif isinstance(value, (np.ndarray, np.generic)):
        array = np.asarray(value)
    elif isinstance(value, KerasTensor):
        raise ArgumentError(f"Expected values, received a symbolic tensor: {value!r}.")
    elif isinstance(value, (list, tuple)) and any(isinstance(leaf, Tensor) for leaf in flatten(value)):
        array = np.array(map_structure(lambda v: as_array(v) if isinstance(v, Tensor) else v, value))
    elif holds_text(value):
        array = _as_texts(value)
    else:
        try:
            array = np.array(value)
        except ValueError as error:
            raise ShapeError(f"Expected nested lists of equal lengths. Received: {value!r}.") from error
        if array.dtype.kind in "SU" and isinstance(value, (list, tuple)):  # NumPy writes numbers beside texts out
            raise DTypeError(f"Expected numbers, or texts alone. Received {type(value).__name__}: {_short(value)}.")
        has_dtype = hasattr(value, "dtype") or hasattr(value, "__array__")
        if dtype is None and not has_dtype and array.dtype.kind in "fi":
            array = array.astype(config.floatx() if array.dtype.kind == "f" else "int32")
    if array.dtype.kind == "O" and not all(isinstance(text, (str, bytes)) for text in array.flat):
        raise DTypeError(f"Expected numbers, or texts alone. Received {type(value).__name__}: {_short(value)}.")
    if isinstance(dtype, str) and dtype == "string":
        dtype = object if array.dtype.kind in "OSU" else str  # numbers are written out
    return array if dtype is None or array.dtype == dtype else array.astype(dtype)


def holds_text(value: Any) -> bool:
    """Whether `value` is a text, or a sequence of texts, or nested ones whose first leaf is a text.

    >>> holds_text("a"), holds_text([["a", "b"]]), holds_text([1.0]), holds_text([])
    (True, True, False, False)
    """
    while isinstance(value, Sequence) and not isinstance(value, (str, bytes)) and len(value):
        value = value[0]
    return isinstance(value, (str, bytes))


def _as_texts(value: Any) -> Array:
    """Texts, or nested sequences of them, as an array of these very objects."""
    if not isinstance(value, (str, bytes, list, tuple)):
        value = list(value)
    shape: list[int] = []
    level = value
    while isinstance(level, (list, tuple)):
        shape.append(len(level))
        level = level[0] if level else None
    leaves = flatten(value)
    array = np.empty(len(leaves), object)
    array[:] = leaves
    if not _is_even(value, shape):
        raise ShapeError(f"Expected nested lists of equal lengths. Received: {_short(value)}.")
    return array.reshape(shape)


def _is_even(value: Any, shape: list[int]) -> bool:
    """Whether the lists within `value` have the lengths `shape` at every level."""
    if not shape:
        return not isinstance(value, (list, tuple))
    if not isinstance(value, (list, tuple)) or len(value) != shape[0]:
        return False
    return all(_is_even(item, shape[1:]) for item in value)


def _short(value: Any) -> str:
    told = repr(value)
    return told if len(told) <= 200 else f"{told[:200]}..."


def as_tensor(value: TensorLike, dtype: npt.DTypeLike | None = None) -> Tensor:
    """`value` itself when it is a tensor of that dtype, else a new Tensor."""
    if isinstance(value, Tensor) and (dtype is None or value.dtype == dtype):
        return value
    return Tensor(value, dtype)


def wrap(array: Array) -> Tensor:
    """A Tensor around an array as it is, without a look at its type."""
    tensor = Tensor.__new__(Tensor)
    tensor.data, tensor.tracked, tensor._keras_mask = array, False, None
    return tensor


class stop_recording:  # noqa: N801 - used like a function
    """Within this context no tape records: ``with stop_recording(): ...``."""

    def __enter__(self) -> None:
        self._tapes = running.stack
        running.stack = ()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        running.stack = self._tapes


def leave_recording(tensor: Tensor, how: str) -> None:
    """Tell a recording that a value left it for plain Python, where it cannot be followed."""
    for tape in running.stack:
        if tape.everything and tape.unrepeatable is None:
            tape.unrepeatable = f"a tensor of shape {tensor.shape} was read by plain Python ({how})"
