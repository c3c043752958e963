"""Cases: the inputs on which an op is checked, written next to it.

A `Case` describes arrays by their axes, so that a test can draw many sizes of it: ``Case("N C", "C")`` is a matrix
and a row that fits it. A `Failure` is a call that must fail and the text that its error must contain.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["A", "Case", "Failure"]


class A:
    """An array to draw: its axes, range and kind.

    Floats are a shuffled, evenly spaced grid, so no two are equal and none is 0: finite differences stay away from the
    kinks of max, abs or relu.

    Args:
        axes: letters (drawn sizes) and numbers (fixed ones), e.g. ``"N 3 C"``; ``""`` for no axes.
        low, high: the range; for ints `high` is left out of it.
        kind: "float", "int" or "bool".
    """

    def __init__(self, axes: str, low: float = -2.0, high: float = 2.0, kind: str = "float") -> None:
        self.axes, self.low, self.high, self.kind = axes.split(), low, high, kind

    def letters(self) -> set[str]:
        return {axis for axis in self.axes if not axis.isdigit()}

    def draw(self, rng: np.random.Generator, sizes: Mapping[str, int], dtype: str) -> npt.NDArray[Any]:
        """An array of these axes; `dtype` is the float type."""
        shape = tuple(int(axis) if axis.isdigit() else sizes[axis] for axis in self.axes)
        if self.kind == "int":
            return np.asarray(rng.integers(int(self.low), int(self.high), shape), "int32")
        if self.kind == "bool":
            return np.asarray(rng.integers(0, 2, shape), "bool")
        count = int(np.prod(shape))
        grid = (rng.permutation(count) + 0.2 + 0.6 * rng.random()) / max(count, 1)
        return np.asarray(self.low + (self.high - self.low) * grid, dtype).reshape(shape)

    def __repr__(self) -> str:
        return f"{' '.join(self.axes)}"


class Case:
    """One way to call an op: inputs first, then its attributes.

    Args:
        inputs: an `A`, or a string that is short for one; anything else is passed as it is. A list of them is
            passed as a list of arrays.
        sizes: the smallest size to draw for a letter (0 unless told: empty arrays are tried too).
        largest: the largest size to draw for a letter where a compiled twin is compared (70 unless told).
        tolerance: the error allowed in the gradient check, relative to the gradient's size.
        attributes: passed as keywords.
    """

    def __init__(
        self,
        *inputs: Any,
        sizes: Mapping[str, int] | None = None,
        largest: Mapping[str, int] | None = None,
        tolerance: float = 1e-6,
        **attributes: Any,
    ) -> None:
        self.inputs = [self._read(x) for x in inputs]
        self.smallest, self.largest = dict(sizes or {}), dict(largest or {})
        self.tolerance, self.attributes = tolerance, attributes

    @staticmethod
    def _read(x: Any) -> Any:
        if isinstance(x, str):
            return A(x)
        return [Case._read(item) for item in x] if isinstance(x, list) else x

    def letters(self) -> dict[str, int]:
        """The letters to draw sizes for, each with its smallest size."""
        found: set[str] = set()
        for x in self.inputs:
            for item in x if isinstance(x, list) else [x]:
                if isinstance(item, A):
                    found |= item.letters()
        return {letter: self.smallest.get(letter, 0) for letter in sorted(found)}

    def draw(self, rng: np.random.Generator, sizes: Mapping[str, int], dtype: str = "float64") -> list[Any]:
        """The positional arguments for these sizes of the letters."""

        def make(x: Any) -> Any:
            if isinstance(x, list):
                return [make(item) for item in x]
            return x.draw(rng, sizes, dtype) if isinstance(x, A) else x

        return [make(x) for x in self.inputs]

    def __repr__(self) -> str:
        inside = [repr(x) for x in self.inputs] + [f"{k}={v!r}" for k, v in self.attributes.items()]
        return f"Case({', '.join(inside)})"


class Failure:
    """A call that must fail.

    Args:
        inputs, attributes: as in `Case`.
        match: text that the error must contain.
        error: the class it must have; by default any of Neurona's errors.
    """

    def __init__(self, *inputs: Any, match: str, error: type[Exception] | None = None, **attributes: Any) -> None:
        self.case = Case(*inputs, **attributes)
        self.match, self.error = match, error
