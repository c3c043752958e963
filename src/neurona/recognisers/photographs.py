"""From any photograph to a small square picture in colour, as in CIFAR-10: the middle, averaged down to 32 x 32."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neurona.errors import PictureError
from neurona.i18n import _
from neurona.recognisers.pictures import Prepared, read_colour
from neurona.tensor import Array

__all__ = ["prepare_object", "see_object"]

SIDE = 32


def see_object(path: Path) -> Prepared:
    """A picture file as the network knows objects.

    Raises:
        PictureError: the file cannot be read, or every pixel is alike.
    """
    colours = read_colour(path)
    if (colours == colours[:1, :1]).all():
        raise PictureError(_("The picture shows nothing: it is all of one colour."))
    return prepare_object(colours)


def prepare_object(colours: Array) -> Prepared:
    """Cut the middle square out of a picture (H, W, 3), uint8, and bring it to 32 x 32 pixels."""
    from PIL import Image

    height, width = colours.shape[:2]
    side = min(height, width)
    left, top = (width - side) // 2, (height - side) // 2
    box = (left, top, left + side, top + side)
    steps = []
    if height != width:
        steps.append(_("middle square cut out: {side}x{side} of {w}x{h} pixels").format(side=side, w=width, h=height))
    square = Image.fromarray(np.ascontiguousarray(colours)).crop(box)
    if side > SIDE:
        square = square.resize((SIDE, SIDE), Image.Resampling.BOX)
        steps.append(_("brought to {side}x{side} pixels by averaging").format(side=SIDE))
    elif side < SIDE:
        square = square.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        steps.append(_("enlarged to {side}x{side} pixels").format(side=SIDE))
    else:
        steps.append(_("of the right size: kept"))
    return Prepared(colours, box, False, np.asarray(square, "uint8"), tuple(steps))
