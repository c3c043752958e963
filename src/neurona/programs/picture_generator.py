"""`ImageDataGenerator`, Keras's older way to feed pictures: from arrays or folders, changed by chance, batch after batch.

New programs use `utils.image_dataset_from_directory` and the layers of augmentation.

>>> pictures = np.arange(16.0).reshape(4, 2, 2, 1)
>>> batches = ImageDataGenerator(rescale=0.5, horizontal_flip=True).flow(pictures, [0, 1, 0, 1], batch_size=3)
>>> len(batches), [part.shape for part in next(batches)]
(2, [(3, 2, 2, 1), (3,)])
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from neurona import config, ops
from neurona.errors import ArgumentError, DataNotFoundError
from neurona.tensor import Array
from neurona.training.py_dataset import PyDataset
from neurona.utils import array_to_img, img_to_array, load_img, to_categorical
from neurona.warn import warn_caller

__all__ = ["ImageDataGenerator"]

_KINDS = {".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".tif", ".tiff"}
_TINY = 1e-6  # added to deviations, as Keras does


class ImageDataGenerator:
    """How pictures are changed: first by chance, then all alike.

    Args:
        featurewise_center, featurewise_std_normalization: less the mean, divided by the deviation of each channel over
            the pictures given to `fit`; the second means the first as well, with a warning.
        samplewise_center, samplewise_std_normalization: likewise, of each picture by itself.
        rotation_range: up to so many degrees.
        width_shift_range, height_shift_range: up to this share of the side, to the left or right, up or down; a whole
            number n means fewer than n points, a list its numbers, one of which is taken.
        brightness_range: the factors from and to.
        shear_range: up to so many degrees; rows are moved sideways.
        zoom_range: the shares of the sides from and to, or how far they are from 1.
        channel_shift_range: up to so much added to all numbers.
        fill_mode, cval: what stands where nothing was: "nearest", "reflect", "wrap", or "constant", which is `cval`.
        horizontal_flip, vertical_flip: every second picture.
        rescale: a factor.
        preprocessing_function: of one picture, before it is scaled.
        validation_split: the share kept for ``subset="validation"``.
    """

    def __init__(
        self,
        featurewise_center: bool = False,
        samplewise_center: bool = False,
        featurewise_std_normalization: bool = False,
        samplewise_std_normalization: bool = False,
        zca_whitening: bool = False,
        zca_epsilon: float = 1e-6,
        rotation_range: float = 0,
        width_shift_range: Any = 0.0,
        height_shift_range: Any = 0.0,
        brightness_range: Any = None,
        shear_range: float = 0.0,
        zoom_range: Any = 0.0,
        channel_shift_range: float = 0.0,
        fill_mode: str = "nearest",
        cval: float = 0.0,
        horizontal_flip: bool = False,
        vertical_flip: bool = False,
        rescale: float | None = None,
        preprocessing_function: Callable[[Array], Array] | None = None,
        data_format: str | None = None,
        validation_split: float = 0.0,
        interpolation_order: int = 1,
        dtype: Any = None,
    ) -> None:
        if zca_whitening:
            raise ArgumentError("ImageDataGenerator has no zca_whitening here. Received: zca_whitening=True.")
        if (data_format or config.image_data_format()) != "channels_last":
            raise ArgumentError(f"ImageDataGenerator expects channels_last. Received: data_format={data_format!r}.")
        if not 0 <= validation_split < 1:
            raise ArgumentError(f"`validation_split` must lie in [0, 1). Received: {validation_split}.")
        for kind, center, divided in (
            ("featurewise", featurewise_center, featurewise_std_normalization),
            ("samplewise", samplewise_center, samplewise_std_normalization),
        ):
            if divided and not center:
                warn_caller(f"ImageDataGenerator takes `{kind}_std_normalization` to mean `{kind}_center` as well.")
        self.featurewise_center = featurewise_center or featurewise_std_normalization
        self.featurewise_std_normalization = featurewise_std_normalization
        self.samplewise_center = samplewise_center or samplewise_std_normalization
        self.samplewise_std_normalization = samplewise_std_normalization
        self.rotation_range, self.shear_range, self.channel_shift_range = (
            rotation_range,
            shear_range,
            channel_shift_range,
        )
        self.width_shift_range, self.height_shift_range = width_shift_range, height_shift_range
        self.brightness_range = brightness_range
        self.zoom_range = (
            (1 - zoom_range, 1 + zoom_range) if isinstance(zoom_range, (int, float)) else tuple(zoom_range)
        )
        self.fill_mode, self.cval, self.interpolation_order = fill_mode, cval, interpolation_order
        self.horizontal_flip, self.vertical_flip = horizontal_flip, vertical_flip
        self.rescale, self.preprocessing_function = rescale, preprocessing_function
        self.validation_split = validation_split
        self.dtype = dtype or config.floatx()
        self.mean: Array | None = None
        self.std: Array | None = None

    def fit(self, x: Any, augment: bool = False, rounds: int = 1, seed: int | None = None) -> None:
        """Find the mean and the deviation of each channel."""
        pictures = np.asarray(x, self.dtype)
        if augment:
            chance = _chance(seed)
            pictures = np.stack([self._changed(picture, chance) for _ in range(rounds) for picture in pictures])
        self.mean = pictures.mean(axis=(0, 1, 2))
        self.std = (pictures - self.mean).std(axis=(0, 1, 2))

    def standardize(self, x: Array) -> Array:
        """A picture changed as all are."""
        if self.preprocessing_function is not None:
            x = self.preprocessing_function(x)
        if self.rescale:
            x = x * self.rescale
        if self.samplewise_center:
            x = x - np.mean(x, keepdims=True)
        if self.samplewise_std_normalization:
            x = x / (np.std(x, keepdims=True) + _TINY)
        if self.featurewise_center:
            if self.mean is None or self.std is None:
                raise ArgumentError("ImageDataGenerator knows no mean and deviation yet. Call fit(x) first.")
            x = x - self.mean
            x = x / (self.std + _TINY) if self.featurewise_std_normalization else x
        return x

    def random_transform(self, x: Array, seed: int | None = None) -> Array:
        """A picture changed by chance."""
        return self._changed(x, _chance(seed))

    def _changed(self, x: Array, chance: Any) -> Array:
        turned = np.deg2rad(chance.uniform(-self.rotation_range, self.rotation_range))
        down = _shift(self.height_shift_range, x.shape[0], chance)
        right = _shift(self.width_shift_range, x.shape[1], chance)
        leaning = np.deg2rad(chance.uniform(-self.shear_range, self.shear_range))
        zoomed = np.diag([*chance.uniform(*self.zoom_range, 2), 1.0]) if self.zoom_range != (1, 1) else np.eye(3)
        cos, sin = np.cos(turned), np.sin(turned)
        matrix = np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]]) @ np.array(
            [[1, 0, down], [0, 1, right], [0, 0, 1]]
        )
        matrix = matrix @ np.array([[np.cos(leaning), 0, 0], [-np.sin(leaning), 1, 0], [0, 0, 1]]) @ zoomed
        if not np.array_equal(matrix, np.eye(3)):
            x = self._moved(x, matrix)
        if self.channel_shift_range:
            x = np.clip(x + chance.uniform(-self.channel_shift_range, self.channel_shift_range), x.min(), x.max())
        if self.horizontal_flip and chance.random_sample() < 0.5:
            x = x[:, ::-1]
        if self.vertical_flip and chance.random_sample() < 0.5:
            x = x[::-1]
        if self.brightness_range is not None:
            x = np.clip(x * chance.uniform(*self.brightness_range), 0, 255)
        return x

    def _moved(self, x: Array, matrix: Array) -> Array:
        """The picture whose point p shows what stood at ``matrix @ p``, both seen from the middle."""
        height, width, channels = x.shape
        middle = np.array([[height / 2 - 0.5], [width / 2 - 0.5]])
        places = np.indices((height, width)).reshape(2, -1) - middle
        sources = (matrix[:2, :2] @ places + matrix[:2, 2:] + middle).reshape(2, height, width)
        mode = self.fill_mode
        read = [
            ops.image.map_coordinates(x[..., c], sources, self.interpolation_order, mode, self.cval).numpy()
            for c in range(channels)
        ]
        return np.stack(read, axis=-1).astype(x.dtype)

    def flow(
        self, x: Any, y: Any = None, batch_size: int = 32, shuffle: bool = True, sample_weight: Any = None,
        seed: int | None = None, save_to_dir: Any = None, save_prefix: str = "", save_format: str = "png",
        ignore_class_split: bool = False, subset: str | None = None,
    ) -> PictureBatches:  # fmt: skip
        """Batches of pictures in arrays.

        Args:
            x: shape (N, H, W, C).
            y, sample_weight: handed on with the pictures, if given.
            subset: "training" or "validation", where there is a `validation_split`.
            save_to_dir: a folder into which every picture made is written.
        """
        pictures = np.asarray(x, self.dtype)
        if pictures.ndim != 4:
            raise ArgumentError(f"flow expected pictures of shape (N, H, W, C). Received: shape {pictures.shape}.")
        beside = [None if part is None else np.asarray(part) for part in (y, sample_weight)]
        if wrong := [part.shape for part in beside if part is not None and len(part) != len(pictures)]:
            raise ArgumentError(f"flow expected as many targets as pictures, {len(pictures)}. Received: {wrong}.")
        kept = self._part(len(pictures), subset)
        pictures = pictures[kept]
        beside = [None if part is None else part[kept] for part in beside]
        saved = None if save_to_dir is None else (Path(save_to_dir), save_prefix, save_format)
        return PictureBatches(self, pictures.__getitem__, len(pictures), beside, batch_size, shuffle, seed, saved)

    def _part(self, count: int, subset: str | None) -> slice:
        """Which of so many belong to a subset: the first ones are for validation."""
        if subset not in (None, "training", "validation"):
            raise ArgumentError(f'`subset` must be "training" or "validation". Received: subset={subset!r}.')
        first = int(count * self.validation_split)
        return slice(None) if subset is None else slice(first) if subset == "validation" else slice(first, None)

    def flow_from_directory(
        self, directory: Any, target_size: tuple[int, int] = (256, 256), color_mode: str = "rgb", classes: Any = None,
        class_mode: str | None = "categorical", batch_size: int = 32, shuffle: bool = True, seed: int | None = None,
        save_to_dir: Any = None, save_prefix: str = "", save_format: str = "png", follow_links: bool = False,
        subset: str | None = None, interpolation: str = "nearest", keep_aspect_ratio: bool = False,
    ) -> PictureBatches:  # fmt: skip
        """Batches of pictures in folders, one for each class.

        Args:
            classes: the folders; all, in alphabetical order, unless told.
            class_mode: what comes with a picture: "categorical" a row with a one, "binary" and "sparse" the class's
                number, "input" the picture itself, None nothing.

        Raises:
            DataNotFoundError: there is no such folder.
        """
        root = Path(directory)
        if not root.is_dir():
            raise DataNotFoundError(f"There is no folder {root}.")
        if class_mode not in ("categorical", "binary", "sparse", "input", None):
            raise ArgumentError(f"flow_from_directory does not know this `class_mode`. Received: {class_mode!r}.")
        names = list(classes) if classes else sorted(path.name for path in root.iterdir() if path.is_dir())
        paths: list[Path] = []
        numbers: list[int] = []
        for number, name in enumerate(names):
            found = sorted(path for path in (root / name).rglob("*") if path.suffix.lower() in _KINDS)
            mine = found[self._part(len(found), subset)]
            paths += mine
            numbers += [number] * len(mine)
        print(f"Found {len(paths)} images belonging to {len(names)} classes.")

        def read(place: int) -> Array:
            picture = load_img(paths[place], color_mode, target_size, interpolation, keep_aspect_ratio)
            return img_to_array(picture, dtype=self.dtype)

        labels: Any = np.asarray(numbers, "int32")
        if class_mode == "categorical":
            labels = to_categorical(labels, len(names)).astype(self.dtype)
        elif class_mode == "binary":
            labels = labels.astype(self.dtype)
        targets = labels if class_mode in ("categorical", "binary", "sparse") else None
        saved = None if save_to_dir is None else (Path(save_to_dir), save_prefix, save_format)
        made = PictureBatches(self, read, len(paths), [targets, None], batch_size, shuffle, seed, saved)
        made.gives_input = class_mode == "input"
        made.class_indices = {name: number for number, name in enumerate(names)}
        made.classes = np.asarray(numbers, "int32")
        made.filepaths = [str(path) for path in paths]
        made.filenames = [str(path.relative_to(root)) for path in paths]
        made.num_classes, made.target_size = len(names), tuple(target_size)
        made.image_shape = (*target_size, {"rgb": 3, "rgba": 4, "grayscale": 1}[color_mode])
        return made


def _chance(seed: int | None) -> Any:
    """Where the draws come from: NumPy's own sequence, or a fresh one."""
    return np.random if seed is None else np.random.RandomState(seed)


def _shift(wanted: Any, side: int, chance: Any) -> float:
    """A shift in points, by chance."""
    if isinstance(wanted, float):
        by = chance.uniform(-wanted, wanted)
    elif isinstance(wanted, int):
        by = chance.randint(1 - wanted, wanted) if wanted else 0
    else:
        by = chance.choice(wanted) * chance.choice([-1, 1])
    return float(by * side if np.max(wanted) < 1 else by)


class PictureBatches(PyDataset):
    """What `ImageDataGenerator.flow` gives: for `fit` a data set of so many batches, for ``next`` one without end."""

    class_indices: dict[str, int]
    classes: Array
    filepaths: list[str]
    filenames: list[str]
    num_classes: int
    target_size: tuple[int, ...]
    image_shape: tuple[int, ...]
    gives_input = False

    def __init__(
        self,
        generator: ImageDataGenerator,
        read: Callable[[int], Array],
        count: int,
        beside: list[Array | None],
        batch_size: int,
        shuffle: bool,
        seed: int | None,
        saved: tuple[Path, str, str] | None,
    ) -> None:
        super().__init__()
        self.image_data_generator, self._read, self.n, self._beside = generator, read, count, beside
        self.samples, self.batch_size, self.shuffle, self.seed = count, batch_size, shuffle, seed
        self._saved = saved
        self._chance = _chance(seed)
        self.reset()

    def reset(self) -> None:
        """Begin anew, in another order where the pictures are shuffled."""
        self._place = 0
        self._order = self._chance.permutation(self.n) if self.shuffle else np.arange(self.n)

    def on_epoch_end(self) -> None:
        self.reset()

    def __len__(self) -> int:
        return -(-self.n // self.batch_size)

    def __getitem__(self, index: int) -> Any:
        if not 0 <= index < len(self):
            raise IndexError(f"There are {len(self)} batches. Received: index={index}.")
        chosen = self._order[index * self.batch_size : (index + 1) * self.batch_size]
        make = self.image_data_generator
        pictures = np.stack([make.standardize(make._changed(self._read(i), self._chance)) for i in chosen.tolist()])
        if self._saved is not None:
            folder, prefix, kind = self._saved
            for i, picture in zip(chosen.tolist(), pictures, strict=True):
                array_to_img(picture).save(folder / f"{prefix}_{i}_{self._chance.randint(10**7)}.{kind}")
        if self.gives_input:
            return pictures, pictures
        parts = [part[chosen] for part in self._beside if part is not None]
        return (pictures, *parts) if parts else pictures

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if self._place == len(self):
            self.reset()
        self._place += 1
        return self[self._place - 1]

    next = __next__
