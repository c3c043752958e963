"""Types, versions and errors under TensorFlow's names."""

from __future__ import annotations

import builtins

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

float16 = half = np.dtype("float16")
float32 = np.dtype("float32")
float64 = double = np.dtype("float64")
bfloat16 = "bfloat16"
int8, int16, int32, int64 = (np.dtype(f"int{bits}") for bits in (8, 16, 32, 64))
uint8, uint16, uint32, uint64 = (np.dtype(f"uint{bits}") for bits in (8, 16, 32, 64))
bool = np.dtype("bool")
complex64, complex128 = np.dtype("complex64"), np.dtype("complex128")
string = "string"
DType = np.dtype
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
