"""The arrays in what users hand over: lists, data frames, tensors and nested structures of them.

Here is decided what counts as one array and what as several, which types a batch has, and what a sample weighs.
Leans on NumPy, `neurona.tensor` and `neurona.symbolic` (nesting).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import config
from neurona.errors import ArgumentError, DTypeError, ShapeError
from neurona.symbolic import flatten
from neurona.tensor import Array, Tensor, as_array, holds_text

__all__ = [
    "batch_dtype",
    "class_weights",
    "count_samples",
    "holds_arrays",
    "is_numbers",
    "to_arrays",
    "with_class_weight",
]

_PARTS = ("x", "y", "sample_weight")


def holds_arrays(value: Any) -> bool:
    """Whether `value` is an array, or lists and dicts of such, rather than a source of batches."""
    if isinstance(value, dict):
        return all(holds_arrays(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return is_numbers(value) or all(item is None or holds_arrays(item) for item in value)
    if value is None or isinstance(value, (Tensor, np.ndarray, np.generic)) or hasattr(value, "__array__"):
        return True
    return not isinstance(value, (str, bytes)) and holds_text(value)  # texts kept in another way than in a list


def is_numbers(value: list[Any] | tuple[Any, ...]) -> bool:
    """Whether nested lists are one array written out: their first leaf is a number or a text."""
    leaf: Any = value
    while isinstance(leaf, (list, tuple)):
        leaf = next((item for item in leaf if item is not None), 0)
    return isinstance(leaf, (int, float, complex, str, bytes, np.generic)) or getattr(leaf, "shape", None) == ()


def to_arrays(structure: Any) -> Any:
    """`structure` with every leaf an array; lists of numbers become one array."""
    if isinstance(structure, dict):
        return {key: to_arrays(item) for key, item in structure.items()}
    if isinstance(structure, (list, tuple)) and structure and not is_numbers(structure):
        items = [to_arrays(item) for item in structure]
        return type(structure)(*items) if hasattr(structure, "_fields") else type(structure)(items)
    return None if structure is None else _to_array(structure)


def _to_array(value: Any) -> Array:
    if isinstance(value, np.ndarray) or (hasattr(value, "__array__") and not isinstance(value, Tensor)):
        array = np.asarray(value)
    else:
        array = as_array(value)
    if array.dtype.kind == "O" and not all(isinstance(item, (str, bytes)) for item in array.flat):
        hint = "Call .toarray() on sparse matrices, and give columns of numbers or of texts only."
        raise DTypeError(
            f"Expected arrays of numbers or of texts. Received: {type(value).__name__} of Python objects. {hint}"
        )
    if array.ndim == 0:
        raise ShapeError(f"Expected arrays whose first axis counts the samples. Received: the single value {array!r}.")
    if array.ndim == 1 and type(value).__module__.partition(".")[0] == "pandas":
        array = array[:, np.newaxis]  # a column of a data frame, as in Keras
    return array


def count_samples(data: tuple[Any, ...]) -> int:
    """The common length of all arrays.

    Raises:
        ShapeError: they differ, or there are none.
    """
    sizes = [[len(a) for a in flatten(part) if a is not None] for part in data]
    found = {size for part in sizes for size in part}
    if len(found) == 1:
        return found.pop()
    if not found:
        raise ArgumentError("There are no data: `x` is None. Provide arrays, a PyDataset or an iterable of batches.")
    told = "\n".join(
        f"'{name}' sizes: {', '.join(map(str, part))}" for name, part in zip(_PARTS, sizes, strict=False) if part
    )
    raise ShapeError(f"Data cardinality is ambiguous. Make sure all arrays contain the same number of samples.\n{told}")


def batch_dtype(dtype: np.dtype[Any], part: int) -> np.dtype[Any]:
    """The type that a batch has: inputs of bytes and all floats become `floatx`, other integers stay.

    Texts become Python's own, batch by batch: an array of NumPy's gives each the room of the longest.
    """
    is_weight, is_input = part == 2, part == 0
    if dtype.kind in "OSU":
        return np.dtype(object)
    if dtype.kind == "f" or is_weight or (is_input and dtype == np.uint8):
        return np.dtype(config.floatx())
    return dtype.newbyteorder("=")


def class_weights(y: Any, class_weight: dict[int, float]) -> Array:
    """The weight of each sample by its class; 1 for classes that are not in `class_weight`.

    Args:
        y: class numbers of shape ``(N,)`` or ``(N, 1)``, or one-hot rows.

    >>> class_weights(np.array([0, 1, 2, 1]), {1: 5.0, 2: 0.5}).tolist()
    [1.0, 5.0, 0.5, 5.0]
    """
    leaves = flatten(y)
    if len(leaves) != 1 or leaves[0] is None:
        raise ArgumentError(
            "`class_weight` is only supported for models with a single output and with targets. "
            f"Received: {0 if y is None else len(leaves)} target arrays. Use `sample_weight` instead."
        )
    labels = leaves[0]
    if labels.ndim > 1:
        labels = labels[..., 0] if labels.shape[-1] == 1 else labels.argmax(axis=-1)
    if labels.dtype.kind not in "iub":
        labels = np.round(labels)
    classes, places = np.unique(labels, return_inverse=True)
    values = np.array([class_weight.get(int(c), 1.0) for c in classes], config.floatx())
    return values[places.reshape(labels.shape)]


def with_class_weight(y: Any, sample_weight: Any, class_weight: dict[int, float] | None) -> Any:
    """The sample weights, multiplied by the weight of each sample's class where there are such."""
    if class_weight is None:
        return sample_weight
    weights = class_weights(y, class_weight)
    for given in flatten(sample_weight):
        if given is not None:
            extra = (1,) * (given.ndim - weights.ndim)
            weights = weights.reshape(weights.shape + extra) * given.astype(weights.dtype)
    return weights
