"""From a photograph to one small grey garment as in Fashion-MNIST: light on black, filling the frame.

The steps are those by which the data set was made (Xiao et al. 2017, section 2): find the garment, cut it out, bring the
longer side to 28 pixels, centre it, grey, light on dark.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neurona.i18n import _
from neurona.recognisers.pictures import Prepared, read_grey
from neurona.recognisers.standing_out import NOISE, background, find_box
from neurona.tensor import Array

__all__ = ["prepare_garment", "see_garment"]

SIDE = 28


def see_garment(path: Path) -> Prepared:
    """The garment in a picture file, as the network knows garments.

    Raises:
        PictureError: the file cannot be read, or the picture is of a single colour.
    """
    return prepare_garment(read_grey(path))


def prepare_garment(grey: Array) -> Prepared:
    """Find the garment in a grey picture and make of it what the network knows.

    Raises:
        PictureError: the picture is of a single colour.
    """
    steps: list[str] = []
    behind, noise = background(grey)
    difference = grey.astype("float32") - behind
    inverted = float(np.minimum(difference, 0).sum()) < -float(np.maximum(difference, 0).sum())
    garment = -difference if inverted else difference
    steps.append(_("light background: light and dark exchanged") if inverted else _("dark background: kept"))
    threshold = max(NOISE, 4 * noise)
    left, top, right, bottom = find_box(garment, threshold)
    height, width = grey.shape
    if _fills(grey.shape, (left, top, right, bottom)):
        left, top, right, bottom = 0, 0, width, height
    cut = garment[top:bottom, left:right]
    if cut.shape != grey.shape:
        steps.append(_("cut out: {width}x{height} of {w}x{h} pixels").format(
            width=right - left, height=bottom - top, w=width, h=height
        ))  # fmt: skip
    small, resized = _bring_to_size(cut)
    strongest = float(small.max(initial=0))
    if 0 < strongest < 128:
        small = small * (255 / strongest)
        steps.append(_("faint: contrast raised"))
    if resized:
        steps.append(_("longer side brought to {side} pixels, centred").format(side=SIDE))
    pixels = np.zeros((SIDE, SIDE), "uint8")
    y, x = (SIDE - small.shape[0]) // 2, (SIDE - small.shape[1]) // 2
    pixels[y : y + small.shape[0], x : x + small.shape[1]] = np.rint(np.clip(small, 0, 255))
    return Prepared(grey, (left, top, right, bottom), inverted, pixels, tuple(steps))


def _fills(shape: tuple[int, ...], box: tuple[int, int, int, int]) -> bool:
    """Whether a square picture is framed as the data set's are: the garment centred, its longer side filling it."""
    height, width = shape
    left, top, right, bottom = box
    longer = max(right - left, bottom - top)
    aside = max(abs(left + right - width), abs(top + bottom - height)) / 2
    return height == width and longer >= 0.95 * width and aside <= 0.15 * width


def _bring_to_size(cut: Array) -> tuple[Array, bool]:
    """The garment with its longer side of 28 pixels, and whether it had to be resized."""
    from PIL import Image

    height, width = cut.shape
    scale = SIDE / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if size == (width, height):
        return cut, False
    how = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(np.ascontiguousarray(cut, "float32")).resize(size, how)), True
