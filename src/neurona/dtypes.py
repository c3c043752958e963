"""Types of numbers by name: what a type is called, of which kind it is, and in which one several meet.

>>> standardize_dtype(np.float32), standardize_dtype(None), result_type("int8", "float16")
('float32', 'float32', 'float16')
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import config
from neurona.errors import ArgumentError
from neurona.symbolic import dtype_name
from neurona.tape import common_dtype

__all__ = ["ALLOWED", "dtype_size", "is_float", "is_float_dtype", "is_int_dtype", "result_type", "standardize_dtype"]

ALLOWED = (
    "bool", "float16", "float32", "float64", "int8", "int16", "int32", "int64", "string", "uint8", "uint16", "uint32",
    "uint64",
)  # fmt: skip
_COMPLEX = ("complex64", "complex128")


def standardize_dtype(dtype: Any) -> str:
    """The name of a type.

    Args:
        dtype: a name, a type of NumPy or Python, or ``None`` for `floatx`.

    Raises:
        ArgumentError: it is no type that tensors have. NumPy knows no bfloat16, so neither do they.

    >>> standardize_dtype(int), standardize_dtype("string"), standardize_dtype(np.dtype("uint8"))
    ('int32', 'string', 'uint8')
    """
    if dtype is None:
        return config.floatx()
    known: dict[Any, str] = {bool: "bool", int: "int32", float: config.floatx(), str: "string"}
    if isinstance(dtype, type) and dtype in known:
        return known[dtype]
    try:
        name = dtype_name(dtype)
    except (TypeError, ValueError):
        name = str(getattr(dtype, "name", dtype)).removeprefix("torch.")  # TensorFlow's types and PyTorch's tell theirs
    if name not in ALLOWED and name not in _COMPLEX:
        raise ArgumentError(f"Invalid dtype: {dtype}. Expected one of {', '.join(ALLOWED)}. Received: dtype={dtype!r}.")
    return name


def is_float_dtype(dtype: Any) -> bool:
    """Whether numbers of this type have a fraction."""
    return standardize_dtype(dtype).startswith("float")


def is_int_dtype(dtype: Any) -> bool:
    """Whether numbers of this type are whole."""
    return standardize_dtype(dtype).startswith(("int", "uint"))


def is_float(dtype: str) -> bool:
    """Whether the name of a type says that it is a float's."""
    return "float" in dtype


def dtype_size(dtype: str) -> int:
    """The bits that a number of this type takes.

    >>> dtype_size("bool"), dtype_size("int16")
    (1, 16)
    """
    name = standardize_dtype(dtype)
    if name == "string":
        raise ArgumentError("Texts have no fixed size. Received: dtype='string'.")
    return 1 if name == "bool" else np.dtype(name).itemsize * 8


def result_type(*dtypes: Any) -> str:
    """The type in which numbers of several types meet, as Keras and JAX have it.

    Args:
        dtypes: names, types, or Python's `int` and `float`: bare numbers, which take the type of what they meet and only
            lift whole numbers to `floatx`.

    >>> result_type("int8", "uint8"), result_type("int64", float), result_type("float16", int), result_type()
    ('int16', 'float32', 'float16', 'float32')
    """
    weak = [dtype for dtype in dtypes if dtype is int or dtype is float]
    strong = [standardize_dtype(dtype) for dtype in dtypes if dtype is not int and dtype is not float]
    met = common_dtype(*strong) if strong else None
    if float in weak:
        return met if met is not None and met.startswith(("float", "complex")) else config.floatx()
    if weak and met in (None, "bool"):
        return "int32"
    return met or config.floatx()
