"""What was measured, kept as JSON; medians, ratios and tables made from it."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from neurona.bench.peers import ENGINES
from neurona.errors import DamagedDataError
from neurona.saving.atomic import atomic_file

__all__ = ["GOALS", "Measurement", "Results", "goal_of", "in_markdown", "short"]

VERSION = 1

#: How many times faster than the fastest peer we mean to be: line -> subject -> factor.
GOALS: dict[str, dict[str, float]] = {
    "step": {
        "dnn-small": 2.5, "dnn-deep": 1.8, "mnist-cnn": 3.6, "cifar-cnn": 2.3, "vgg-bn": 2.0, "lstm": 3.6, "bilstm": 2.3,
        "gru": 2.0, "transformer": 1.3,
    },
    "import": {"package": 5.0},
}  # fmt: skip
#: The same for all subjects of a line. Memory and size: the least of all.
GOALS_OF_LINES = {"first step": 10.0, "memory": 1.0, "size": 1.0}


@dataclass(frozen=True)
class Measurement:
    """One thing measured, once in each round.

    Attributes:
        line: what was measured: "step", "memory", "predict", "call", "import", "first step", "size", "until", "growth".
        subject: on what, such as a network's name.
        engine: a key of `ENGINES`.
        way: the engine's variant, or how it was called.
        unit: "ms", "s" or "MB".
        values: one for each round.
        facts: what else is known, such as the loss.
    """

    line: str
    subject: str
    engine: str
    way: str
    unit: str
    values: list[float]
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def spread(self) -> tuple[float, float]:
        """The least and the most."""
        return min(self.values), max(self.values)


@dataclass
class Results:
    """All of one run of the benchmark."""

    machine: dict[str, Any]
    date: str
    threads: int
    rounds: int
    versions: dict[str, str] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    measurements: list[Measurement] = field(default_factory=list)

    # -- keeping ----------------------------------------------------------------------------------------------

    def save(self, path: Path) -> Path:
        """Write them as JSON, whole or not at all."""
        with atomic_file(path) as stream:
            stream.write((json.dumps({"version": VERSION, **asdict(self)}, indent=1) + "\n").encode())
        return path

    @classmethod
    def load(cls, path: Path) -> Results:
        """Read what `save` wrote."""
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.pop("version", None) != VERSION:
            raise DamagedDataError(f"Expected results of version {VERSION}. Received: {path}.")
        measurements = [Measurement(**one) for one in content.pop("measurements")]
        return cls(**content, measurements=measurements)

    # -- asking -----------------------------------------------------------------------------------------------

    def lines(self) -> list[str]:
        """The lines in the order in which they were first measured."""
        return list(dict.fromkeys(one.line for one in self.measurements))

    def subjects(self, line: str) -> list[str]:
        return list(dict.fromkeys(one.subject for one in self.measurements if one.line == line))

    def best(self, line: str, subject: str, engine: str) -> Measurement | None:
        """An engine's fastest way, by its median."""
        same = [one for one in self.measurements if (one.line, one.subject, one.engine) == (line, subject, engine)]
        return min(same, key=lambda one: one.median, default=None)

    def best_peer(self, line: str, subject: str) -> Measurement | None:
        """The fastest of the others."""
        found = [self.best(line, subject, engine) for engine in ENGINES if engine != "neurona"]
        return min((one for one in found if one is not None), key=lambda one: one.median, default=None)

    def ratio(self, line: str, subject: str) -> float | None:
        """How many times faster (or smaller) than the best peer we are."""
        ours, peer = self.best(line, subject, "neurona"), self.best_peer(line, subject)
        return None if ours is None or peer is None else peer.median / ours.median

    # -- telling ----------------------------------------------------------------------------------------------

    def table(self, line: str) -> list[list[str]]:
        """Head and rows: the subject, each engine's median (least to most), how many times faster we are, and the goal."""
        engines = [name for name in ENGINES if any(self.best(line, s, name) for s in self.subjects(line))]
        units = {one.unit for one in self.measurements if one.line == line}
        rows = [[f"{line}, {'/'.join(sorted(units))}", *(ENGINES[name].title for name in engines), "ratio", "goal"]]
        for subject in self.subjects(line):
            ratio, goal = self.ratio(line, subject), goal_of(line, subject)
            rows.append(
                [subject]
                + [_cell(self.best(line, subject, name)) for name in engines]
                + ["" if ratio is None else f"{ratio:.2f}", "" if goal is None else f"{goal:g}"]
            )
        return rows


def goal_of(line: str, subject: str) -> float | None:
    """How many times faster than the best peer we mean to be there."""
    return GOALS.get(line, {}).get(subject, GOALS_OF_LINES.get(line))


def _cell(one: Measurement | None) -> str:
    if one is None:
        return "-"
    low, high = one.spread
    spread = f" ({short(low)} to {short(high)})" if len(one.values) > 1 else ""
    reached = f" [{one.facts['reached']}]" if "reached" in one.facts else ""
    return short(one.median) + spread + reached


def short(value: float) -> str:
    """A number with three figures.

    >>> short(0.01234), short(12.34), short(1234.0)
    ('0.0123', '12.3', '1234')
    """
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def in_markdown(rows: Iterable[list[str]]) -> str:
    """Rows as a Markdown table, the first one its head.

    >>> print(in_markdown([["a", "b"], ["1", "2"]]))
    | a | b |
    |---|---|
    | 1 | 2 |
    """
    head, *body = ["| " + " | ".join(row) + " |" for row in rows]
    columns = head.count("|") - 1
    return "\n".join([head, "|" + "---|" * columns, *body])
