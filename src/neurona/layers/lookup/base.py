"""What the layers have in common that look values up: inputs as one array, one step that a plan repeats.

Their work is done by NumPy and Python on whole arrays and has no gradient. As an op (`_look_up`) it is noted by a tape
like any other and done anew in every repetition of a recorded step, with the tables of then.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from neurona import config
from neurona.cases import A, Case
from neurona.errors import DTypeError
from neurona.layers.base import Layer
from neurona.symbolic import KerasTensor
from neurona.tape import op
from neurona.tensor import Array, Tensor, as_array, holds_text, wrap

__all__ = ["LookupLayer", "batches_of", "given_array"]


def _doubled(x: Array) -> Array:
    return x * 2


@op(cases=[Case(A("N T", 0, 9, kind="int"), function=_doubled)])
def _look_up(x: Array, function: Callable[[Array], Array]) -> Array:
    """`function` of an array, without a gradient; a repeated step calls it again."""
    return function(x)


class LookupLayer(Layer):
    """The base of the layers whose output follows from tables, without weights and gradients.

    A subclass computes in `_compute`, from an array to an array, and tells the type of its result in `_output_dtype`.
    """

    def _convert_argument(self, argument: Any) -> Any:
        """Nested lists are one array here, of texts or of numbers."""
        return argument if argument is None or isinstance(argument, Tensor) else wrap(given_array(argument))

    def build(self, input_shape: Any = None) -> None:
        """Nothing is to be made: the tables do not depend on the input's shape."""

    def call(self, inputs: Any) -> Tensor:
        looked_up: Tensor = _look_up(inputs, function=self._compute)
        return looked_up

    def _compute(self, inputs: Array) -> Array:
        raise NotImplementedError(f"{type(self).__name__} must define _compute().")

    def _output_dtype(self) -> str:
        return self.compute_dtype

    def compute_output_spec(self, inputs: Any, *args: Any, **kwargs: Any) -> KerasTensor:
        return KerasTensor(self.compute_output_shape(inputs.shape), self._output_dtype())


def given_array(value: Any) -> Array:
    """What a caller handed over as an array; whole numbers stay as wide as they are.

    >>> given_array([1, 2**40]).dtype.name, given_array(["a"]).dtype.kind
    ('int64', 'O')
    """
    if isinstance(value, (np.ndarray, Tensor)) or holds_text(value):
        return as_array(value)
    if isinstance(value, KerasTensor):
        raise DTypeError(f"Expected values, received a symbolic tensor: {value!r}.")
    array = np.asarray(value)
    if array.dtype.kind not in "biu":
        array = as_array(value)
        return array.astype(config.floatx()) if array.dtype.kind == "f" and not hasattr(value, "dtype") else array
    return array


def batches_of(data: Any, steps: int | None) -> Iterator[Array]:
    """The batches in what `adapt` was given.

    A list, an array or a tensor is one batch, its first axis the samples. Of anything else that can be iterated over,
    each item is a batch; single texts or numbers are gathered, each of them a sample.

    Raises:
        DTypeError: `data` cannot be iterated over, or its items are pairs of inputs and targets.
    """
    if isinstance(data, (list, tuple, np.ndarray, Tensor)) or (holds_text(data) and not isinstance(data, (str, bytes))):
        whole = given_array(data)
        if whole.ndim == 0:
            whole = whole.reshape(1)
        yield whole[:, np.newaxis] if whole.ndim == 1 else whole
        return
    if not isinstance(data, Iterable) or isinstance(data, (str, bytes)):
        raise DTypeError(
            "adapt() expected a list, an array, or an iterable of batches. "
            f"Received: {type(data).__name__}. A single text goes into a list."
        )
    singles: list[Any] = []
    for item in itertools.islice(data, steps):
        is_single = isinstance(item, _SINGLE)
        if is_single:
            singles.append(item)
        if singles and (len(singles) == _GATHERED or not is_single):
            yield given_array(singles)[:, np.newaxis]
            singles = []
        if not is_single:
            yield _batch(item)
    if singles:
        yield given_array(singles)[:, np.newaxis]


_SINGLE = (str, bytes, int, float, np.generic)
_GATHERED = 4096  # single samples that are looked at together


def _batch(item: Any) -> Array:
    if isinstance(item, tuple) and not holds_text(item) and any(hasattr(part, "shape") for part in item):
        raise DTypeError(
            "adapt() expected batches of inputs alone. Received: a tuple, as of inputs and targets. "
            "Map the data set to its inputs first: data.map(lambda x, y: x)."
        )
    return given_array(item)
