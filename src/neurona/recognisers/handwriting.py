"""From a drawn or photographed digit to one as in MNIST: light strokes on black, 20 pixels long, its mass in the middle.

The steps are those by which the data set was made: the ink is told from the paper, cut out, brought with its longer side
to 20 pixels by averaging, and laid into 28 x 28 so that its centre of mass comes to the middle. What photographs have and
the data set has not is taken away before: shadows and uneven light (the paper is estimated around every place), dust, the
edge of the sheet or ruled lines that run out of the picture; and strokes of a fine pen are made as thick as the pens' of
the data set.

Source: LeCun, Cortes & Burges, "The MNIST database of handwritten digits".
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np

from neurona.errors import PictureError
from neurona.i18n import _
from neurona.recognisers.pictures import Prepared, read_grey
from neurona.recognisers.standing_out import NOISE, background, pieces, without_dust
from neurona.tensor import Array

__all__ = ["prepare_digit", "see_digit"]

SIDE = 28
_LONGER = 20  # the digit's longer side in the data set
_SEARCH = 112  # the ink is looked for in a picture of this size
_WORK = 160  # and cut out at this one: eight pixels for one of the result
_TINY = 40  # whether it is darker than the paper is seen at this one
_FINEST = 0.065  # thinner strokes, as shares of the digit's longer side, are rare in the data set
_USUAL = 0.1
_FULL = 0.8 * 255  # the strongest ink of every digit in the data set is stronger


def see_digit(path: Path) -> Prepared:
    """The digit in a picture file, as the network knows digits.

    Raises:
        PictureError: the file cannot be read, or the picture is of a single colour.
    """
    return prepare_digit(read_grey(path))


def prepare_digit(grey: Array) -> Prepared:
    """Find the digit in a grey picture and make of it what the network knows.

    Args:
        grey: (H, W), uint8; dark on light or light on dark.

    Returns:
        the digit with ``pixels`` of shape (28, 28), uint8: its longer side 20 pixels, its centre of mass in the middle
        pixel, as far as the picture's edge allows.

    Raises:
        PictureError: the picture is of a single colour.
    """
    small = _reduced(grey, _SEARCH)
    inverted = _is_dark_on_light(small)
    steps = [_("light background: light and dark exchanged") if inverted else _("dark background: kept")]
    light = 255 - grey if inverted else grey
    box = _scaled(_find(_reduced(light, _SEARCH)), small.shape, grey.shape)
    height, width = grey.shape
    if (kept := _as_in_the_data_set(light, box)) is not None:
        steps.append(_("placed as in the data set: kept"))
        return Prepared(grey, (0, 0, width, height), inverted, kept, tuple(steps))
    ink, box = _cut(light, box)
    steps.append(_("cut out: {width}x{height} of {w}x{h} pixels").format(
        width=box[2] - box[0], height=box[3] - box[1], w=width, h=height
    ))  # fmt: skip
    if _has_more_than_one(ink):
        steps.append(_("more than one digit seems to be there: taken for one"))
    thick = _thickened(ink)
    if thick is not ink:
        steps.append(_("fine strokes made thicker"))
    digit = _brought_to_size(thick)
    steps.append(_("longer side brought to {side} pixels by averaging").format(side=_LONGER))
    pixels = _laid_by_mass(digit)
    steps.append(_("centre of mass brought to the middle of {side}x{side} pixels").format(side=SIDE))
    return Prepared(grey, box, inverted, pixels, tuple(steps))


def _reduced(values: Array, most: int) -> Array:
    """A picture made smaller by a whole number, by averaging, until its longer side has at most about `most` pixels."""
    from PIL import Image

    step = max(1, round(max(values.shape) / most))
    picture = Image.fromarray(values)
    return np.asarray(picture.reduce(step) if step > 1 else picture, "float32")


def _scaled(box: tuple[int, int, int, int], of: tuple[int, ...], to: tuple[int, ...]) -> tuple[int, int, int, int]:
    """A box in a reduced picture as one in the whole picture."""
    step = round(max(to) / max(of))
    left, top, right, bottom = (step * edge for edge in box)
    return left, top, min(right, to[1]), min(bottom, to[0])


def _filtered(values: Array, size: int, largest: bool) -> Array:
    """The largest or smallest value in the square of `size` pixels, an odd number, around each place."""
    choose, far = (np.maximum, -np.inf) if largest else (np.minimum, np.inf)
    for axis in (0, 1):
        length = values.shape[axis]
        row = np.pad(values, [(size // 2, size // 2) if a == axis else (0, 0) for a in (0, 1)], constant_values=far)
        reach = 1  # each step doubles how far a place looks ahead
        while reach < size:
            step = min(reach, size - reach)
            shorter = row.shape[axis] - step
            row = choose(row.take(range(shorter), axis), row.take(range(step, step + shorter), axis))
            reach += step
        values = row.take(range(length), axis)
    return np.asarray(values)


def _is_dark_on_light(grey: Array) -> bool:
    """Whether the strokes are darker than the paper.

    The paper is what most places around a place show: half the picture wide, so that no stroke is most of it, and no
    shadow that is wider than a stroke stands out. An even edge says it as well, also around strokes of any width.
    """
    from PIL import Image, ImageFilter

    values = np.rint(grey).astype("uint8")
    paper, _noise = background(values)
    edge = np.concatenate([(values - paper)[[0, -1]].ravel(), (values - paper)[:, [0, -1]].ravel()])
    if (np.abs(edge) > 20).mean() > 0.15:
        tiny = np.rint(_reduced(values, _TINY)).astype("uint8")  # a median of large squares takes its time
        wide = Image.fromarray(np.pad(tiny, _TINY // 4, mode="edge"))
        middle = wide.filter(ImageFilter.MedianFilter(_TINY // 4 * 2 + 1))
        inner = middle.crop((_TINY // 4, _TINY // 4, _TINY // 4 + tiny.shape[1], _TINY // 4 + tiny.shape[0]))
        paper = np.asarray(inner.resize(values.shape[::-1], Image.Resampling.BILINEAR), "float32")
    difference = values.astype("float32") - paper
    return bool((difference**3).sum() < 0)  # cubed: a little ink outweighs the rest of a wide shadow


def _ink(light: Array, goes_on: tuple[bool, bool, bool, bool] = (False,) * 4) -> tuple[Array, float]:
    """How far each place stands out from the paper around it, and how far the paper scatters.

    The paper at a place is the largest of the smallest values around: strokes narrower than half the picture vanish, and
    wider parts of the picture, such as shadows, remain with their edges.

    Args:
        light: light strokes on a darker ground.
        goes_on: at which edges (top, bottom, left, right) what is there is the beginning of something wider.
    """
    size = max(3, max(light.shape) // 4 * 2 + 1)
    top, bottom, left, right = (size * wider for wider in goes_on)
    wide = np.pad(light, ((top, bottom), (left, right)), mode="edge")
    paper = _filtered(_filtered(wide, size, largest=False), size, largest=True)
    ink = light - paper[top : top + light.shape[0], left : left + light.shape[1]]
    middle = float(np.median(ink))  # the smallest of noisy values lie below the paper's mean
    return np.maximum(ink - middle, 0), 1.4826 * float(np.median(np.abs(ink - middle)))


def _find(light: Array) -> tuple[int, int, int, int]:
    """The box around the digit in a small picture: left, top, right, bottom."""
    ink, scatter = _ink(light)
    strongest = float(np.sort(ink, axis=None)[-max(4, ink.size // 500) :].mean())
    if strongest < max(NOISE, 4 * scatter):
        raise PictureError(_("The picture shows nothing: it is all of one colour."))
    seen = _digit_alone(ink > max(0.35 * strongest, 3 * scatter))
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _digit_alone(seen: Array) -> Array:
    """The pieces of a mask without dust, and without what runs out of the picture where something large lies inside."""
    seen = without_dust(seen)
    label = pieces(_filtered(seen.astype("float32"), 3, largest=True) > 0) * seen  # a gap of a pixel is none
    outside = np.unique(np.concatenate([label[[0, -1]].ravel(), label[:, [0, -1]].ravel()]))
    inside = seen & ~np.isin(label, outside)
    rows = np.flatnonzero(inside.any(axis=1))
    return inside if len(rows) and rows[-1] - rows[0] >= 0.2 * len(seen) else seen


def _as_in_the_data_set(light: Array, box: tuple[int, int, int, int]) -> Array | None:
    """The picture as it is, 28 pixels wide, if it shows a digit as the data set does; else ``None``."""
    height, width = light.shape
    longer = max(box[2] - box[0], box[3] - box[1]) * SIDE / width
    edge = np.concatenate([light[[0, -1]].ravel(), light[:, [0, -1]].ravel()])
    if height != width or abs(longer - _LONGER) > 1.5 or (edge > NOISE).mean() > 0.1:
        return None
    small = _resized(light.astype("float32"), SIDE, SIDE)
    y, x = _middle(small)
    if small.max() < _FULL or max(abs(y - SIDE // 2), abs(x - SIDE // 2)) > 1.2:
        return None
    return np.asarray(np.rint(np.clip(small, 0, 255)), "uint8")


def _cut(light: Array, box: tuple[int, int, int, int]) -> tuple[Array, tuple[int, int, int, int]]:
    """The digit's ink, 0 to 1, tightly cut, and where it lay."""
    from PIL import Image, ImageFilter

    height, width = light.shape
    margin = max(2, round(0.3 * max(box[2] - box[0], box[3] - box[1])))  # the paper must be seen
    left, top = max(0, box[0] - margin), max(0, box[1] - margin)
    down, end = min(height, box[3] + margin), min(width, box[2] + margin)
    part = light[top:down, left:end]
    small = _reduced(part, round(_WORK * 1.6))
    step = round(max(part.shape) / max(small.shape))
    if max(small.shape) >= _WORK:  # a pixel is little there, and without noise the strokes have smooth edges
        whole = Image.fromarray(np.rint(small).astype("uint8"))
        small = np.asarray(whole.filter(ImageFilter.BoxBlur(1)), "float32")
    ink, scatter = _ink(small, (top > 0, down < height, left > 0, end < width))
    threshold = max(0.35 * float(np.percentile(ink, 99)), 3 * scatter)
    strong = float(np.percentile(ink[ink > threshold], 80)) if (ink > threshold).any() else float(ink.max()) or 1.0
    # Like a pen's, the ink is there or not; in between lie the edges alone.
    ink = np.clip((ink - 0.25 * strong) / (0.5 * strong), 0, 1)
    alone = _digit_alone(ink > 0.3)
    ink = ink * (_filtered(alone.astype("float32"), 3, largest=True) > 0)
    rows, columns = np.flatnonzero(alone.any(axis=1)), np.flatnonzero(alone.any(axis=0))
    rows_of, columns_of = (slice(int(some[0]), int(some[-1]) + 1) for some in (rows, columns))
    place = (
        left + step * columns_of.start, top + step * rows_of.start,
        min(width, left + step * columns_of.stop), min(height, top + step * rows_of.stop),
    )  # fmt: skip
    return ink[rows_of, columns_of], place


def _has_more_than_one(ink: Array) -> bool:
    """Whether two pieces stand side by side, both nearly as tall as the whole, like the digits of a number."""
    label = pieces(ink > 0.3)
    spans = []
    for number in range(1, int(label.max(initial=0)) + 1):
        rows, columns = np.nonzero(label == number)
        if rows.max() - rows.min() >= 0.6 * len(ink):
            spans.append((int(columns.min()), int(columns.max())))
    spans.sort()
    return any(end < start for (_start, end), (start, _end) in pairwise(spans))


def _thickened(ink: Array) -> Array:
    """The ink with strokes as thick as usual, if they are finer than the data set's; else as it is."""
    dark = ink > 0.5
    inner = _filtered(np.pad(dark, 1).astype("float32"), 3, largest=False)[1:-1, 1:-1] > 0
    edge = int((dark & ~inner).sum())
    longer = max(ink.shape)
    width = 2 * int(dark.sum()) / max(1, edge)  # a stroke has two edges
    if width >= _FINEST * longer:
        return ink
    more = round((_USUAL * longer - width) / 2)
    if more < 1:
        return ink
    wide = np.pad(ink, more)
    ys, xs = np.mgrid[-more : more + 1, -more : more + 1]
    out = wide.copy()
    for y, x in zip(ys.ravel(), xs.ravel(), strict=True):
        if 0 < y * y + x * x <= more * more + 1:  # a round pen
            np.maximum(out, np.roll(wide, (y, x), (0, 1)), out=out)
    return out


def _resized(values: Array, height: int, width: int) -> Array:
    from PIL import Image

    how = Image.Resampling.BOX if max(values.shape) > max(height, width) else Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(np.ascontiguousarray(values, "float32")).resize((width, height), how))


def _brought_to_size(ink: Array) -> Array:
    """The digit with its longer side of 20 pixels, its strokes up to 255."""
    scale = _LONGER / max(ink.shape)
    height, width = (max(1, round(side * scale)) for side in ink.shape)
    digit = _resized(ink, height, width) * 255
    strongest = float(np.sort(digit, axis=None)[-max(3, digit.size // 50) :].mean())
    return np.clip(digit * (255 / strongest), 0, 255) if strongest > 0 else digit


def _middle(digit: Array) -> tuple[float, float]:
    """The centre of mass: row and column, whole at the middle of a pixel."""
    mass = float(digit.sum()) or 1.0
    y = float((digit.sum(axis=1) * np.arange(digit.shape[0])).sum()) / mass
    return y, float((digit.sum(axis=0) * np.arange(digit.shape[1])).sum()) / mass


def _laid_by_mass(digit: Array) -> Array:
    """The digit in 28 x 28, its centre of mass as near to the middle pixel (14, 14) as whole pixels allow."""
    pixels = np.zeros((SIDE, SIDE), "uint8")
    top, left = (
        min(max(0, round(SIDE // 2 - at)), SIDE - side) for at, side in zip(_middle(digit), digit.shape, strict=True)
    )
    pixels[top : top + digit.shape[0], left : left + digit.shape[1]] = np.rint(digit)
    return pixels
