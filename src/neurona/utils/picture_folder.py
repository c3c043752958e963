"""Pictures from folders, a folder for each class."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from neurona import config
from neurona.errors import ArgumentError, PictureError, UnknownNameError
from neurona.ops.image import resize
from neurona.tensor import Array
from neurona.utils.folders import Labels, Settings, datasets_of

__all__ = ["image_dataset_from_directory", "opened"]

_FORMATS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
_KINDS = ("BMP", "GIF", "JPEG", "PNG")
_MODES = {"rgb": "RGB", "rgba": "RGBA", "grayscale": "L"}
_INTERPOLATIONS = ("bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5")
_LARGEST = 64_000_000  # pixels
# What Pillow says of a file that is no picture or a broken one, beyond OSError.
_BROKEN = (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, OverflowError,
           AttributeError, struct.error, zlib.error)  # fmt: skip


def image_dataset_from_directory(
    directory: Any,
    labels: Labels = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    color_mode: str = "rgb",
    batch_size: int | None = 32,
    image_size: int | Sequence[int] = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    data_format: str | None = None,
    format: str = "tf",
    verbose: bool = True,
) -> Any:
    """Batches of the pictures below a folder, with the class that their folder stands for.

    Args:
        directory: with a folder for each class when labels are inferred; else its files, at any depth. Files count that
            end in .bmp, .gif (of which the first picture is taken), .jpeg, .jpg or .png.
        labels: "inferred" from the folders, None, or the classes of the files in the order of their paths.
        label_mode: "int" (int32, (N,)), "categorical" (one-hot float32, (N, classes)), "binary" (float32, (N, 1)) or None.
        class_names: which folders in which order; by default all, in alphabetical order.
        color_mode: "rgb" (3 channels), "rgba" (4) or "grayscale" (1).
        batch_size: pictures a batch; None gives single ones.
        image_size: height and width that all are brought to, or one number for both.
        shuffle: mixed, and mixed anew in every pass, instead of by name.
        seed: of the order; drawn from NumPy's global generator when None.
        validation_split: the share to hold out; the same files with the same seed.
        subset: "training", "validation", or "both" for a list of the two.
        interpolation: "bilinear", "nearest", "bicubic", "area", "lanczos3" or "lanczos5".
        follow_links: whether links to folders are followed.
        crop_to_aspect_ratio: cut out the largest window of the new aspect ratio first.
        pad_to_aspect_ratio: put a black frame around it first.
        data_format: "channels_last" or "channels_first"; the configured one by default.
        format: "tf" or "grain", for programs written for Keras; both give the same.
        verbose: whether to print how many files there are.

    Returns:
        a `Dataset` of ``(pictures, labels)``, or of pictures: from 0 to 255, (N, height, width, channels), float32, or
        uint8 after "nearest". Its `class_names` and `file_paths` are those that Keras adds.

    Raises:
        ArgumentError, UnknownNameError: an impossible argument, or no files.
        DataNotFoundError: there is no such folder.
        PictureError: while it is iterated: a file is no picture, damaged or too large.
    """
    if color_mode not in _MODES:
        raise ArgumentError(
            f'`color_mode` must be one of {{"rgb", "rgba", "grayscale"}}. Received: color_mode={color_mode}'
        )
    size = (image_size, image_size) if isinstance(image_size, int) else image_size
    if not isinstance(size, (list, tuple)) or len(size) != 2:
        raise ArgumentError(
            f"Invalid `image_size` value. Expected a tuple of 2 integers. Received: image_size={image_size}"
        )
    method = interpolation.lower()
    if method not in _INTERPOLATIONS:
        raise UnknownNameError.among("interpolation", interpolation, _INTERPOLATIONS)
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ArgumentError("Only one of `pad_to_aspect_ratio`, `crop_to_aspect_ratio` can be set to `True`.")
    order = config.image_data_format() if data_format is None else data_format
    if order not in ("channels_last", "channels_first"):
        raise ArgumentError(
            f'`data_format` must be "channels_last" or "channels_first". Received: data_format={data_format}'
        )

    def load(path: str) -> Array:
        picture = _read(Path(path), _MODES[color_mode]).astype("float32")
        height, width = size
        left = top = 0
        if pad_to_aspect_ratio:
            height, width, top, left = _framed(picture.shape[0], picture.shape[1], height, width)
        resized = resize(
            picture,
            (height, width),
            interpolation=method,
            crop_to_aspect_ratio=crop_to_aspect_ratio,
            data_format="channels_last",
        ).numpy()
        whole = np.zeros((*size, resized.shape[-1]), "uint8" if method == "nearest" else "float32")
        whole[top : top + height, left : left + width] = resized
        return np.ascontiguousarray(whole.transpose(2, 0, 1)) if order == "channels_first" else whole

    settings = Settings(
        directory, labels, label_mode, class_names, batch_size, shuffle, seed, validation_split, subset, follow_links,
        format, verbose,
    )  # fmt: skip
    return datasets_of(settings, "image", _FORMATS, load)


def _framed(height: int, width: int, most_high: int, most_wide: int) -> tuple[int, int, int, int]:
    """The size of a picture in its frame, at least a pixel, and the rows above and columns left of it.

    >>> _framed(10, 20, 8, 8)
    (4, 8, 2, 0)
    """
    one = np.float32
    ratio = max(one(width) / one(most_wide), one(height) / one(most_high))
    high, wide = one(height) / ratio, one(width) / ratio
    top, left = int((one(most_high) - high) / one(2)), int((one(most_wide) - wide) / one(2))
    return max(int(high), 1), max(int(wide), 1), top, left


@contextmanager
def opened(source: Path | io.BytesIO) -> Iterator[Any]:
    """A picture as Pillow opens it, before its pixels are read.

    Raises:
        PictureError: it is no picture, damaged or too large; also for what goes wrong while it is used.
    """
    from PIL import Image

    name = str(source) if isinstance(source, Path) else "The picture"
    try:
        if isinstance(source, Path) and not source.is_file():  # to open a pipe or a device may wait for ever
            raise PictureError(f"{name} is no ordinary file.")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of what is checked here, and of oddities in metadata
            with Image.open(source, formats=_KINDS) as picture:
                width, height = picture.size
                if width * height > _LARGEST:
                    raise PictureError(f"{name} has {width * height} pixels; at most {_LARGEST} are read.")
                yield picture
    except PictureError:
        raise
    except (*_BROKEN, Image.DecompressionBombError) as error:
        raise PictureError(f"{name} cannot be read as a picture: {error}.") from error


def _read(path: Path, mode: str) -> Array:
    """The pixels of a file, (H, W, C), uint8."""
    from PIL import Image

    with opened(path) as picture:
        whole: Image.Image = picture
        if picture.mode.startswith("I"):  # 16 bits a pixel: Pillow would clip them
            whole = Image.fromarray((np.asarray(picture, "int64") >> 8).clip(0, 255).astype("uint8"))
        pixels = np.asarray(whole.convert(mode), "uint8")
    return pixels[..., None] if pixels.ndim == 2 else pixels
