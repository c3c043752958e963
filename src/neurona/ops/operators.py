"""Python's operators on tensors: ``a + b``, ``a @ b``, ``a < b``, ``a[i]``, and their reflected forms.

Importing this gives them to `Tensor` and to `KerasTensor`, where they draw.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neurona.ops import elementwise, logic
from neurona.ops.linalg import matmul
from neurona.ops.shape import reshape, squeeze
from neurona.ops.slicing import get_item
from neurona.symbolic import KerasTensor
from neurona.tensor import Tensor

__all__: list[str] = []

_OPERANDS = (Tensor, KerasTensor, int, float, bool, np.ndarray, np.generic, list, tuple)


def _binary(function: Callable[..., Any], reflected: bool = False) -> Callable[[Any, Any], Any]:
    def operator(self: Any, other: Any) -> Any:
        if not isinstance(other, _OPERANDS):
            return NotImplemented
        return function(other, self) if reflected else function(self, other)

    return operator


def _unary(function: Callable[..., Any]) -> Callable[[Any], Any]:
    def operator(self: Any) -> Any:
        return function(self)

    return operator


_ARITHMETIC: dict[str, Callable[..., Any]] = {
    "add": elementwise.add,
    "sub": elementwise.subtract,
    "mul": elementwise.multiply,
    "truediv": elementwise.divide,
    "floordiv": elementwise.floor_divide,
    "mod": elementwise.mod,
    "pow": elementwise.power,
    "matmul": matmul,
    "and": logic.bitwise_and,
    "or": logic.bitwise_or,
    "xor": logic.bitwise_xor,
    "lshift": logic.bitwise_left_shift,
    "rshift": logic.bitwise_right_shift,
}
_COMPARISONS: dict[str, Callable[..., Any]] = {
    "eq": logic.equal,
    "ne": logic.not_equal,
    "lt": logic.less,
    "le": logic.less_equal,
    "gt": logic.greater,
    "ge": logic.greater_equal,
}
_UNARY: dict[str, Callable[..., Any]] = {
    "neg": elementwise.negative,
    "abs": elementwise.absolute,
    "invert": logic.bitwise_invert,
    "pos": lambda x: x,
}


def _install(kind: type, comparisons: dict[str, Callable[..., Any]]) -> None:
    for name, function in _ARITHMETIC.items():
        setattr(kind, f"__{name}__", _binary(function))
        setattr(kind, f"__r{name}__", _binary(function, reflected=True))
    for name, function in comparisons.items():
        setattr(kind, f"__{name}__", _binary(function))
    for name, function in _UNARY.items():
        setattr(kind, f"__{name}__", _unary(function))
    setattr(kind, "__round__", lambda self, ndigits=0: elementwise.round(self, ndigits))  # noqa: B010
    setattr(kind, "__getitem__", lambda self, key: get_item(self, key))  # noqa: B010


_install(Tensor, _COMPARISONS)
# a placeholder is equal to itself alone, as in Keras: models look for placeholders in lists
_install(KerasTensor, {name: function for name, function in _COMPARISONS.items() if name != "eq"})
setattr(KerasTensor, "reshape", lambda self, newshape: reshape(self, newshape))  # noqa: B010
setattr(KerasTensor, "squeeze", lambda self, axis=None: squeeze(self, axis))  # noqa: B010
