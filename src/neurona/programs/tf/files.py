"""`tf.io`: reading files whole, and pictures in them.

>>> write_file("note.txt", "hello")
>>> read_file("note.txt").numpy()
b'hello'
"""

from __future__ import annotations

import glob as globbing
import io
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from neurona import ops
from neurona.errors import PictureError
from neurona.programs.tf import texts
from neurona.programs.tf.arrays import Result, cast
from neurona.symbolic import dtype_name
from neurona.tensor import Tensor, wrap

__all__ = [
    "GFile",
    "decode_bmp",
    "decode_image",
    "decode_jpeg",
    "decode_png",
    "encode_png",
    "exists",
    "glob",
    "isdir",
    "listdir",
    "makedirs",
    "read_file",
    "rmtree",
    "write_file",
]


def _bytes(contents: Any) -> bytes:
    value = contents.data.item() if isinstance(contents, Tensor) else contents
    return value.encode("utf-8") if isinstance(value, str) else bytes(value)


def _path(name: Any) -> str:
    value = name.data.item() if isinstance(name, Tensor) else name
    return value.decode("utf-8") if isinstance(value, bytes) else os.fspath(value)


def read_file(filename: Any, name: str | None = None) -> Tensor:
    """The bytes of a file."""
    return texts._texts(Path(_path(filename)).read_bytes())


def write_file(filename: Any, contents: Any, name: str | None = None) -> None:
    """Write a file of these bytes."""
    Path(_path(filename)).write_bytes(_bytes(contents))


def decode_image(
    contents: Any,
    channels: int | None = 0,
    dtype: Any = "uint8",
    name: str | None = None,
    expand_animations: bool = True,
) -> Result:
    """A picture from the bytes of a file: (H, W, C).

    Args:
        contents: the bytes of a PNG, JPEG, BMP or GIF.
        channels: 1 grey, 3 colours, 4 with transparency; 0 what the file has.
        dtype: uint8, or a float type for numbers from 0 to 1.

    Raises:
        PictureError: the bytes are no picture.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        picture = Image.open(io.BytesIO(_bytes(contents)))
        modes = {0: picture.mode if picture.mode in ("L", "RGB", "RGBA") else "RGB", 1: "L", 3: "RGB", 4: "RGBA"}
        array = np.asarray(picture.convert(modes[channels or 0]))
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise PictureError(f"Expected the bytes of a picture ({error}).") from error
    made = wrap(array[:, :, np.newaxis] if array.ndim == 2 else array)
    return made if dtype_name(dtype) == "uint8" else ops.divide(cast(made, dtype), 255)


def decode_png(contents: Any, channels: int = 0, dtype: Any = "uint8", name: str | None = None, **rest: Any) -> Result:
    """As `decode_image`."""
    return decode_image(contents, channels, dtype)


decode_jpeg = decode_bmp = decode_png


def encode_png(image: Any, compression: int = -1, name: str | None = None) -> Tensor:
    """The bytes of a PNG file with this picture of uint8."""
    from PIL import Image

    array = np.asarray(image.data if isinstance(image, Tensor) else image)
    buffer = io.BytesIO()
    Image.fromarray(array[:, :, 0] if array.shape[-1] == 1 else array).save(buffer, "PNG")
    return texts._texts(buffer.getvalue())


def exists(path: Any) -> bool:
    """Whether there is such a file or folder."""
    return os.path.exists(_path(path))


def isdir(path: Any) -> bool:
    """Whether there is such a folder."""
    return os.path.isdir(_path(path))


def listdir(path: Any) -> list[str]:
    """The names in a folder."""
    return os.listdir(_path(path))


def makedirs(path: Any) -> None:
    """Make a folder and those above it."""
    os.makedirs(_path(path), exist_ok=True)


def rmtree(path: Any) -> None:
    """Delete a folder with all that is in it."""
    shutil.rmtree(_path(path))


def glob(pattern: Any) -> list[str]:
    """The paths that match."""
    return sorted(globbing.glob(_path(pattern)))


def GFile(name: Any, mode: str = "r") -> Any:  # noqa: N802 - TensorFlow's name
    """An open file."""
    return open(_path(name), mode, encoding=None if "b" in mode else "utf-8")
