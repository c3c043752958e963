"""The figures of a run, as PNG files, in the language in force. Leans on `neurona.report.canvas`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from neurona.i18n import _
from neurona.report.canvas import BLACK, BLUE, GREY, ORANGE, WHITE, Axes, Canvas, Colour, round_ticks, tick_label
from neurona.tensor import Array

__all__ = ["draw_calibration", "draw_confusion", "draw_curves", "draw_mistakes", "draw_prediction"]

_LONGEST = 150  # pixels for the name of a class beside an axis


def draw_curves(history: dict[str, list[float]], path: Path) -> Path:
    """Loss and accuracy over the epochs, for training and validation."""
    canvas = Canvas(990, 374)
    for left, name, title in ((0, "loss", _("Loss")), (495, "accuracy", _("Accuracy"))):
        lines = [
            (np.asarray(history[key], "float64"), colour, label)
            for key, colour, label in ((name, BLUE, _("training")), (f"val_{name}", ORANGE, _("validation")))
            if key in history
        ]
        epochs = max([1, *(len(values) for values, _colour, _label in lines)])
        beside = 0.5 if epochs == 1 else 0.03 * (epochs - 1)
        y = _limits([values for values, _colour, _label in lines])
        axes = Axes(canvas, (left + 64, 44, left + 477, 322), (1 - beside, epochs + beside), y)
        x_ticks, y_ticks = round_ticks(*axes.x, most=8, whole=True), round_ticks(*y, most=7)
        axes.frame(
            [(tick, f"{tick:.0f}") for tick in x_ticks],
            [(tick, tick_label(tick, y_ticks)) for tick in y_ticks],
            _("epoch"),
        )
        for values, colour, _label in lines:
            axes.curve(range(1, len(values) + 1), values.tolist(), colour, marker=3 if epochs <= 60 else 1)
        canvas.text(left + 64, 22, title, 15)
        canvas.legend(left + 477, 22, [(label, colour, False) for _values, colour, label in lines])
    return canvas.save(path)


def _limits(lines: list[Array]) -> tuple[float, float]:
    """The values to show: all that are finite, and a little air."""
    values = np.concatenate([*lines, np.empty(0)])
    values = values[np.isfinite(values)]
    if not values.size:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    air = 0.06 * (high - low) if high - low > 1e-9 * max(abs(low), abs(high)) else 0.1 * abs(high) or 0.5
    return low - air, high + air


def draw_confusion(table: list[list[int]], classes: list[str], path: Path) -> Path:
    """Which class was taken for which, as shares of each true class."""
    counts = np.asarray(table, "int64")
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    room = Canvas.room(classes, 12, _LONGEST)
    field, left, top = 540, round(room) + 44, 12
    below = round(0.75 * room) + 54
    canvas = Canvas(left + field + 24, top + field + below)
    side = field / max(1, len(classes))
    for i, j in np.ndindex(counts.shape):
        x, y = left + j * side, top + i * side
        colour = _blue(float(shares[i, j]))
        canvas.box((x, y, x + side - 1, y + side - 1), colour)
        if counts[i, j]:
            number = str(counts[i, j])
            size = min(13, 1.4 * side / len(number), side / 2)
            ink = WHITE if shares[i, j] > 0.7 else BLACK
            canvas.text(x + side / 2, y + side / 2, number, size, ink, "middle")
    for k, name in enumerate(classes):
        middle = (k + 0.5) * side
        canvas.text(left - 8, top + middle, name, 12, across="right", most=room)
        if room <= side - 4:  # short names need not be turned
            canvas.text(left + middle, top + field + 12, name, 12, across="middle")
        else:
            canvas.text(left + middle + 4, top + field + 9, name, 12, across="right", most=room, turn=45)
    canvas.text(16, top + field / 2, _("truth"), 13, across="middle", turn=90)
    canvas.text(left + field / 2, canvas.height - 14, _("the network's answer"), 13, across="middle")
    return canvas.save(path)


def _blue(share: float) -> Colour:
    """From nearly white for 0 to dark blue for 1."""
    stops = [(244, 248, 252), (104, 172, 214), (0, 70, 128)]
    red, green, blue = (round(float(np.interp(share, [0, 0.5, 1], channel))) for channel in zip(*stops, strict=True))
    return red, green, blue


def draw_calibration(bins: list[dict[str, float]], path: Path) -> Path:
    """How often the network is right when it is so sure."""
    canvas = Canvas(506, 506)
    axes = Axes(canvas, (78, 44, 486, 452), (0, 1), (0, 1))
    ticks = [(k / 5, f"{20 * k}%") for k in range(6)]
    axes.frame(ticks, ticks, _("how sure it is"), _("how often it is right"))
    canvas.line([axes.at(0, 0), axes.at(1, 1)], GREY, 1.5, dash=5)
    axes.curve([b["confidence"] for b in bins], [b["accuracy"] for b in bins], BLUE, marker=4)
    canvas.legend(486, 22, [(_("exactly as sure as right"), GREY, True), (_("network"), BLUE, False)])
    return canvas.save(path)


def draw_mistakes(
    pictures: Array, truth: Array, probabilities: Array, classes: list[str], path: Path, most: int = 24
) -> Path:
    """The mistakes of which the network was surest; a sentence if there is none."""
    said = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(said != truth)
    wrong = wrong[np.argsort(-probabilities[wrong, said[wrong]], kind="stable")][:most]
    columns = min(8, max(3, len(wrong)))
    width, height, side = 136, 164, 112
    canvas = Canvas(columns * width, 10 + height * max(1, -(-len(wrong) // columns)))
    if not len(wrong):
        canvas.text(canvas.width / 2, canvas.height / 2, _("No mistakes."), 14, GREY, "middle")
    for k, i in enumerate(wrong):
        middle, top = (k % columns + 0.5) * width, 10 + k // columns * height
        share = f" {probabilities[i, said[i]]:.0%}"
        name = classes[said[i]]
        room = canvas.room([share], 12)
        start = middle - (room + canvas.room([name], 12, width - 10 - room)) / 2
        start += canvas.text(start, top + 8, name, 12, most=width - 10 - room)
        canvas.text(start, top + 8, share, 12)
        canvas.text(middle, top + 25, f"({classes[int(truth[i])]})", 12, GREY, "middle", most=width - 10)
        canvas.picture(pictures[i], (middle - side / 2, top + 37, middle + side / 2, top + 37 + side))
    return canvas.save(path)


def draw_prediction(prepared: Any, ranked: list[tuple[str, float]], title: str, path: Path) -> Path:
    """A picture, what the network was given, and its likeliest answers."""
    canvas = Canvas(990, 330)
    canvas.text(155, 22, title, 13, across="middle", most=290)
    canvas.text(461, 22, _("what the network sees"), 13, across="middle", most=290)
    left, top, right, bottom = canvas.picture(prepared.original, (15, 40, 295, 320))
    height, width = prepared.original.shape[:2]
    x, y = (right - left) / width, (bottom - top) / height
    cut = prepared.box
    canvas.box((left + cut[0] * x, top + cut[1] * y, left + cut[2] * x, top + cut[3] * y), edge=ORANGE, width=2)
    canvas.picture(prepared.pixels, (321, 40, 601, 320))
    start = 630 + canvas.room([name for name, _share in ranked], 13, 120)
    axes = Axes(canvas, (start, 40, 925, 296), (0, 1), (max(1, len(ranked)), 0))
    axes.frame([(0, "0%"), (0.5, "50%"), (1, "100%")], [], grid=False)
    for k, (name, share) in enumerate(ranked):
        bar = (*axes.at(0, k + 0.15), *axes.at(float(np.nan_to_num(share)), k + 0.85))
        canvas.box(bar, BLUE)
        middle = (bar[1] + bar[3]) / 2
        canvas.text(start - 8, middle, name, 13, across="right", most=120)
        canvas.text(bar[2] + 7, middle, f"{share:.1%}", 13)
    return canvas.save(path)
