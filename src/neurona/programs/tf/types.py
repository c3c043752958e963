"""Types, versions and errors under TensorFlow's names."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from neurona.errors import ArgumentError, NeuronaError
from neurona.registry import KERAS_VERSION

__all__ = [
    "COMPILER_VERSION",
    "GIT_VERSION",
    "VERSION",
    "InvalidArgumentError",
    "NotFoundError",
    "OpError",
    "OutOfRangeError",
    "ResourceExhaustedError",
]

# The versions whose names are answered: programs compare with them.
__version__ = VERSION = "2.21.0"
GIT_VERSION = COMPILER_VERSION = "neurona"


class DType:
    """A type of numbers: NumPy's, with what TensorFlow's tells besides.

    >>> int32.max, int32.min, float32 == np.dtype("float32"), np.zeros(2, float32).dtype.name
    (2147483647, -2147483648, True, 'float32')
    """

    def __init__(self, name: str) -> None:
        self.dtype = np.dtype(name)  # by this attribute NumPy takes it for a type

    @property
    def as_numpy_dtype(self) -> type:
        """NumPy's type of one such number."""
        return self.dtype.type

    @property
    def max(self) -> Any:
        """The largest such number."""
        return self._limits().max

    @property
    def min(self) -> Any:
        """The smallest such number."""
        return self._limits().min

    def _limits(self) -> Any:
        return np.finfo(self.dtype) if self.dtype.kind in "fc" else np.iinfo(self.dtype)

    @property
    def is_floating(self) -> builtins.bool:
        return self.dtype.kind == "f"

    @property
    def is_integer(self) -> builtins.bool:
        return self.dtype.kind in "iu"

    @property
    def size(self) -> int:
        """How many bytes it takes."""
        return self.dtype.itemsize

    def __getattr__(self, name: str) -> Any:
        if name == "dtype":  # a copy that is not filled yet
            raise AttributeError(name)
        return getattr(self.dtype, name)

    def __eq__(self, other: object) -> builtins.bool:
        return self.dtype == getattr(other, "dtype", other)

    def __hash__(self) -> int:
        return hash(self.dtype)

    def __repr__(self) -> str:
        return f"tf.{self.dtype.name}"


float16 = half = DType("float16")
float32 = DType("float32")
float64 = double = DType("float64")
bfloat16 = "bfloat16"
int8, int16, int32, int64 = (DType(f"int{bits}") for bits in (8, 16, 32, 64))
uint8, uint16, uint32, uint64 = (DType(f"uint{bits}") for bits in (8, 16, 32, 64))
bool = DType("bool")
complex64, complex128 = DType("complex64"), DType("complex128")
string = "string"
newaxis = None


def keras_version() -> str:
    """The version of Keras whose names are answered."""
    return KERAS_VERSION


class SparseTensor:
    """What no tensor is: numbers at a few places. For ``isinstance`` in programs."""


OpError = NeuronaError
InvalidArgumentError = ArgumentError


class OutOfRangeError(NeuronaError):
    """The end of the data; datasets end by themselves here."""


class ResourceExhaustedError(NeuronaError, MemoryError):
    """Too little memory; Python's MemoryError comes here."""


NotFoundError = builtins.FileNotFoundError
