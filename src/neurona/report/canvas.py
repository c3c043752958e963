"""A chart surface on Pillow: lines, boxes, pictures, texts, and axes that turn values into places.

All places and sizes are pixels of the finished picture, from its upper left corner. It is drawn larger and then reduced,
which smooths every edge. Leans on Pillow and `neurona.report.lettering`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np

from neurona.report.lettering import fitted, lettered, width_of
from neurona.saving.atomic import atomic_file
from neurona.tensor import Array

__all__ = [
    "BLACK",
    "BLUE",
    "GREY",
    "ORANGE",
    "PALE",
    "WHITE",
    "Axes",
    "Box",
    "Canvas",
    "Colour",
    "round_ticks",
    "tick_label",
]

Colour = tuple[int, int, int]
Box = tuple[float, float, float, float]  # left, top, right, bottom
Point = tuple[float, float]

# Two colours that people who confuse red and green can tell apart (Okabe & Ito, 2008).
BLUE, ORANGE = (0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00)
BLACK, GREY, PALE, WHITE = (0x1A, 0x1A, 0x1A), (0x66, 0x66, 0x66), (0xE2, 0xE2, 0xE2), (255, 255, 255)

_LARGER = 3  # by how much a drawing is larger than the finished picture
_HALF_A_CAPITAL = 0.355  # the height of the font's capitals is 0.71 of its size


class Canvas:
    """A white picture to draw on.

    Args:
        width, height: of the finished picture, in pixels.
    """

    def __init__(self, width: int, height: int) -> None:
        from PIL import Image, ImageDraw

        self.width, self.height = width, height
        self._image = Image.new("RGB", (width * _LARGER, height * _LARGER), WHITE)
        self._draw = ImageDraw.Draw(self._image)

    def line(self, points: Sequence[Point], colour: Colour, width: float = 1, dash: float = 0) -> None:
        """A line through `points`; with `dash`, in pieces of about that length."""
        for start, end in pairwise(points):
            pieces = 2 * max(1, round(math.dist(start, end) / (2 * dash))) - 1 if dash else 1
            for k in range(0, pieces, 2):
                ends = [
                    tuple(_LARGER * (a + (b - a) * part / pieces) for a, b in zip(start, end, strict=True))
                    for part in (k, k + 1)
                ]
                self._draw.line([c for p in ends for c in p], colour, max(1, round(width * _LARGER)))
        if not dash:
            for x, y in points[1:-1]:  # round off the corners, which thick lines leave open
                self.disc(x, y, width / 2, colour)

    def disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """A filled circle."""
        self._draw.ellipse([_LARGER * c for c in (x - radius, y - radius, x + radius, y + radius)], colour)

    def box(self, box: Box, fill: Colour | None = None, edge: Colour | None = None, width: float = 1) -> None:
        """A rectangle, filled or with an edge (on its inner side) or both; one without area is not drawn."""
        left, top, right, bottom = (round(_LARGER * c) for c in box)
        if right > left and bottom > top:
            self._draw.rectangle((left, top, right - 1, bottom - 1), fill, edge, max(1, round(width * _LARGER)))

    def picture(self, values: Array, box: Box) -> Box:
        """Draw grey values (H, W), or colours (H, W, 3), 0 to 255, as large as `box` allows; returns where it lies."""
        from PIL import Image

        pixels = Image.fromarray(np.clip(np.asarray(values), 0, 255).astype("uint8"))
        left, top, right, bottom = (_LARGER * c for c in box)
        scale = min((right - left) / pixels.width, (bottom - top) / pixels.height)
        width, height = (max(1, round(side * scale)) for side in pixels.size)
        x, y = round((left + right - width) / 2), round((top + bottom - height) / 2)
        # An enlarged picture shows its pixels as they are; a reduced one their averages.
        smooth = Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.LANCZOS
        self._image.paste(pixels.resize((width, height), smooth), (x, y))
        return x / _LARGER, y / _LARGER, (x + width) / _LARGER, (y + height) / _LARGER

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float = 12,
        colour: Colour = BLACK,
        across: Literal["left", "middle", "right"] = "left",
        most: float | None = None,
        turn: float = 0,
    ) -> float:
        """Write a text on one line, its capitals centred on the height `y`; returns how wide it is.

        Args:
            across: which end of the text, or its middle, lies at (x, y).
            most: the most pixels it may be wide; what is too long loses its middle.
            turn: by how many degrees to turn it about that point, against the clock.
        """
        from PIL import Image

        large = size * _LARGER
        letters = lettered(text if most is None else fitted(text, large, most * _LARGER), large)
        # The point of the text that comes to lie at (x, y), seen from the middle of its picture.
        from_left = {"left": 0.0, "middle": letters.width / 2, "right": letters.width}[across] - letters.mask.width / 2
        from_top = letters.baseline - _HALF_A_CAPITAL * large - letters.mask.height / 2
        sine, cosine = math.sin(math.radians(turn)), math.cos(math.radians(turn))
        mask = letters.mask.rotate(turn, Image.Resampling.BICUBIC, expand=True) if turn else letters.mask
        left = x * _LARGER - (from_left * cosine + from_top * sine) - mask.width / 2
        top = y * _LARGER - (from_top * cosine - from_left * sine) - mask.height / 2
        self._image.paste(colour, (round(left), round(top)), mask)
        return letters.width / _LARGER

    @staticmethod
    def room(texts: Sequence[str], size: float = 12, most: float = math.inf) -> float:
        """How many pixels wide the widest of some texts is, at most `most`."""
        return min(most, max((width_of(text, size * _LARGER) / _LARGER for text in texts), default=0.0))

    def legend(self, right: float, y: float, entries: Sequence[tuple[str, Colour, bool]], size: float = 12) -> None:
        """Names of lines, side by side, the last one ending at `right`: (name, colour, whether dashed and bare)."""
        for name, colour, dashed in reversed(entries):
            start = right - self.room([name], size)
            self.text(start, y, name, size)
            ends = [(start - 30, y), (start - 6, y)]
            self.line(ends, colour, 1.5 if dashed else 2, 4 if dashed else 0)
            if not dashed:
                self.disc(start - 18, y, 3, colour)
            right = start - 48

    def save(self, path: Path) -> Path:
        """Reduce what was drawn and write it as PNG, whole or not at all; returns `path`."""
        from PIL import Image

        finished = self._image.resize((self.width, self.height), Image.Resampling.LANCZOS)
        with atomic_file(path) as stream:
            finished.save(stream, "PNG", optimize=True)
        return path


class Axes:
    """A field of a canvas in which places stand for values.

    Args:
        canvas: what it draws on.
        box: the field.
        x, y: the values at its left and right, and at its lower and upper edge.
    """

    def __init__(self, canvas: Canvas, box: Box, x: tuple[float, float], y: tuple[float, float]) -> None:
        self.canvas, self.box, self.x, self.y = canvas, box, x, y

    def at(self, x: float, y: float) -> Point:
        """The place of a pair of values.

        >>> Axes(Canvas(100, 100), (10, 10, 90, 90), x=(0, 1), y=(0, 1)).at(0.5, 1)
        (50.0, 10.0)
        """
        left, top, right, bottom = self.box
        return (
            left + (right - left) * (x - self.x[0]) / (self.x[1] - self.x[0]),
            bottom - (bottom - top) * (y - self.y[0]) / (self.y[1] - self.y[0]),
        )

    def frame(
        self,
        x_ticks: Sequence[tuple[float, str]],
        y_ticks: Sequence[tuple[float, str]],
        x_name: str = "",
        y_name: str = "",
        grid: bool = True,
    ) -> None:
        """The two axes with their numbers, their names, and fine lines across the field."""
        left, top, right, bottom = self.box
        for value, label in x_ticks:
            x, _y = self.at(value, self.y[0])
            if grid:
                self.canvas.line([(x, top), (x, bottom)], PALE)
            self.canvas.line([(x, bottom), (x, bottom + 4)], GREY)
            self.canvas.text(x, bottom + 14, label, 11, across="middle")
        for value, label in y_ticks:
            _x, y = self.at(self.x[0], value)
            if grid:
                self.canvas.line([(left, y), (right, y)], PALE)
            self.canvas.line([(left - 4, y), (left, y)], GREY)
            self.canvas.text(left - 7, y, label, 11, across="right")
        self.canvas.line([(left, top), (left, bottom)], GREY)
        self.canvas.line([(left, bottom), (right, bottom)], GREY)
        if x_name:
            self.canvas.text((left + right) / 2, bottom + 33, x_name, 12, across="middle")
        if y_name:
            beside = left - 18 - self.canvas.room([label for _value, label in y_ticks], 11)
            self.canvas.text(beside, (top + bottom) / 2, y_name, 12, across="middle", turn=90)

    def curve(self, xs: Sequence[float], ys: Sequence[float], colour: Colour, marker: float = 3) -> None:
        """A line through points, each with a mark; it breaks off where a value is not finite."""
        piece: list[Point] = []
        for x, y in [*zip(xs, ys, strict=True), (math.nan, math.nan)]:
            if math.isfinite(x) and math.isfinite(y):
                piece.append(self.at(x, y))
            else:
                self.canvas.line(piece, colour, 2)
                for place in piece:
                    self.canvas.disc(*place, marker, colour)
                piece = []


def round_ticks(low: float, high: float, most: int = 6, whole: bool = False) -> list[float]:
    """The multiples of 1, 2 or 5 times a power of ten between `low` and `high`, at most `most` of them.

    >>> round_ticks(0, 1)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    >>> round_ticks(0.5, 3.5, whole=True)
    [1.0, 2.0, 3.0]
    """
    power = math.floor(math.log10((high - low) / most))
    steps = [float(f"{digit}e{exponent}") for exponent in range(power, power + 3) for digit in (1, 2, 5)]
    for step in (s for s in steps if s >= 1 or not whole):
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first < most:
            return [float(f"{k * step:.12g}") for k in range(first, last + 1)]
    return [float(math.ceil(low))]


def tick_label(value: float, ticks: Sequence[float]) -> str:
    """A tick's number, with as many decimals as its neighbours need.

    >>> [tick_label(t, [0.0, 0.5, 1.0]) for t in (0.0, 0.5, 1.0)]
    ['0.0', '0.5', '1.0']
    """
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 1.0
    if max(map(abs, ticks)) >= 1e6 or step < 1e-4:
        return f"{value:.{max(1, math.ceil(math.log10(max(map(abs, ticks)) / step)) + 1)}g}"
    return f"{value:.{max(0, -math.floor(math.log10(step) + 1e-9))}f}"
