"""From a photograph to what the network was trained on: one small grey garment, light on black, filling the frame.

The steps are those by which Fashion-MNIST was made (Xiao et al. 2017, section 2): find the garment, cut it out, bring the
longer side to 28 pixels, centre it, grey, light on dark. Leans on Pillow; nothing here knows a network.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neurona.errors import PictureError
from neurona.i18n import _
from neurona.tensor import Array

__all__ = ["Prepared", "prepare_garment", "read_grey"]

#: Pictures of more pixels are refused before they are unpacked: 50 million are a photo of any ordinary camera.
LARGEST = 50_000_000
SIDE = 28
# Differences from the background below this share of full brightness are noise or shadow; Fashion-MNIST used 5 %.
_NOISE = 0.05


@dataclass(frozen=True)
class Prepared:
    """A picture made ready.

    Attributes:
        original: as it was read, grey, 0 to 255.
        box: what was cut out of it: left, top, right, bottom.
        inverted: whether light and dark changed places.
        pixels: what the network gets: (28, 28), uint8.
        steps: what was done, in words, in the language in force.
    """

    original: Array
    box: tuple[int, int, int, int]
    inverted: bool
    pixels: Array
    steps: tuple[str, ...]


def read_grey(path: Path) -> Array:
    """The grey values (H, W), uint8, of a PNG or JPEG file; transparent parts become white.

    Raises:
        PictureError: missing, empty, no picture, of another format, damaged, or too large.
    """
    from PIL import Image, ImageOps

    if not path.exists():
        raise PictureError(_("There is no file {path}.").format(path=path))
    if path.is_dir():
        raise PictureError(_("{path} is a folder; give the pictures in it.").format(path=path))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is stricter
            with Image.open(path, formats=("PNG", "JPEG")) as picture:
                width, height = picture.size
                if width * height > LARGEST:
                    raise PictureError(
                        _("{path} has {count} million pixels; at most {most} million are read.").format(
                            path=path, count=width * height // 1_000_000, most=LARGEST // 1_000_000
                        )
                    )
                picture.load()
                return _grey(ImageOps.exif_transpose(picture))
    except PictureError:
        raise
    except Image.DecompressionBombError:
        raise PictureError(
            _("{path} is larger than any photograph; it is not unpacked.").format(path=path)
        ) from None
    except (OSError, SyntaxError, ValueError) as error:  # Pillow's words for what is no picture or a broken one
        if path.stat().st_size == 0:
            why = _("it is empty")
        elif isinstance(error, Image.UnidentifiedImageError):
            why = _("it is neither PNG nor JPEG")
        else:
            why = _("it is damaged ({error})").format(error=error)
        raise PictureError(_("{path} cannot be read as a picture: {why}.").format(path=path, why=why)) from error


def _grey(picture: Any) -> Array:
    from PIL import Image

    if picture.mode.startswith("I") or picture.mode == "F":  # 16 bits and more: Pillow would cut them off at 255
        values = np.asarray(picture, "float64")
        return np.asarray(values / 257 if values.max(initial=0) > 255 else values, "uint8")
    if picture.has_transparency_data:
        rgba = picture.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        picture = Image.alpha_composite(white, rgba)
    return np.asarray(picture.convert("RGB").convert("L"), "uint8")


def prepare_garment(grey: Array) -> Prepared:
    """Find the garment in a grey picture and make of it what the network knows.

    Raises:
        PictureError: the picture is of a single colour.
    """
    from PIL import Image

    steps: list[str] = []
    edge = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    background = float(np.median(edge))
    difference = grey.astype("float32") - background
    lighter, darker = np.clip(difference, 0, None), np.clip(-difference, 0, None)
    inverted = float(darker.sum()) > float(lighter.sum())
    garment = darker if inverted else lighter
    if inverted:
        steps.append(_("light background: light and dark exchanged"))
    else:
        steps.append(_("dark background: kept"))
    strongest = float(garment.max(initial=0))
    if strongest < 255 * _NOISE:
        raise PictureError(_("The picture shows nothing: it is all of one colour."))
    rows = np.flatnonzero((garment > 255 * _NOISE).any(axis=1))
    columns = np.flatnonzero((garment > 255 * _NOISE).any(axis=0))
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    cut = garment[top:bottom, left:right]
    height, width = cut.shape
    if (height, width) != grey.shape:
        steps.append(_("cut out: {width}x{height} of {w}x{h} pixels").format(
            width=width, height=height, w=grey.shape[1], h=grey.shape[0]
        ))  # fmt: skip
    if strongest < 128:
        cut = cut * (255 / strongest)
        steps.append(_("faint: contrast raised"))
    scale = SIDE / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if size != (width, height):
        small = Image.fromarray(np.asarray(cut, "float32")).resize(size, Image.Resampling.BOX if scale < 1 else
                                                                   Image.Resampling.BICUBIC)  # fmt: skip
        cut = np.clip(np.asarray(small), 0, 255)
        steps.append(_("longer side brought to {side} pixels, centred").format(side=SIDE))
    pixels = np.zeros((SIDE, SIDE), "uint8")
    y, x = (SIDE - cut.shape[0]) // 2, (SIDE - cut.shape[1]) // 2
    pixels[y : y + cut.shape[0], x : x + cut.shape[1]] = np.rint(np.clip(cut, 0, 255))
    return Prepared(grey, (left, top, right, bottom), inverted, pixels, tuple(steps))
