"""The figures of what a network sees, as PNG files, in the language in force. Leans on `neurona.report.canvas`.

Numbers with a sign are drawn from blue (below zero) over white to orange (above zero).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neurona.i18n import _
from neurona.report.canvas import BLACK, BLUE, GREY, ORANGE, PALE, Box, Canvas
from neurona.tensor import Array

__all__ = ["Places", "UnitView", "draw_classes", "draw_filters", "draw_maps", "draw_places", "draw_units", "signed"]

_WIDTH = 990


@dataclass(frozen=True, eq=False)
class UnitView:
    """What there is to see of one unit.

    Attributes:
        name: what stands above it.
        made: the picture that the network made for it.
        patches: what excites it most in real pictures, the strongest first.
    """

    name: str
    made: Array
    patches: Sequence[Array]


@dataclass(frozen=True, eq=False)
class Places:
    """Where a network finds its answer in one picture.

    Attributes:
        title: what stands above it.
        picture: bytes, (H, W) or (H, W, 3).
        maps: name -> map (H, W), drawn over the picture; their own largest value is the full colour.
    """

    title: str
    picture: Array
    maps: dict[str, Array]


def signed(values: Array, most: float | None = None) -> Array:
    """Numbers (H, W) as colours: blue below zero, white at zero, orange above; `most` is the full colour.

    >>> signed(np.array([[-1.0, 0.0, 1.0]])).tolist()
    [[[0, 114, 178], [255, 255, 255], [213, 94, 0]]]
    """
    most = float(np.abs(values).max(initial=0)) if most is None else most
    share = np.clip(np.nan_to_num(values) / (most or 1.0), -1, 1)[..., np.newaxis]
    ends = np.where(share < 0, np.array(BLUE, float), np.array(ORANGE, float))
    return np.asarray(np.rint(255 + np.abs(share) * (ends - 255)), "uint8")


def _over(picture: Array, values: Array, most: float) -> Array:
    """A map over a grey, pale copy of its picture."""
    grey = picture if picture.ndim == 2 else picture.mean(axis=-1)
    pale = (90 + 0.6 * grey)[..., np.newaxis]
    share = np.clip(np.nan_to_num(values) / (most or 1.0), -1, 1)[..., np.newaxis]
    ends = np.where(share < 0, np.array(BLUE, float), np.array(ORANGE, float))
    return np.asarray(pale + 0.85 * np.abs(share) * (ends - pale))


def _as_picture(kernel: Array) -> Array:
    """A kernel (h, w, C) as a picture: colours around grey, or signed numbers."""
    if kernel.shape[-1] == 3:
        return np.asarray(128 + 127 * kernel / (np.abs(kernel).max() or 1.0))
    return signed(kernel.mean(axis=-1))


def _framed(canvas: Canvas, picture: Array, box: Box) -> None:
    """A picture in a fine frame, so that its edges show where it is white."""
    left, top, right, bottom = canvas.picture(picture, box)
    canvas.box((left - 1, top - 1, right + 1, bottom + 1), edge=PALE)


def draw_filters(kernels: Sequence[Array], path: Path) -> Path:
    """Kernels or templates (h, w, C), each in its own scale, in rows of twelve."""
    columns = 12
    side = _WIDTH / columns
    canvas = Canvas(_WIDTH, round(side * max(1, -(-len(kernels) // columns))))
    for k, kernel in enumerate(kernels):
        x, y = side * (k % columns), side * (k // columns)
        _framed(canvas, _as_picture(kernel), (x + 3, y + 3, x + side - 3, y + side - 3))
    return canvas.save(path)


def draw_units(units: Sequence[UnitView], path: Path) -> Path:
    """For each unit the picture that the network made for it and, beside it, those that excite it most."""
    columns, side, gap, above = 4, 108.0, 4.0, 26.0
    width, height = _WIDTH / columns, side + above + 14
    canvas = Canvas(_WIDTH, round(height * max(1, -(-len(units) // columns))))
    for k, unit in enumerate(units):
        x, y = width * (k % columns), height * (k // columns)
        canvas.text(x, y + above / 2, unit.name, 12, BLACK, most=2 * side)
        y += above
        _framed(canvas, unit.made, (x + 1, y, x + side, y + side))
        across = max(1, round(len(unit.patches) ** 0.5))
        tile = (side - (across - 1) * gap) / across
        for i, patch in enumerate(unit.patches):
            left, top = x + side + 2 * gap + (tile + gap) * (i % across), y + (tile + gap) * (i // across)
            _framed(canvas, patch, (left, top, left + tile, top + tile))
    return canvas.save(path)


def draw_classes(pictures: Sequence[Array], names: Sequence[str], path: Path) -> Path:
    """One picture for each class, its name above."""
    columns = min(5, max(1, len(pictures)))
    width, side = _WIDTH / columns, 150.0
    canvas = Canvas(_WIDTH, round((side + 44) * max(1, -(-len(pictures) // columns))))
    for k, (picture, name) in enumerate(zip(pictures, names, strict=True)):
        middle, y = width * (k % columns + 0.5), (side + 44) * (k // columns)
        canvas.text(middle, y + 16, name, 13, across="middle", most=width - 8)
        canvas.picture(picture, (middle - side / 2, y + 30, middle + side / 2, y + 30 + side))
    return canvas.save(path)


def draw_places(shown: Sequence[Places], path: Path) -> Path:
    """Pictures and, beside each, the maps of where the answer comes from; two pictures in a row."""
    maps = max((len(places.maps) for places in shown), default=0)
    columns = 2 if len(shown) > 1 else 1
    width = _WIDTH / columns
    side = min((width - 24) / (maps + 1) - 5, 150 if columns == 2 else 215)
    height = side + 50
    canvas = Canvas(_WIDTH, round(height * max(1, -(-len(shown) // columns))))
    for k, places in enumerate(shown):
        x, y = width * (k % columns), height * (k // columns)
        canvas.text(x, y + 11, places.title, 12, most=(side + 5) * (maps + 1))
        canvas.picture(places.picture, (x, y + 42, x + side, y + 42 + side))
        for i, (name, values) in enumerate(places.maps.items(), 1):
            left = x + i * (side + 5)
            canvas.text(left + side / 2, y + 30, name, 11, GREY, "middle", most=side)
            overlay = _over(places.picture, values, float(np.abs(values).max()))
            canvas.picture(overlay, (left, y + 42, left + side, y + 42 + side))
    return canvas.save(path)


def draw_maps(picture: Array, maps: dict[str, Array], path: Path, most: int = 11) -> Path:
    """The picture and, row by row, what each stage makes of it: its strongest maps, or all its numbers."""
    side, above = 78.0, 24.0
    height = side + above + 10
    canvas = Canvas(_WIDTH, round(height * (len(maps) + 1)))
    canvas.text(0, above / 2, _("the picture"), 12)
    canvas.picture(picture, (0, above, side, above + side))
    for row, (name, values) in enumerate(maps.items(), 1):
        y = height * row
        canvas.text(0, y + above / 2, name, 12, most=_WIDTH)
        y += above
        if values.ndim == 3:  # (h, w, F)
            strongest = np.argsort(-values.max(axis=(0, 1)), kind="stable")[:most]
            full = float(np.abs(values[..., strongest]).max(initial=0))
            for k, unit in enumerate(strongest):
                left = k * (_WIDTH + 6) / most
                _framed(canvas, signed(values[..., unit], full), (left + 1, y, left + side, y + side))
            continue
        numbers = values.ravel()
        across = max(1, round((len(numbers) * _WIDTH / side) ** 0.5))
        cells = np.full((-(-len(numbers) // across), across), 0.0)
        cells.ravel()[: len(numbers)] = numbers
        cell = min(_WIDTH / across, side / len(cells))
        _framed(canvas, signed(cells), (1, y, cell * across, y + cell * len(cells)))
    return canvas.save(path)
