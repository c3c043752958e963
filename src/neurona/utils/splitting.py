"""`split_dataset`: one part of the data for training and one to hold out."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona.errors import ArgumentError, DTypeError
from neurona.tensor import Tensor
from neurona.training.dataset import Dataset
from neurona.tree import map_structure

__all__ = ["split_dataset"]


def split_dataset(
    dataset: Any,
    left_size: float | None = None,
    right_size: float | None = None,
    shuffle: bool = False,
    seed: int | None = None,
    preferred_backend: str | None = None,
) -> tuple[Dataset, Dataset]:
    """Two data sets of one: the first elements and the others.

    Args:
        dataset: a `Dataset` (or a `tf.data.Dataset`), an array, or a tuple, list or dict of arrays of one length.
        left_size: how many elements the first has, or their share; what the second leaves when None.
        right_size: the same of the second.
        shuffle: whether elements are mixed before.
        seed: of the order.
        preferred_backend: accepted for Keras's sake.

    Returns:
        two `Dataset`s of single elements.

    Raises:
        DTypeError: sizes, or a dataset, of another kind.
        ArgumentError: impossible sizes, or an empty part.

    >>> left, right = split_dataset(np.arange(10), left_size=0.8)
    >>> len(left), [int(x) for x in right]
    (8, [8, 9])
    """
    whole = _elements(dataset)
    if not whole:
        raise ArgumentError("Received an empty list. Expected a dataset with elements to split.")
    left, right = _sizes(left_size, right_size, len(whole))
    if shuffle:
        order = np.random.RandomState(np.random.randint(int(1e6)) if seed is None else seed).permutation(len(whole))
        whole = [whole[place] for place in order]
    first, second = whole[:left], whole[len(whole) - right :]
    size = _batch_size(dataset)
    left_part, right_part = Dataset(lambda _pass: iter(first), left), Dataset(lambda _pass: iter(second), right)
    if size is not None:
        return left_part.batch(size), right_part.batch(size)
    return left_part, right_part


def _elements(dataset: Any) -> list[Any]:
    """The elements one by one: the rows of arrays, or what a `Dataset` gives (of batches, their rows)."""
    if hasattr(dataset, "as_numpy_iterator"):
        return list((dataset if _batch_size(dataset) is None else dataset.unbatch()).as_numpy_iterator())
    if isinstance(dataset, (np.ndarray, Tensor, tuple, list, dict)):
        whole = tuple(dataset) if isinstance(dataset, list) and _holds_arrays(dataset) else dataset
        return list(Dataset.from_tensor_slices(map_structure(np.asarray, whole)).as_numpy_iterator())
    raise DTypeError(
        "The `dataset` argument must be a Dataset, an array, or a list/tuple of arrays. "
        f"Received: dataset={dataset!r} of type {type(dataset)}"
    )


def _batch_size(dataset: Any) -> int | None:
    """Elements a batch of a `Dataset`, or of one of TensorFlow's, which keeps it to itself."""
    size = dataset.batch_size if isinstance(dataset, Dataset) else getattr(dataset, "_batch_size", None)
    return None if size is None else int(size)


def _holds_arrays(items: list[Any]) -> bool:
    return bool(items) and all(isinstance(item, (np.ndarray, Tensor)) for item in items)


def _sizes(left: float | None, right: float | None, total: int) -> tuple[int, int]:
    for name, size in (("left_size", left), ("right_size", right)):
        if size is None:
            continue
        if isinstance(size, bool) or not isinstance(size, (int, float, np.integer, np.floating)):
            raise DTypeError(f"Invalid `{name}` Type. Expected: int or float or None. Received: {type(size)}.")
        if not 0 < size < (total if isinstance(size, (int, np.integer)) else 1):
            raise ArgumentError(
                f"`{name}` should be either a positive integer smaller than {total}, or a float between 0 and 1. "
                f"Received: {name}={size}"
            )
    if left is None and right is None:
        raise ArgumentError(
            "At least one of the `left_size` or `right_size` must be specified. Received: None for both."
        )
    one, two = (n if n is None or isinstance(n, (int, np.integer)) else round(n * total) for n in (left, right))
    one = total - (two or 0) if one is None else one
    two = total - one if two is None else two
    if one + two > total:
        raise ArgumentError(
            f"The sum of `left_size` and `right_size` should not be greater than {total}. "
            f"Received: left_size={left}, right_size={right}."
        )
    if not one or not two:
        raise ArgumentError(
            f"With a dataset of length {total}, left_size={left} and right_size={right} leave one side empty. Adjust them."
        )
    return int(one), int(two)
