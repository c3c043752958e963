"""Progbar: a bar for a user's own training loop."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from typing import Any

import numpy as np

from neurona.errors import ArgumentError
from neurona.training.callbacks.progress import format_metrics, format_seconds

__all__ = ["Progbar"]


class Progbar:
    """A bar on standard output, with the means of what it is told.

    Args:
        target: how many steps there will be; None where nobody knows.
        width: of the bar, in letters.
        verbose: 0 silent, 1 a moving bar, 2 a line at the end.
        interval: seconds between two drawings, at least.
        stateful_metrics: names of values that are shown as they came last, not as means.
        stateless_metrics: names of those that are shown as means, when it is the exceptions that are to be named.
        unit_name: what a step is called.

    Raises:
        ArgumentError: both lists of metrics are given.

    >>> bar = Progbar(2, verbose=2)
    >>> bar.add(1, [("loss", 3.0)])
    >>> bar.add(1, [("loss", 1.0)])  # doctest: +ELLIPSIS
    2/2 - ... - loss: 2.0000
    """

    def __init__(
        self,
        target: int | None,
        width: int = 20,
        verbose: int = 1,
        interval: float = 0.05,
        stateful_metrics: Iterable[str] | None = None,
        stateless_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ) -> None:
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ArgumentError(
                "Only one of `stateful_metrics` or `stateless_metrics` can be provided. "
                f"Received: stateful_metrics={stateful_metrics}, stateless_metrics={stateless_metrics}."
            )
        self.target, self.width, self.verbose, self.interval, self.unit_name = (
            target,
            width,
            verbose,
            interval,
            unit_name,
        )
        self._as_they_are = set(stateful_metrics or ())
        self._means = None if stateless_metrics is None else set(stateless_metrics)
        self._sums: dict[str, list[float]] = {}  # the sum and its weight, by name
        self._seen, self._drawn = 0, 0.0
        self._start = time.monotonic()

    def update(
        self, current: int, values: Iterable[tuple[str, Any]] | None = None, finalize: bool | None = None
    ) -> None:
        """Show that step `current` is done.

        Args:
            current: its number, from 1.
            values: pairs of a name and the value at this step.
            finalize: whether it is the last; by default when `current` reaches the target.
        """
        last = (self.target is not None and current >= self.target) if finalize is None else finalize
        weight = max(current - self._seen, 1)
        for name, value in values or ():
            number = float(np.mean(np.asarray(value)))
            mean = name not in self._as_they_are if self._means is None else name in self._means
            if mean and name in self._sums:
                self._sums[name][0] += number * weight
                self._sums[name][1] += weight
            else:
                self._sums[name] = [number * weight, weight] if mean else [number, 1]
        self._seen = current
        now = time.monotonic()
        if self.verbose == 1 and (last or now - self._drawn >= self.interval):
            self._drawn = now
            sys.stdout.write(f"\r{self._line(current, now, bar=True)}{chr(10) if last else ''}")
            sys.stdout.flush()
        elif self.verbose == 2 and last:
            print(self._line(current, now, bar=False))

    def add(self, n: int, values: Iterable[tuple[str, Any]] | None = None) -> None:
        """Show that `n` more steps are done."""
        self.update(self._seen + n, values)

    def _line(self, current: int, now: float, bar: bool) -> str:
        done = f"{current}/{self.target}" if self.target else f"{current}/Unknown"
        if bar and self.target:
            full = min(self.width * current // self.target, self.width)
            done += f" {'━' * full}{'╌' * (self.width - full)}"
        spent = now - self._start
        rate = f"{format_seconds(spent / max(current, 1))}/{self.unit_name}"
        shown = format_metrics({name: total / weight for name, (total, weight) in self._sums.items()})
        return " - ".join(part for part in (done, f"{format_seconds(spent)} {rate}", shown) if part)
