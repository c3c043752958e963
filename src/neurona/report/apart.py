"""How far apart two engines were, step by step: for the terminal, the page and a figure.

Leans on `neurona.engines` (what was measured) and `neurona.report.canvas`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from neurona.engines import Distance
from neurona.i18n import _
from neurona.report.canvas import BLACK, BLUE, ORANGE, Axes, Canvas, round_ticks, tick_label

__all__ = ["draw_distances", "few", "in_words"]

_LEAST = 1e-9  # what is nearer is drawn here: a logarithm has no 0


def in_words(engine: Mapping[str, Any]) -> str:
    """The engine of a run in a few words: ``Keras 3.15.0 on tensorflow 2.21.0``."""
    if engine["name"] == "neurona":
        return "Neurona"
    keras = _("Keras {version} on {backend} {its}").format(
        version=engine.get("keras", "?"), backend=engine["backend"], its=engine.get(engine["backend"], "?")
    )
    return keras if engine["name"] == "keras" else _("Neurona beside {keras}").format(keras=keras)


def few(distances: Sequence[Distance]) -> list[list[str]]:
    """A table of some steps, 1, 2, 5, 10, 20, ... and the last, under a line of names."""
    last = distances[-1].step
    wanted = {0, last} | {digit * 10**power for power in range(8) for digit in (1, 2, 5)}
    head = [_("step"), _("loss"), _("of Keras"), _("apart"), _("outputs apart"), _("weights apart"), _("where")]
    return [head] + [
        [str(d.step), _number(d.loss, "{:.4f}"), _number(d.loss_keras, "{:.4f}"), _number(d.loss_distance),
         _number(d.outputs), _number(d.weights), d.where]
        for d in distances
        if d.step in wanted
    ]  # fmt: skip


def _number(value: float, form: str = "{:.1e}") -> str:
    return "" if math.isnan(value) else form.format(value)


def draw_distances(distances: Sequence[Distance], path: Path) -> Path:
    """The three distances by step, on a scale of powers of ten."""
    canvas = Canvas(780, 374)
    lines = [
        (BLUE, _("loss"), [d.loss_distance for d in distances]),
        (ORANGE, _("outputs"), [d.outputs for d in distances]),
        (BLACK, _("weights"), [d.weights for d in distances]),
    ]
    logs = [[math.log10(max(v, _LEAST)) if math.isfinite(v) else math.nan for v in values] for _c, _n, values in lines]
    shown = [v for values in logs for v in values if not math.isnan(v)]
    low, high = math.floor(min(shown)), math.ceil(max(shown) + 1e-9)
    high = max(high, low + 1)
    steps = [d.step for d in distances]
    axes = Axes(canvas, (74, 44, 760, 322), (0, max(1, steps[-1])), (low, high))
    x_ticks = round_ticks(*axes.x, most=8, whole=True)
    axes.frame(
        [(tick, tick_label(tick, x_ticks)) for tick in x_ticks],
        [(power, f"1e{power}") for power in range(low, high + 1)],
        _("step"),
    )
    for (colour, _name, _values), values in zip(lines, logs, strict=True):
        axes.curve(steps, values, colour, marker=2 if len(steps) <= 60 else 1)
    canvas.text(74, 22, _("Distance between the engines"), 15)
    canvas.legend(760, 22, [(name, colour, False) for colour, name, _values in lines])
    return canvas.save(path)
