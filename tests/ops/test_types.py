"""In which type an op answers, where Keras has rules of its own; the expected names are Keras 3.15's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import neurona as keras
from neurona import ops


def ones(dtype: str) -> Any:
    return ops.ones((3,), dtype)


@pytest.mark.parametrize(
    ("function", "dtypes", "expected"),
    [
        (lambda x, w: ops.average(x, weights=w), ("float16", "int32"), "float16"),
        (lambda x, w: ops.average(x, weights=w), ("int64", "float16"), "float16"),
        (lambda x, w: ops.average(x, weights=w), ("int32", "int32"), "float32"),
        (ops.correlate, ("int64", "int8"), "float64"),
        (ops.correlate, ("int32", "int8"), "float32"),
        (ops.hypot, ("int8", "uint32"), "float64"),
        (ops.hypot, ("float16", "int64"), "float16"),
        (ops.heaviside, ("int64", "bool"), "float64"),
        (ops.ldexp, ("float16", "int32"), "float16"),
        (ops.ldexp, ("int32", "int32"), "float32"),
        (ops.mod, ("bool", "bool"), "int32"),
        (ops.fmod, ("bool", "bool"), "int32"),
        (ops.divide, ("int64", "int64"), "float32"),
        (ops.add, ("int16", "uint32"), "int64"),
    ],
)
def test_of_two(function: Callable[..., Any], dtypes: tuple[str, str], expected: str) -> None:
    assert function(*map(ones, dtypes)).dtype == expected


@pytest.mark.parametrize("name", ["cbrt", "deg2rad", "i0", "rad2deg", "corrcoef"])
def test_whole_numbers_of_64_bits_become_floats_of_64(name: str) -> None:
    values = {dtype: getattr(ops, name)(np.array([1, 8], dtype)).dtype.name for dtype in ("int32", "int64", "float16")}
    assert values == {"int32": "float32", "int64": "float64", "float16": "float16"}


def test_others_of_64_bits_do_not() -> None:
    assert ops.exp(ones("int64")).dtype == ops.rsqrt(ones("int64")).dtype == "float32"


def test_numbers_without_a_sign_are_counted() -> None:
    np.testing.assert_array_equal(ops.bincount(np.array([1, 3, 1], "uint8")), [0, 2, 0, 1])


def test_one_hot_rows_of_arrays_and_tensors() -> None:
    assert keras.utils.to_categorical([0, 2]).dtype == "float64"
    assert keras.utils.to_categorical(ops.array([0, 2]), 3).dtype == "float32"
