"""What TensorFlow's tensors have or do and ours do not: given to `Tensor` while programs are answered.

>>> give()
>>> Tensor([[1.0, 2.0]]).shape.as_list()
[1, 2]
>>> Tensor([1.0]) * np.float64(2.0)  # NumPy's numbers take the tensor's type
Tensor([2.], dtype=float32)
>>> take_away()
>>> hasattr(Tensor, "get_shape")
False
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from neurona.programs.tf.arrays import TensorShape, ensure_shape
from neurona.tensor import Tensor

__all__ = ["give", "take_away"]


def _get_shape(self: Tensor) -> TensorShape:
    """The lengths of the axes."""
    return TensorShape(self.data.shape)


def _set_shape(self: Tensor, shape: Any) -> None:
    """Check that it has this shape; a tensor of ours always knows its own."""
    ensure_shape(self, shape)


_METHODS = {"get_shape": _get_shape, "set_shape": _set_shape}
_SHAPE: property = vars(Tensor)["shape"]
_OPERATORS = {
    name: vars(Tensor)[name]
    for word in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow")
    for name in (f"__{word}__", f"__r{word}__")
}


def _in_its_type(operator: Callable[[Tensor, Any], Any]) -> Callable[[Tensor, Any], Any]:
    """An operator for which NumPy's numbers take the type of a tensor of floating-point numbers.

    Without it `x * np.sqrt(2.0)` is float64, and so is all that follows.
    """

    @functools.wraps(operator)
    def operate(self: Tensor, other: Any) -> Any:
        if (
            isinstance(other, (np.generic, np.ndarray))
            and other.dtype.kind in "iuf"
            and np.dtype(self.dtype).kind == "f"
        ):
            other = np.asarray(other, self.dtype)
        return operator(self, other)

    return operate


def give() -> None:
    """Let every tensor have them."""
    for name, function in _METHODS.items():
        setattr(Tensor, name, function)
    Tensor.shape = property(_get_shape)  # type: ignore[method-assign, assignment]
    for name, operator in _OPERATORS.items():
        setattr(Tensor, name, _in_its_type(operator))


def take_away() -> None:
    """Undo `give`."""
    for name in _METHODS:
        if name in vars(Tensor):
            delattr(Tensor, name)
    Tensor.shape = _SHAPE  # type: ignore[method-assign, assignment]
    for name, operator in _OPERATORS.items():
        setattr(Tensor, name, operator)
