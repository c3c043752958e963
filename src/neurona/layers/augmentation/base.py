"""What the layers that vary pictures share: single pictures and batches, labels and masks beside them, ranges.

Such a layer first draws a *transformation* (numbers for each picture) from its own `SeedGenerator`, then applies it;
both steps are ops, so a recorded training step draws anew each time it is repeated. The input is a picture (H, W, C), a
batch (N, H, W, C), or a dict with "images" and, if wanted, "labels" and "segmentation_masks", which are changed alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from neurona import ops, random
from neurona.errors import ArgumentError, ShapeError, UnknownNameError
from neurona.layers.base import Layer
from neurona.ops.image.sampling import channels_axis
from neurona.random import SeedGenerator
from neurona.symbolic import Shape
from neurona.tensor import Tensor

__all__ = ["PictureLayer", "chosen_from", "in_range", "ordered_range", "span"]

Transformation = Any  # what `get_random_transformation` drew; None where nothing is to be done


class PictureLayer(Layer):
    """The base of the layers for pictures; a subclass draws in `get_random_transformation` and says what it changes.

    Args:
        seed: an integer makes the draws repeatable.
        data_format: "channels_last" or "channels_first"; the configured one by default.
        bounding_box_format: kept for the configuration; boxes themselves are refused.
    """

    _settings: ClassVar[tuple[str, ...]] = ()  # the attributes that make up the configuration
    _geometric: ClassVar[bool] = False  # whether masks move as the pictures do

    def __init__(
        self,
        seed: int | None = None,
        data_format: str | None = None,
        bounding_box_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.bounding_box_format = bounding_box_format
        self.data_format = "channels_last" if channels_axis(data_format) == -1 else "channels_first"
        self.seed = seed
        if "seed" in self._settings:
            self.generator = SeedGenerator(seed)

    # -- to be overridden -----------------------------------------------------------------------------------

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Transformation:
        """Draw what shall be done to each picture of `data`; ``None`` where nothing is drawn."""
        return None

    def transform_images(self, images: Tensor, transformation: Transformation, training: bool = True) -> Tensor:
        """Apply a transformation to a batch of pictures."""
        images = self._as_computed(images)
        return self._transform(images, transformation, getattr(self, "interpolation", None)) if training else images

    def transform_labels(self, labels: Tensor, transformation: Transformation, training: bool = True) -> Tensor:
        """Apply it to the pictures' labels: most layers leave them alone."""
        return labels

    def transform_segmentation_masks(
        self, segmentation_masks: Tensor, transformation: Transformation, training: bool = True
    ) -> Tensor:
        """Apply it to masks of the pictures' sizes: moved with the pictures, without new values in between."""
        if not training or not self._geometric:
            return segmentation_masks
        return self._transform(segmentation_masks, transformation, "nearest")

    def _transform(self, images: Tensor, transformation: Transformation, interpolation: str | None) -> Tensor:
        raise NotImplementedError(f"Layer {type(self).__name__} does not say how it transforms.")

    # -- around them ----------------------------------------------------------------------------------------

    def call(self, data: Any, training: bool = True) -> Any:
        if isinstance(data, (list, tuple)):  # pictures of one size
            data = ops.stack([self._as_computed(picture) for picture in data])
        pictures = data["images"] if isinstance(data, dict) else data
        if pictures.ndim not in (3, 4):
            raise ShapeError(
                "Expected the input image to be rank 3 or 4: a single image or a batch of them. "
                f"Received: data.shape={pictures.shape}"
            )
        single = pictures.ndim == 3
        transformation = self.get_random_transformation(data, training=training)

        def apply(change: Callable[..., Tensor], values: Tensor) -> Tensor:
            if not single:
                return change(values, transformation, training=training)
            changed = change(ops.expand_dims(values, 0), transformation, training=training)
            alone: Tensor = ops.squeeze(changed, 0)
            return alone

        if not isinstance(data, dict):
            return apply(self.transform_images, pictures)
        if "bounding_boxes" in data:
            raise ArgumentError(
                f"{type(self).__name__} changes images, labels and segmentation_masks, but no boxes. "
                f"Received: a dict with the keys {sorted(data)}. Leave out 'bounding_boxes'."
            )
        changed = {**data, "images": apply(self.transform_images, pictures)}
        if "labels" in data:
            changed["labels"] = apply(self.transform_labels, ops.convert_to_tensor(data["labels"]))
        if "segmentation_masks" in data:
            masks = ops.convert_to_tensor(data["segmentation_masks"])
            changed["segmentation_masks"] = apply(self.transform_segmentation_masks, masks)
        return changed

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """The output as symbolic tensors, for symbolic inputs."""
        if isinstance(args[0], dict):
            return self._infer(*args, **kwargs)
        return super().compute_output_spec(*args, **kwargs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), "data_format": self.data_format}
        if self.bounding_box_format is not None:
            config["bounding_box_format"] = self.bounding_box_format
        return {**config, **{name: getattr(self, name) for name in self._settings}}

    # -- for subclasses -------------------------------------------------------------------------------------

    @property
    def _axes(self) -> tuple[int, int]:
        """The axes of height and width, counted from the end."""
        return (-3, -2) if self.data_format == "channels_last" else (-2, -1)

    def _size(self, data: Any) -> tuple[int, int, int]:
        """How many pictures, their height and their width."""
        shape = (data["images"] if isinstance(data, dict) else data).shape
        return shape[0] if len(shape) == 4 else 1, shape[self._axes[0]], shape[self._axes[1]]

    def _as_computed(self, images: Tensor) -> Tensor:
        cast: Tensor = images if images.dtype == self.compute_dtype else ops.cast(images, self.compute_dtype)
        return cast

    def _uniform(self, shape: tuple[int, ...], low: float, high: float, seed: Any = None) -> Tensor:
        """Numbers between two others, drawn with this layer's generator unless a seed is given."""
        if low == high:  # nothing to draw, and exactly that number
            same: Tensor = ops.full(shape, float(low))
            return same
        drawn: Tensor = random.uniform(shape, float(low), float(high), seed=self.generator if seed is None else seed)
        return drawn

    def _some(self, data: Any, factor: tuple[float, float], seed: Any = None) -> Tensor:
        """Which pictures are chosen, each with a probability drawn from `factor`'s range: bool (N,)."""
        shape = (self._size(data)[0],)
        probability = self._uniform(shape, *factor, seed)
        chosen: Tensor = ops.less(self._uniform(shape, 0.0, 1.0, seed), probability)
        return chosen

    def _with_channel(self, masks: Tensor) -> Tensor:
        """Masks (N, H, W) with an axis for the channels."""
        whole: Tensor = ops.expand_dims(masks, -1 if self.data_format == "channels_last" else 1)
        return whole


def span(
    factor: Any, low: float, high: float, name: str = "factor", mirrored: bool = True, above: bool = False
) -> tuple[float, float]:
    """The two ends of the range that a factor means: a number f stands for (-f, f), cut at `low`.

    Args:
        factor: a number, or two.
        low, high: what it may be.
        name: the argument, as the error calls it.
        mirrored: whether each number of a pair must lie in the range, not only some of what is between them.
        above: whether `low` itself is out.

    Raises:
        ArgumentError: no number or pair of numbers, or one out of the range.
    """

    def fail() -> ArgumentError:
        return ArgumentError(
            f"The `{name}` argument should be a number (or a list of two numbers) in the range "
            f"{'(' if above else '['}{low}, {high}]. Received: {name}={factor}"
        )

    def fits(number: float) -> bool:
        return (low < number if above else low <= number) and number <= high

    if isinstance(factor, (tuple, list)):
        if len(factor) != 2:
            raise fail()
        ends = sorted(factor)
        if not (all(map(fits, ends)) if mirrored else factor[0] <= high and factor[1] >= low):
            raise fail()
        return ends[0], ends[1]
    if isinstance(factor, bool) or not isinstance(factor, (int, float)) or not fits(factor):
        raise fail()
    size = abs(factor)
    return (-size if mirrored else max(-size, low)), size


def ordered_range(value_range: Any) -> list[float]:
    """The smallest and the largest value that pictures have.

    Raises:
        ArgumentError: not two numbers.
    """
    if not isinstance(value_range, (tuple, list)) or len(value_range) != 2:
        raise ArgumentError(
            f"The `value_range` argument should be a list of two numbers. Received: value_range={value_range}"
        )
    return sorted(value_range)


def chosen_from(kind: str, name: str, known: tuple[str, ...]) -> str:
    """`name`, if it is known.

    Raises:
        UnknownNameError: it is not.
    """
    if name not in known:
        raise UnknownNameError.among(kind, name, known)
    return name


def in_range(images: Tensor, old: Sequence[float], new: Sequence[float]) -> Tensor:
    """Values of one range brought to another."""
    if tuple(old) == tuple(new):
        return images
    unit = ops.divide(ops.subtract(images, float(old[0])), float(old[1] - old[0]))
    moved: Tensor = ops.add(ops.multiply(unit, float(new[1] - new[0])), float(new[0]))
    return moved
