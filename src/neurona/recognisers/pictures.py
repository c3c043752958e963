"""Pictures from files: PNG and JPEG of every kind as plain arrays, upright, opaque, and no larger than needed.

What is then made of them for a network stands in `garments`, `handwriting` and `photographs`. Leans on Pillow; nothing
here knows a network.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neurona.errors import PictureError
from neurona.i18n import _
from neurona.saving.atomic import reason
from neurona.tensor import Array

__all__ = ["Prepared", "read_colour", "read_grey"]

#: Pictures of more pixels are refused before they are unpacked: 50 million are a photo of any ordinary camera.
LARGEST = 50_000_000
# Larger pictures are made smaller as they are read; nothing that 32 pixels can show is lost.
_ENOUGH = 1024
# What Pillow says of a file that is no picture or a broken one, beyond OSError.
_BROKEN = (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, OverflowError,
           AttributeError, struct.error, zlib.error)  # fmt: skip


@dataclass(frozen=True)
class Prepared:
    """A picture made ready.

    Attributes:
        original: as it was read, grey (H, W) or in colour (H, W, 3), 0 to 255.
        box: what was cut out of it: left, top, right, bottom.
        inverted: whether light and dark changed places.
        pixels: what the network gets, as the data set would have it: (H, W) or (H, W, 3), uint8.
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
    return _read(path, _grey)


def read_colour(path: Path) -> Array:
    """The colours (H, W, 3), uint8, of a PNG or JPEG file, at most 1,024 on a side; all else as `read_grey`."""
    return _read(path, _colour)


def _read(path: Path, convert: Callable[[Any], Any]) -> Array:
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
                upright = convert(ImageOps.exif_transpose(picture))
                shrink = -(-max(upright.size) // _ENOUGH)
                return np.asarray(upright.reduce(shrink) if shrink > 1 else upright, "uint8")
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


def _grey(picture: Any) -> Any:
    if _is_deep(picture):
        return _eight_bits(picture)
    if picture.has_transparency_data:
        return _opaque(picture.convert("RGBA")).convert("L")
    return picture.convert("RGB").convert("L")


def _colour(picture: Any) -> Any:
    if _is_deep(picture):
        return _eight_bits(picture).convert("RGB")
    return _opaque(picture.convert("RGBA")) if picture.has_transparency_data else picture.convert("RGB")


def _is_deep(picture: Any) -> bool:
    return bool(picture.mode.startswith("I") or picture.mode == "F")


def _eight_bits(picture: Any) -> Any:
    """A grey picture of 16 bits and more; Pillow would cut its values off at 255."""
    from PIL import Image

    values = np.asarray(picture, "float32")
    if values.max(initial=0) > 255:
        values = values / np.float32(257)
    return Image.fromarray(np.rint(values).astype("uint8"))


def _opaque(picture: Any) -> Any:
    """A picture with transparent parts, on white, or on black where what is to be seen is light."""
    from PIL import Image, ImageStat

    colours, alpha = picture.convert("RGB"), picture.getchannel("A")
    visible = alpha.point([0] * 128 + [255] * 128)
    bright = visible.getbbox() is not None and ImageStat.Stat(colours.convert("L"), visible).mean[0] > 170
    return Image.composite(colours, Image.new("RGB", colours.size, (0, 0, 0) if bright else (255, 255, 255)), alpha)
