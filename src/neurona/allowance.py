"""How much a stranger's configuration may allocate while it is made into a model.

``Dense(units=10**9)`` is a few bytes of a file and four gigabytes of memory. Who makes objects from a file sets a limit;
those who are about to allocate ask first. Outside of `limited` nothing is limited: a program may do what it likes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock
from typing import Any

from neurona.errors import UnsafeFileError

__all__ = ["Allowance", "ask_array", "ask_settings", "ask_step", "ask_variable", "current", "limited"]

MOST_STEPS = 500_000  # calls of ops and layers; models within models, each called twice, double them at every level
MOST_NUMBERS = 1 << 27  # in one array that only tells shapes: three pictures of 1024 x 1024 in 42 channels


class Allowance:
    """What may still be allocated.

    Args:
        weights: bytes of all variables together.
    """

    def __init__(self, weights: int) -> None:
        self.weights, self.steps = weights, MOST_STEPS


_current: ContextVar[Allowance | None] = ContextVar("allowance", default=None)
_counting = Lock()
in_force = 0  # how many limits there are in all threads: ops, which are called most, look here first

# Ops whose settings alone can make something large, or long, of nothing; and how many times they count.
_MAKERS = {
    **dict.fromkeys(
        [
            "adaptive_average", "adaptive_max", "arange", "beta", "bincount", "binomial", "box_masks", "broadcast_to",
            "categorical", "confusion_matrix", "ctc_decode", "empty", "equalized", "full", "gamma", "geomspace", "hashed_cross",
            "histogram", "istft", "linspace", "logspace", "multi_hot", "normal", "one_hot", "ones", "pad", "permutation",
            "randint", "repeat", "resampled", "scatter", "segment_max", "segment_sum", "standard_normal", "stft", "tile",
            "truncated_normal", "uniform", "unique", "weighted_count", "window", "zeros",
        ],
        1,
    ),
    **dict.fromkeys(["eye", "identity", "tri", "vander"], 2),
    "diff": 4,  # a pass over the array for each
}  # fmt: skip


# Ops that make of n numbers a table of n rows, and those that take n * n * n steps for it.
_SPREADING = frozenset(["diag", "diagflat", "outer", "vander"])
_CUBIC = frozenset(
    [
        "cholesky",
        "det",
        "eig",
        "eigh",
        "inv",
        "lstsq",
        "lu_factor",
        "matrix_rank",
        "pinv",
        "qr",
        "slogdet",
        "solve",
        "svd",
    ]
)


def current() -> Allowance | None:
    """The limit in force, if there is one."""
    return _current.get()


@contextmanager
def limited(weights: int) -> Iterator[None]:
    """Within this context variables may take `weights` bytes, and arrays that only tell shapes `MOST_NUMBERS` numbers.

    >>> with limited(1000):
    ...     ask_variable((10, 10**9), 4)
    Traceback (most recent call last):
    ...
    neurona.errors.UnsafeFileError: This file asks for a weight of shape (10, 1000000000), which is more than the \
weights that it holds.
    """
    global in_force
    token = _current.set(Allowance(weights))
    with _counting:
        in_force += 1
    try:
        yield
    finally:
        with _counting:
            in_force -= 1
        _current.reset(token)


def ask_variable(shape: Iterable[int | None], itemsize: int) -> None:
    """Count a variable that is about to be made.

    Raises:
        UnsafeFileError: it is more than the limit in force leaves.
    """
    allowance = _current.get()
    if allowance is not None:
        shape = tuple(shape)
        allowance.weights -= math.prod(max(int(n or 0), 0) for n in shape) * itemsize
        if allowance.weights < 0:
            raise UnsafeFileError(
                f"This file asks for a weight of shape {shape}, which is more than the weights that it holds."
            )


def ask_step() -> None:
    """Count a call of an op or a layer.

    Raises:
        UnsafeFileError: there were more than `MOST_STEPS` under the limit in force.
    """
    allowance = _current.get()
    if allowance is not None:
        allowance.steps -= 1
        if allowance.steps < 0:
            raise UnsafeFileError(f"This file asks for more than {MOST_STEPS} calls before its model can be used.")


def ask_array(shape: Iterable[int | None], what: Any = "an array") -> None:
    """Check an array that is about to be made, or its like with a real batch in place of an empty or open axis.

    Raises:
        UnsafeFileError: there is a limit in force, and it is beyond.
    """
    if _current.get() is not None:
        shape = tuple(shape)
        if math.prod(int(n or 3) for n in shape) > MOST_NUMBERS:
            raise UnsafeFileError(f"This file asks for {what} of shape {shape}, more than {MOST_NUMBERS} numbers.")


def ask_settings(op: str, settings: Any) -> None:
    """Check the settings of a call, if it is one of those that could make something large of nothing.

    Args:
        op: its name.
        settings: numbers and arrays, nested at will; what is neither does not count.
    """
    if _current.get() is None:
        return
    told = f"the result of {op}"
    shapes = list(_shapes(settings))
    if op in _SPREADING and shapes:
        ask_array([math.prod(shape) for shape in (shapes * 2)[: max(2, len(shapes))]], told)
    if op in _CUBIC:
        for shape in shapes:
            ask_array((*shape[-2:], *shape[-1:]), told)
    times = _MAKERS.get(op.lstrip("_"), 0)
    if times:
        numbers = [max(abs(n), 1) for n in _numbers(settings)]
        ask_array([int(min(n, 1e18)) for n in numbers] * times, told)


def _numbers(settings: Any) -> Iterator[float]:
    if isinstance(settings, dict):
        settings = settings.values()
    elif isinstance(settings, (int, float)):
        yield settings if settings == settings else 0  # not a number counts for none
        return
    elif not isinstance(settings, (list, tuple)):
        return
    for item in settings:
        yield from _numbers(item)


def _shapes(settings: Any) -> Iterator[tuple[int, ...]]:
    if isinstance(settings, dict):
        settings = settings.values()
    elif hasattr(settings, "shape"):
        yield tuple(settings.shape)
        return
    elif not isinstance(settings, (list, tuple)):
        return
    for item in settings:
        yield from _shapes(item)
