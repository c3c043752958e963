"""What programs ask of TensorFlow itself: versions, devices, settings, checks; answered, and harmless.

>>> list_physical_devices("GPU"), len(list_physical_devices("CPU"))
([], 1)
"""

from __future__ import annotations

import builtins
import contextlib
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from neurona.errors import ArgumentError
from neurona.programs.tf.types import DType
from neurona.symbolic import dtype_name
from neurona.tensor import Tensor, TensorLike, as_array, running

__all__ = [
    "Device",
    "as_dtype",
    "assert_all_finite",
    "assert_equal",
    "assert_greater",
    "assert_greater_equal",
    "assert_less",
    "assert_less_equal",
    "assert_near",
    "assert_non_negative",
    "assert_positive",
    "assert_rank",
    "assert_shapes",
    "assert_type",
    "check_numerics",
    "control_dependencies",
    "device",
    "executing_eagerly",
    "functions_run_eagerly",
    "get_memory_growth",
    "get_soft_device_placement",
    "init_scope",
    "is_built_with_cuda",
    "is_gpu_available",
    "list_logical_devices",
    "list_physical_devices",
    "name_scope",
    "nothing",
    "print",
]  # fmt: skip


class Device:
    """A processor, as TensorFlow would list it."""

    def __init__(self, name: str, device_type: str) -> None:
        self.name, self.device_type = name, device_type

    def __repr__(self) -> str:
        return f"Device(name={self.name!r}, device_type={self.device_type!r})"


def list_physical_devices(device_type: str | None = None) -> list[Device]:
    """The processors: one, and no graphics card."""
    return [Device("/physical_device:CPU:0", "CPU")] if device_type in (None, "CPU") else []


def list_logical_devices(device_type: str | None = None) -> list[Device]:
    """The same under TensorFlow's other names."""
    return [Device("/device:CPU:0", "CPU")] if device_type in (None, "CPU") else []


def nothing(*args: Any, **kwargs: Any) -> None:
    """A setting that changes nothing here."""


def is_gpu_available(*args: Any, **kwargs: Any) -> bool:
    """No."""
    return False


is_built_with_cuda = functions_run_eagerly = get_memory_growth = is_gpu_available


def get_soft_device_placement() -> bool:
    """Yes: everything is placed on the processor."""
    return True


def executing_eagerly() -> bool:
    """Whether every op is carried out at once: yes, unless a step is being recorded."""
    return not any(tape.everything for tape in running.stack)


@contextlib.contextmanager
def device(name: Any = None, *rest: Any) -> Iterator[None]:
    """A context in which things happen as they would without it."""
    yield


name_scope = control_dependencies = init_scope = device


def as_dtype(type_value: Any) -> Any:
    """A type by its name."""
    name = dtype_name(type_value)
    return "string" if name == "string" else DType(name)


def print(
    *inputs: Any, output_stream: Any = None, summarize: int = 3, sep: str = " ", end: str = "\n", name: Any = None
) -> None:
    """Print values; tensors as their arrays, to stderr as in TensorFlow unless told."""
    stream = sys.stdout if output_stream is sys.stdout or output_stream == "stdout" else sys.stderr
    builtins.print(*(x.data if isinstance(x, Tensor) else x for x in inputs), sep=sep, end=end, file=stream)


def _check(holds: Any, what: str, message: Any, *values: Any) -> None:
    if not np.all(holds):
        told = ", ".join(str(as_array(value)) for value in values)
        raise ArgumentError(f"{message + ': ' if message else ''}expected {what}. Received: {told}.")


def assert_equal(x: TensorLike, y: TensorLike, message: Any = None, **more: Any) -> None:
    """Check that x = y everywhere."""
    _check(as_array(x) == as_array(y), "x = y", message, x, y)


def assert_less(x: TensorLike, y: TensorLike, message: Any = None, **more: Any) -> None:
    """Check that x < y everywhere."""
    _check(as_array(x) < as_array(y), "x < y", message, x, y)


def assert_less_equal(x: TensorLike, y: TensorLike, message: Any = None, **more: Any) -> None:
    """Check that x <= y everywhere."""
    _check(as_array(x) <= as_array(y), "x <= y", message, x, y)


def assert_greater(x: TensorLike, y: TensorLike, message: Any = None, **more: Any) -> None:
    """Check that x > y everywhere."""
    _check(as_array(x) > as_array(y), "x > y", message, x, y)


def assert_greater_equal(x: TensorLike, y: TensorLike, message: Any = None, **more: Any) -> None:
    """Check that x >= y everywhere."""
    _check(as_array(x) >= as_array(y), "x >= y", message, x, y)


def assert_near(
    x: TensorLike, y: TensorLike, rtol: float = 1e-6, atol: float = 1e-6, message: Any = None, **more: Any
) -> None:
    """Check that x and y are close everywhere."""
    _check(np.isclose(as_array(x), as_array(y), rtol, atol), "x near y", message, x, y)


def assert_positive(x: TensorLike, message: Any = None, **more: Any) -> None:
    """Check that x > 0 everywhere."""
    _check(as_array(x) > 0, "x > 0", message, x)


def assert_non_negative(x: TensorLike, message: Any = None, **more: Any) -> None:
    """Check that x >= 0 everywhere."""
    _check(as_array(x) >= 0, "x >= 0", message, x)


def assert_rank(x: TensorLike, rank: int, message: Any = None, **more: Any) -> None:
    """Check the number of axes."""
    _check(as_array(x).ndim == rank, f"{rank} axes", message, np.array(as_array(x).shape))


def assert_type(tensor: TensorLike, tf_type: Any, message: Any = None, **more: Any) -> None:
    """Check the type."""
    _check(dtype_name(as_array(tensor).dtype) == dtype_name(tf_type), dtype_name(tf_type), message, tensor)


def assert_shapes(shapes: Any, message: Any = None, **more: Any) -> None:
    """Check shapes; a letter stands for the same length everywhere.

    >>> assert_shapes([(np.zeros((2, 3)), ("N", 3)), (np.zeros(2), ("N",))])
    """
    known: dict[str, int] = {}
    for tensor, wanted in shapes.items() if isinstance(shapes, dict) else shapes:
        arrived = as_array(tensor).shape
        fits = len(arrived) == len(wanted)
        for want, got in zip(wanted, arrived, strict=False):
            fits = fits and (want is None or (known.setdefault(want, got) if isinstance(want, str) else want) == got)
        _check(fits, f"shape {tuple(wanted)}", message, np.array(arrived))


def check_numerics(tensor: TensorLike, message: str = "", name: str | None = None) -> TensorLike:
    """`tensor` itself, if all its numbers are finite."""
    _check(np.isfinite(as_array(tensor)), "finite numbers", message, tensor)
    return tensor


def assert_all_finite(x: TensorLike, message: str = "", name: str | None = None) -> TensorLike:
    """`x` itself, if all its numbers are finite."""
    return check_numerics(x, message)
