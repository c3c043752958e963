"""From a photograph to what the network was trained on: one small grey garment, light on black, filling the frame.

The steps are those by which Fashion-MNIST was made (Xiao et al. 2017, section 2): find the garment, cut it out, bring the
longer side to 28 pixels, centre it, grey, light on dark. What photographs have and the data set has not (noise, uneven
light, dust, traces of JPEG) is kept away from the step that finds the garment. Leans on Pillow; nothing here knows a
network.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neurona.errors import PictureError
from neurona.i18n import _
from neurona.saving.atomic import reason
from neurona.tensor import Array

__all__ = ["Prepared", "prepare_garment", "read_grey"]

#: Pictures of more pixels are refused before they are unpacked: 50 million are a photo of any ordinary camera.
LARGEST = 50_000_000
SIDE = 28
# Larger pictures are made smaller as they are read; nothing that 28 pixels can show is lost.
_ENOUGH = 1024
# The garment is looked for in a picture of about this size: averaging removes noise and the traces of JPEG.
_SEARCH = 112
# Differences from the background below this share of full brightness are noise or shadow; Fashion-MNIST used 5 %.
_NOISE = 0.05 * 255
# Pieces smaller than this share of the largest one are dust.
_DUST = 0.02
# What Pillow says of a file that is no picture or a broken one, beyond OSError.
_BROKEN = (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, OverflowError,
           AttributeError, struct.error, zlib.error)  # fmt: skip


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
    """The grey values (H, W), uint8, of a PNG or JPEG file, at most 1,024 on a side.

    Transparent parts become white, or black behind something light.

    Raises:
        PictureError: missing, empty, no picture, of another format, damaged, or too large.
    """
    from PIL import Image, ImageOps

    try:
        if not path.exists():
            raise PictureError(_("There is no file {path}.").format(path=path))
        if path.is_dir():
            raise PictureError(_("{path} is a folder; give the pictures in it.").format(path=path))
        if not path.is_file():  # to open a pipe or a device may wait for ever
            raise PictureError(_("{path} is no ordinary file.").format(path=path))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of what is checked here, and of oddities in metadata
            with Image.open(path, formats=("PNG", "JPEG")) as picture:
                width, height = picture.size
                if width * height > LARGEST:
                    raise PictureError(
                        _("{path} has {count} million pixels; at most {most} million are read.").format(
                            path=path, count=width * height // 1_000_000, most=LARGEST // 1_000_000
                        )
                    )
                if picture.format == "JPEG":
                    picture.draft(None, (_ENOUGH, _ENOUGH))  # unpacks at a half, a quarter or an eighth of the size
                picture.load()
                return _grey(ImageOps.exif_transpose(picture))
    except PictureError:
        raise
    except Image.DecompressionBombError:
        raise PictureError(_("{path} is larger than any photograph; it is not unpacked.").format(path=path)) from None
    except _BROKEN as error:
        raise PictureError(
            _("{path} cannot be read as a picture: {why}.").format(path=path, why=_why(path, error))
        ) from error


def _why(path: Path, error: Exception) -> str:
    from PIL import UnidentifiedImageError

    if isinstance(error, OSError) and error.errno is not None:
        return reason(error)
    if path.is_file() and path.stat().st_size == 0:
        return _("it is empty")
    if isinstance(error, UnidentifiedImageError):
        return _("it is neither PNG nor JPEG")
    return _("it is damaged ({error})").format(error=error)


def _grey(picture: Any) -> Array:
    from PIL import Image

    if picture.mode.startswith("I") or picture.mode == "F":  # 16 bits and more: Pillow would cut them off at 255
        values = np.asarray(picture, "float32")
        if values.max(initial=0) > 255:
            values = values / np.float32(257)
        grey = Image.fromarray(np.rint(values).astype("uint8"))
    elif picture.has_transparency_data:
        grey = _opaque(picture.convert("RGBA"))
    else:
        grey = picture.convert("RGB").convert("L")
    shrink = -(-max(grey.size) // _ENOUGH)
    return np.asarray(grey.reduce(shrink) if shrink > 1 else grey, "uint8")


def _opaque(picture: Any) -> Any:
    """A picture with transparent parts in grey, on white, or on black where what is to be seen is light."""
    from PIL import Image, ImageStat

    grey, alpha = picture.convert("RGB").convert("L"), picture.getchannel("A")
    visible = alpha.point([0] * 128 + [255] * 128)
    bright = visible.getbbox() is not None and ImageStat.Stat(grey, visible).mean[0] > 170
    return Image.composite(grey, Image.new("L", grey.size, 0 if bright else 255), alpha)


def prepare_garment(grey: Array) -> Prepared:
    """Find the garment in a grey picture and make of it what the network knows.

    Raises:
        PictureError: the picture is of a single colour.
    """
    steps: list[str] = []
    background, noise = _background(grey)
    difference = grey.astype("float32") - background
    inverted = float(np.minimum(difference, 0).sum()) < -float(np.maximum(difference, 0).sum())
    garment = -difference if inverted else difference
    steps.append(_("light background: light and dark exchanged") if inverted else _("dark background: kept"))
    threshold = max(_NOISE, 4 * noise)
    left, top, right, bottom = _find(garment, threshold)
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


def _background(grey: Array) -> tuple[Array, float]:
    """The brightness behind the garment, and how far it scatters; in large pictures it may slope.

    It is what most of the picture's edge shows: the garment may touch the edge, so neither mean nor median serve.
    """
    height, width = grey.shape
    ys, xs = np.mgrid[0:height, 0:width]
    at_edge = (ys == 0) | (xs == 0) | (ys == height - 1) | (xs == width - 1)
    edge = grey[at_edge].astype("float64")
    counts = np.bincount(edge.astype(int), minlength=256)
    near = np.convolve(counts, np.ones(17), mode="same")  # of all stretches of 17 brightnesses the fullest
    middle = float(np.median(edge[np.abs(edge - near.argmax()) <= 8]))
    if max(grey.shape) <= _SEARCH:
        return np.full(grey.shape, middle, "float32"), 0.0
    terms = np.stack([np.ones_like(edge), ys[at_edge] / height, xs[at_edge] / width], axis=1)
    plane, reach = np.array([middle, 0.0, 0.0]), 60.0
    for _round in range(8):  # least squares over what lies near the last plane, ever nearer
        rest = edge - terms @ plane
        inside = np.abs(rest) <= reach
        if inside.sum() < 0.3 * len(edge):
            break
        plane = np.linalg.lstsq(terms[inside], edge[inside], rcond=None)[0]
        reach = max(12.0, reach * 0.7)
    rest = edge - terms @ plane
    scatter = 1.4826 * float(np.median(np.abs(rest - np.median(rest))))  # as a standard deviation, outliers aside
    slope = plane[0] + plane[1] * ys / height + plane[2] * xs / width
    return np.clip(slope, 0, 255).astype("float32"), scatter


def _find(garment: Array, threshold: float) -> tuple[int, int, int, int]:
    """The box around what is stronger than the threshold, dust aside: left, top, right, bottom."""
    from PIL import Image

    height, width = garment.shape
    step = max(1, round(max(height, width) / _SEARCH))
    if step > 1:  # the mean of step x step pixels scatters step times less
        garment = np.asarray(Image.fromarray(garment).reduce(step))
        threshold = max(_NOISE, threshold / step)
    seen = garment > threshold
    if step > 1:
        seen = _without_dust(seen)
    if not seen.any():
        raise PictureError(_("The picture shows nothing: it is all of one colour."))
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    return (
        int(columns[0]) * step,
        int(rows[0]) * step,
        min(width, (int(columns[-1]) + 1) * step),
        min(height, (int(rows[-1]) + 1) * step),
    )


def _without_dust(seen: Array) -> Array:
    """The connected pieces of a mask that are not tiny beside the largest."""
    label = np.where(seen, np.arange(1, seen.size + 1).reshape(seen.shape), 0)
    while True:  # every place takes the highest number around it until each piece has one number
        before = label
        for axis in (0, 1):
            wide = np.pad(label, [(1, 1) if a == axis else (0, 0) for a in (0, 1)])
            ahead, behind = (wide[2:], wide[:-2]) if axis == 0 else (wide[:, 2:], wide[:, :-2])
            label = np.where(seen, np.maximum(label, np.maximum(ahead, behind)), 0)
        if np.array_equal(label, before):
            break
    sizes = np.bincount(label.ravel())
    sizes[0] = 0
    return np.asarray(seen & (sizes[label] >= _DUST * sizes.max(initial=0)))


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
