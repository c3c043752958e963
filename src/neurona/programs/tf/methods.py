"""Methods that TensorFlow's tensors have and ours lack: given to `Tensor` while programs are answered.

>>> give()
>>> Tensor([[1.0, 2.0]]).get_shape().as_list()
[1, 2]
>>> take_away()
>>> hasattr(Tensor, "get_shape")
False
"""

from __future__ import annotations

from typing import Any

from neurona.programs.tf.arrays import TensorShape, ensure_shape
from neurona.tensor import Tensor

__all__ = ["give", "take_away"]


def _get_shape(self: Tensor) -> TensorShape:
    """The lengths of the axes."""
    return TensorShape(self.shape)


def _set_shape(self: Tensor, shape: Any) -> None:
    """Check that it has this shape; a tensor of ours always knows its own."""
    ensure_shape(self, shape)


_METHODS = {"get_shape": _get_shape, "set_shape": _set_shape}


def give() -> None:
    """Let every tensor have them."""
    for name, function in _METHODS.items():
        setattr(Tensor, name, function)


def take_away() -> None:
    """Undo `give`."""
    for name in _METHODS:
        if name in vars(Tensor):
            delattr(Tensor, name)
