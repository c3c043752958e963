"""The compiled kernels, if they are there: one loader, one switch, one thread pool.

`native` is the C extension ``neurona.kernels._native``, or ``None``: then NumPy does all the work, slower and
with the same results within rounding. Read it as ``kernels.native`` at each use, because `disabled` takes it
away for a while. Every function of `native` looks at its arguments first and returns ``NotImplemented`` when
they are not its case (float64, a strided view, ...), so a caller writes::

    y = native.dense(x, w, b, 1) if native is not None else NotImplemented
    if y is NotImplemented:
        y = reference(x, w, b)

Three environment variables are read once, at import:

- ``NEURONA_KERNELS``: ``auto`` (the best that the processor runs), ``off``, or an instruction set by name
  (``sse2``, ``avx2``, ``avx512``; ``neon`` or ``baseline`` on other processors);
- ``NEURONA_NUM_THREADS``: threads of the pool; else one for each core, see `neurona.kernels.processors`;
- ``NEURONA_WINOGRAD``: ``4`` (default), ``2`` or ``0``, see `set_winograd`.

The number of threads never changes a result. The instruction set may, in the last bit.
"""

from __future__ import annotations

import importlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from neurona.errors import ArgumentError, UnknownNameError
from neurona.kernels.processors import usable_cores

__all__ = ["disabled", "get_num_threads", "get_winograd", "info", "native", "set_num_threads", "set_winograd", "trim"]

_SETS = ("sse2", "avx2", "avx512", "neon", "baseline")

#: The extension module, or None where NumPy does the work.
native: Any = None

_loaded: Any = None
_why_not: str | None = None


def _load() -> None:
    """Fill `native` as the environment asks."""
    global native, _loaded, _why_not
    wanted = os.environ.get("NEURONA_KERNELS", "").strip().lower() or "auto"
    if wanted not in ("auto", "off", *_SETS):
        raise UnknownNameError.among("value of NEURONA_KERNELS", wanted, ("auto", "off", *_SETS))
    if wanted == "off":
        _why_not = "switched off by NEURONA_KERNELS=off"
        return
    threads, winograd = _threads_wanted(), _winograd_wanted()
    try:
        module = importlib.import_module("neurona.kernels._native")
    except ImportError as error:
        _why_not = f"not built at installation (that takes GCC or Clang), or not loadable here: {error}"
        if wanted != "auto":
            raise ArgumentError(
                f"NEURONA_KERNELS={wanted} asks for compiled kernels, but there are none: {_why_not}. "
                "Unset NEURONA_KERNELS, or install a C compiler and Neurona again."
            ) from None
        return
    if wanted != "auto":
        if wanted not in module.supported():
            raise ArgumentError(
                f"Expected NEURONA_KERNELS to name an instruction set of this processor: "
                f"{', '.join(module.supported())}, or auto or off. Received: {wanted!r}."
            )
        module.select(wanted)
    module.set_threads(threads)
    module.set_winograd(winograd)
    native = _loaded = module


def _threads_wanted() -> int:
    text = os.environ.get("NEURONA_NUM_THREADS", "").strip()
    if not text:
        return usable_cores()
    if not (text.isdecimal() and int(text) >= 1):
        raise ArgumentError(f"Expected NEURONA_NUM_THREADS to be a whole number from 1. Received: {text!r}.")
    return int(text)


def _winograd_wanted() -> int:
    text = os.environ.get("NEURONA_WINOGRAD", "").strip() or "4"
    if text not in ("0", "2", "4"):
        raise ArgumentError(f"Expected NEURONA_WINOGRAD to be 4, 2 or 0. Received: {text!r}.")
    return int(text)


def info() -> dict[str, Any]:
    """What the kernels are on this machine.

    Returns:
        ``available`` (in use or not), ``isa`` (the instruction set in use, or None), ``supported`` (those
        this processor runs, best first), ``threads``, ``compiler``, ``why_not`` (None when available) and ``winograd``
        (see `set_winograd`; 0 without kernels).

    >>> sorted(info())
    ['available', 'compiler', 'isa', 'supported', 'threads', 'why_not', 'winograd']
    """
    module = native
    if module is None:
        reason = _why_not if _loaded is None else "switched off inside neurona.kernels.disabled()"
        return {
            "available": False,
            "isa": None,
            "supported": () if _loaded is None else _loaded.supported(),
            "threads": 1,
            "compiler": None,
            "why_not": reason,
            "winograd": 0,
        }
    return {
        "available": True,
        "isa": module.current(),
        "supported": module.supported(),
        "threads": module.get_threads(),
        "compiler": module.compiler,
        "why_not": None,
        "winograd": module.get_winograd(),
    }


def set_num_threads(n: int) -> None:
    """Let the kernels use `n` threads from now on, the calling one included; results stay the same bit for
    bit.

    Raises:
        ArgumentError: `n` is not a whole number from 1.
    """
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise ArgumentError(f"Expected a whole number of threads from 1. Received: {n!r}.")
    if _loaded is not None:
        _loaded.set_threads(n)


def get_num_threads() -> int:
    """The number of threads that the kernels use; 1 without kernels."""
    return 1 if _loaded is None else int(_loaded.get_threads())


_IDLE = 256 << 20


def trim() -> None:
    """Hand memory that the kernels keep for their next arrays back to the system, if it is more than 256 MB."""
    if _loaded is not None and _loaded.shelf_bytes() > _IDLE:
        _loaded.shelf_clear()


def set_winograd(tile: int) -> None:
    """Choose how 3x3 convolutions of stride 1 trade accuracy for speed, for the whole process.

    Winograd's algorithm computes a tile of outputs with fewer multiplications and rounds more: the largest
    error, relative to the outputs' root mean square, is about 5e-5 with tiles of 4, 3e-6 with tiles of 2, and
    2e-6 for the direct sum.

    Args:
        tile: the largest tile allowed: 4 (a quarter of the multiplications), 2 (four ninths), or 0 (the direct sum).

    Raises:
        ArgumentError: another tile.

    Source: Lavin & Gray, "Fast Algorithms for Convolutional Neural Networks" (CVPR 2016).
    """
    if isinstance(tile, bool) or not isinstance(tile, int) or tile not in (0, 2, 4):
        raise ArgumentError(f"Expected a Winograd tile of 4, 2 or 0. Received: {tile!r}.")
    if _loaded is not None:
        _loaded.set_winograd(tile)


def get_winograd() -> int:
    """The largest Winograd tile allowed: 4, 2 or 0; 0 without kernels."""
    return 0 if _loaded is None else int(_loaded.get_winograd())


_switch = threading.Lock()
_nested = 0


@contextmanager
def disabled() -> Iterator[None]:
    """Inside the block, the whole process computes with NumPy alone: to compare the two paths.

    >>> from neurona import kernels
    >>> with kernels.disabled():
    ...     print(kernels.native)
    None
    """
    global native, _nested
    with _switch:
        _nested += 1
        native = None
    try:
        yield
    finally:
        with _switch:
            _nested -= 1
            if _nested == 0:
                native = _loaded


_load()
