"""The figures of what a recurrent network carries from word to word, as PNG files, in the language in force.

Words stand along the figure as they are read by a person, in as many lines as they need. Numbers with a sign are drawn
from blue (below zero) over white (zero) to orange (above zero). Leans on `neurona.report.canvas`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neurona.i18n import _
from neurona.report.canvas import BLACK, BLUE, GREY, ORANGE, PALE, Axes, Canvas, Colour, round_ticks
from neurona.report.seen import signed
from neurona.tensor import Array

__all__ = ["Label", "draw_gates", "draw_states", "draw_verdicts", "gate_names"]

_WIDTH = 990
_LEFT, _RIGHT = 50, 76
_NARROW, _WIDE = 16.0, 44.0  # pixels for a word: at least the height of its letters
_A_LINE = int((_WIDTH - _LEFT - _RIGHT) / _NARROW)
_ABOVE = 84.0  # room for turned words
_MOST_LINES = 10  # of words in one figure
_ROW = 11.0
_ROUND = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)  # the ends of axes

# Okabe & Ito (2008), beside blue and orange
GREEN, PINK, SKY = (0x00, 0x9E, 0x73), (0xCC, 0x79, 0xA7), (0x56, 0xB4, 0xE9)


@dataclass(frozen=True)
class Label:
    """A word along a figure; pale if the network does not know it; with a gap before it where words were left out."""

    text: str
    known: bool = True
    gap: bool = False


def _across(count: int) -> float:
    """How many pixels a word has in a figure of so many: whole ones, so that cells lie under their words."""
    return min(_WIDE, max(_NARROW, (_WIDTH - _LEFT - _RIGHT) // max(1, count)))


def _finite(values: Array) -> Array:
    """Values fit to be drawn: 0 where they are no numbers."""
    return np.asarray(np.nan_to_num(np.asarray(values, "float64"), nan=0.0, posinf=0.0, neginf=0.0))


def gate_names() -> dict[str, str]:
    """What the gates are called in the language in force."""
    return {
        "input": _("input gate"),
        "forget": _("forget gate"),
        "output": _("output gate"),
        "update": _("update gate"),
        "reset": _("reset gate"),
        "candidate": _("candidate"),
        "cell": _("cell"),
        "state": _("state"),
    }


_COLOURS: dict[str, Colour] = {
    "input": GREEN, "forget": BLUE, "output": ORANGE, "update": BLUE, "reset": ORANGE,
    "candidate": PINK, "cell": SKY, "state": BLACK,
}  # fmt: skip


def draw_states(
    labels: Sequence[Label], values: Array, units: Sequence[int], shares: Array, classes: Sequence[str], path: Path
) -> Path:
    """A map of words and units.

    Args:
        labels: the words, T of them.
        values: of all units, (T, U).
        units: which ones are drawn, from top to bottom.
        shares: how far each of all units moved the log-odds of the second class, (U,); drawn at the right.
        classes: the two names.
    """
    lines = min(_MOST_LINES, max(1, -(-len(labels) // _A_LINE)))
    side, word = _ROW * len(units), _across(len(labels))
    height = _ABOVE + side + 16
    canvas = Canvas(_WIDTH, round(34 + height * lines))
    shown = _finite(values)[: lines * _A_LINE, list(units)].T  # (units, words)
    most = float(np.quantile(np.abs(shown), 0.99)) if shown.size else 0.0
    _scale(canvas, _LEFT + word * min(_A_LINE, len(labels)), most or float(np.abs(shown).max(initial=0)) or 1.0)
    bars = shares if np.abs(shares).max(initial=0) > 0 else None
    for line in range(lines):
        top = 34 + line * height + _ABOVE
        here = labels[line * _A_LINE : (line + 1) * _A_LINE]
        _words(canvas, here, _LEFT, top - 5, word)
        _unit_numbers(canvas, units, top)
        right = _LEFT + word * len(here)
        part = shown[:, line * _A_LINE : line * _A_LINE + len(here)]
        canvas.picture(
            np.repeat(np.repeat(signed(part, most or None), round(_ROW), axis=0), round(word), axis=1),
            (_LEFT, top, right, top + side),
        )
        canvas.box((_LEFT - 1, top - 1, right + 1, top + side + 1), edge=PALE)
        _gaps(canvas, here, top, top + side, word)
        if bars is not None and line == 0:
            _share_bars(canvas, units, bars, classes, right + 8, top)
    return canvas.save(path)


def _scale(canvas: Canvas, right: float, most: float) -> None:
    """The colours and what they stand for, at the upper right."""
    right, y = max(right, _LEFT + 220.0), 6
    strip = signed(np.linspace(-1, 1, 61)[np.newaxis].repeat(6, axis=0))
    canvas.picture(strip, (right - 160, y, right - 40, y + 12))
    canvas.text(right - 166, y + 6, f"-{most:.2g}", 11, GREY, "right")
    canvas.text(right - 34, y + 6, f"+{most:.2g}", 11, GREY)
    canvas.text(right - 100, y + 20, "0", 10, GREY, "middle")


def _words(canvas: Canvas, labels: Sequence[Label], left: float, bottom: float, word: float) -> None:
    """Words above a field, written upwards."""
    for k, label in enumerate(labels):
        colour = BLACK if label.known else (0xA0, 0xA0, 0xA0)
        canvas.text(left + word * (k + 0.5), bottom, label.text, 11, colour, "left", most=_ABOVE - 12, turn=90)


def _gaps(canvas: Canvas, labels: Sequence[Label], top: float, bottom: float, word: float) -> None:
    for k, label in enumerate(labels):
        if label.gap:
            x = _LEFT + word * k
            canvas.line([(x, top - 8), (x, bottom + 6)], BLACK, 1.5, dash=4)


def _unit_numbers(canvas: Canvas, units: Sequence[int], top: float) -> None:
    for row, unit in enumerate(units):
        canvas.text(_LEFT - 6, top + _ROW * (row + 0.5), str(unit), 9, GREY, "right")


def _share_bars(
    canvas: Canvas, units: Sequence[int], shares: Array, classes: Sequence[str], left: float, top: float
) -> None:
    """How far each unit moved the answer: to the right for the second class, to the left for the first."""
    most = float(np.abs(shares[list(units)]).max(initial=0)) or 1.0
    half = 26.0
    middle = left + half
    canvas.line([(middle, top), (middle, top + _ROW * len(units))], GREY)
    for row, unit in enumerate(units):
        end = middle + half * float(shares[unit]) / most
        y = top + _ROW * row
        canvas.box((min(middle, end), y + 2, max(middle, end), y + _ROW - 2), GREY)
    canvas.text(middle - 9, top - 5, f"« {classes[0]}", 10, GREY, "left", most=_ABOVE - 6, turn=90)
    canvas.text(middle + 9, top - 5, f"{classes[1]} »", 10, GREY, "left", most=_ABOVE - 6, turn=90)


def stretch(values: Array, most: int = _A_LINE) -> slice:
    """The `most` words in a row in which the units move most, of values (T, U).

    >>> stretch(np.array([[0.0], [0.0], [0.0], [1.0], [0.0]]), 2)
    slice(3, 5, None)
    """
    if len(values) <= most:
        return slice(0, len(values))
    moved = np.abs(np.diff(values, axis=0, prepend=values[:1])).sum(axis=1)
    sums = np.concatenate([[0.0], np.cumsum(moved)])
    start = int(np.argmax(sums[most:] - sums[:-most]))
    return slice(start, start + most)


def draw_gates(
    labels: Sequence[Label], lines: Mapping[str, Array], units: Sequence[tuple[int, str]], path: Path
) -> Path:
    """Gates, candidate, cell and state of some units over the words; of a long text the stretch where they move most.

    Args:
        labels: the words, T of them.
        lines: by the names of `gate_names`, each (T, U).
        units: the numbers of units, each with what stands above it.
    """
    numbers = [number for number, _title in units]
    part = stretch(_finite(lines["state"][:, numbers]))
    here = labels[part]
    word = _across(len(here))
    right = _LEFT + word * max(len(here), 10)
    gates = [name for name in ("input", "forget", "output", "update", "reset") if name in lines]
    others = [name for name in ("candidate", "cell", "state") if name in lines]
    groups = [(names, low, high) for names, low, high in ((gates, 0.0, 1.0), (others, -1.0, 0.25)) if names]
    tall, gap, above = 74.0, 12.0, 28.0
    each = above + len(groups) * (tall + gap) + 10
    canvas = Canvas(_WIDTH, round(_ABOVE + 8 + 14 + each * len(units)))
    _words(canvas, here, _LEFT, _ABOVE, word)
    named = gate_names()
    for row, (number, title) in enumerate(units):
        y = _ABOVE + 8 + row * each
        entries = [(named[name], _COLOURS[name], False) for names, _low, _high in groups for name in names]
        room = sum(canvas.room([name], 11) + 48 for name, _colour, _dashed in entries)
        beside = canvas.text(_LEFT, y + above / 2, title, 13, most=max(160.0, _WIDTH - 20 - _LEFT - room))
        canvas.legend(min(_WIDTH - 20, max(right, _LEFT + beside + room)), y + above / 2, entries, 11)
        top = y + above
        for names, low, high in groups:
            values = {name: _finite(lines[name][part, number]) for name in names}
            most = max([high, *(float(np.abs(v).max(initial=0)) for v in values.values())])
            largest = next((step for step in _ROUND if step >= most), most)
            lowest = -largest if low < 0 else 0.0
            axes = Axes(canvas, (_LEFT, top, right, top + tall), (0, max(len(here), 10)), (lowest, largest))
            axes.frame([], [(tick, f"{tick:g}") for tick in (lowest, (lowest + largest) / 2, largest)])
            for k, label in enumerate(here):
                x = axes.at(k + 0.5, 0)[0]
                canvas.line([(x, top), (x, top + tall - 1)], (0xF2, 0xF2, 0xF2))
                if label.gap:
                    edge = axes.at(k, 0)[0]
                    canvas.line([(edge, top), (edge, top + tall)], BLACK, 1.5, dash=4)
            for name in names:
                axes.curve([k + 0.5 for k in range(len(here))], values[name].tolist(), _COLOURS[name], marker=1.8)
            top += tall + gap
    return canvas.save(path)


def draw_verdicts(
    labels: Sequence[Label], places: Sequence[int], probabilities: Array, classes: Sequence[str], path: Path
) -> Path:
    """What the network would say if the text ended after each word.

    Args:
        labels: the words, T of them.
        places: after which words it was asked.
        probabilities: of the second class, one for each place.
        classes: the two names.
    """
    short = len(labels) <= _A_LINE
    above, tall = (_ABOVE + 8 if short else 62.0), 190.0
    canvas = Canvas(_WIDTH, round(above + tall + (20 if short else 50)))
    word = _across(len(labels))
    wide = word * max(len(labels), 10) if short else _WIDTH - _LEFT - 24
    left = _LEFT + 6
    axes = Axes(canvas, (left, above, left + wide, above + tall), (0, max(len(labels), 10)), (0, 1))
    ticks = [] if short else [(v, f"{v:.0f}") for v in round_ticks(0, len(labels), most=10, whole=True)]
    axes.frame(ticks, [(k / 4, f"{25 * k}%") for k in range(5)], "" if short else _("words read"))
    canvas.line([axes.at(0, 0.5), axes.at(axes.x[1], 0.5)], GREY, 1.5, dash=5)
    xs = [place + 0.5 for place in places]
    axes.curve(xs, np.asarray(probabilities, "float64").tolist(), BLUE, marker=2.6 if short else 1.2)
    canvas.text(left + 6, above + 10, classes[1], 11, GREY)
    canvas.text(left + 6, above + tall - 10, classes[0], 11, GREY)
    for k, label in enumerate(labels):
        if label.gap:
            canvas.line([axes.at(k, 0), axes.at(k, 1)], BLACK, 1.5, dash=4)
    if short:
        _words(canvas, labels, left, above - 6, word)
    else:
        _jumps(canvas, axes, labels, places, np.asarray(probabilities, "float64"))
    return canvas.save(path)


def _jumps(canvas: Canvas, axes: Axes, labels: Sequence[Label], places: Sequence[int], p: Array) -> None:
    """The words of a long text after which the answer changes most, above the curve."""
    taken: list[float] = []
    for k in (np.argsort(-np.abs(np.diff(p)), kind="stable") + 1).tolist():
        x = axes.at(places[k] + 0.5, 1)[0]
        if len(taken) < 12 and all(abs(x - other) >= _NARROW for other in taken):
            taken.append(x)
            colour = BLUE if p[k] > p[k - 1] else ORANGE
            canvas.line([(x, axes.box[1] - 4), axes.at(places[k] + 0.5, float(p[k]))], PALE)
            canvas.text(x, axes.box[1] - 6, labels[places[k]].text, 11, colour, "left", most=54, turn=90)
