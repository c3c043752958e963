"""RandAugment and AugMix: other layers applied to pictures, a few drawn for each batch.

Which layers are drawn is a number, and the layer of that number is applied by one op (`_by_number`): so only those that were
drawn are computed, and a recorded training step draws others each time it is repeated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from neurona import ops, random
from neurona.cases import A, Case
from neurona.layers.augmentation.base import PictureLayer, chosen_from, span
from neurona.layers.augmentation.colour import RandomBrightness, RandomColorDegeneration, RandomContrast
from neurona.layers.augmentation.geometry import RandomRotation, RandomShear, RandomTranslation
from neurona.layers.augmentation.sharpness import RandomSharpness
from neurona.layers.augmentation.tones import AutoContrast, Equalization, RandomPosterization, Solarization
from neurona.ops.image.sampling import INTERPOLATIONS
from neurona.registry import export
from neurona.symbolic import Shape, flatten, map_structure
from neurona.tape import Tape, op
from neurona.tensor import Array, Arrays, Tensor, stop_recording, wrap

__all__ = ["AugMix", "RandAugment"]

_PLACES = ("random_shear", "random_translation", "random_rotation")
_COLOURS = ("random_brightness", "random_color_degeneration", "random_contrast", "random_sharpness")
_TONES = ("random_posterization", "solarization", "auto_contrast", "equalization")

Change = Callable[[int, Tensor, list[Tensor]], Tensor]


def _doubled_or_not(number: int, values: Tensor, drawn: list[Tensor]) -> Tensor:
    return ops.multiply(values, 2.0) if number == 1 else values


@op(cases=[Case([A("", 0, 2, kind="int"), "N C"], change=_doubled_or_not)])
def _by_number(xs: Arrays, change: Change) -> Array:
    """What a number picks out, done to an array: the inputs are the number, the array and what was drawn for it."""
    with stop_recording():
        return change(int(xs[0]), wrap(xs[1]), [wrap(x) for x in xs[2:]]).data


@_by_number.gradient
def _(g: Array, y: Array, xs: Arrays, change: Change) -> list[Array | None]:
    with stop_recording(), Tape() as tape:
        values = wrap(xs[1])
        tape.watch(values)
        changed = change(int(xs[0]), values, [wrap(x) for x in xs[2:]])
    slope = tape.gradient(changed, values, g) if changed is not values else wrap(g)
    return [None, None if slope is None else slope.data, *([None] * (len(xs) - 2))]


class _Policy(PictureLayer):
    """Several layers, each an attribute under its own name, of one strength."""

    _geometric: ClassVar[bool] = True
    _names: tuple[str, ...]

    def _make_layers(self, names: tuple[str, ...]) -> None:
        """Make the layers of these names, in the order in which they are numbered."""
        factor = self.factor
        values: dict[str, Any] = {"value_range": self.value_range, "seed": self.seed}
        moved: dict[str, Any] = {"interpolation": self.interpolation, "seed": self.seed}
        more: dict[str, Any] = {"data_format": self.data_format, "dtype": self.dtype_policy}
        made: dict[str, PictureLayer] = {
            "random_shear": RandomShear(factor, factor, **moved, **more),
            "random_translation": RandomTranslation(factor, factor, **moved, **more),
            "random_rotation": RandomRotation(factor, **moved, **more),
            "random_brightness": RandomBrightness(factor, **values, **more),
            "random_color_degeneration": RandomColorDegeneration(factor, **values, **more),
            "random_contrast": RandomContrast(factor, **values, **more),
            "random_sharpness": RandomSharpness(factor, **values, **more),
            "random_posterization": RandomPosterization(max(1, int(8 * factor[1])), **values, **more),
            "solarization": Solarization(factor, factor, **values, **more),
            "auto_contrast": AutoContrast(self.value_range, **more),
            "equalization": Equalization(self.value_range, **more),
        }
        self._names = names
        for name in names:
            setattr(self, name, made[name])

    factor: tuple[float, float]
    value_range: Any
    interpolation: str

    def build(self, input_shape: Shape) -> None:
        for name in self._names:
            getattr(self, name).build(input_shape)

    def _draw(self, data: Any, seed: Any) -> dict[str, Any]:
        """For each layer what it would do."""
        own = self.generator if seed is None else seed
        return {
            name: getattr(self, name).get_random_transformation(data, training=True, seed=own) for name in self._names
        }

    def _apply(self, method: str, number: Tensor, values: Tensor, transforms: dict[str, Any]) -> Tensor:
        """The values changed by the layer of a number; a number beyond the last changes nothing."""
        drawn = [leaf for leaf in flatten(transforms) if isinstance(leaf, Tensor)]

        def change(which: int, values: Tensor, leaves: list[Tensor]) -> Tensor:
            if which >= len(self._names):
                return values
            rest = iter(leaves)
            told = map_structure(lambda leaf: next(rest) if isinstance(leaf, Tensor) else leaf, transforms)
            name = self._names[which]
            changed: Tensor = getattr(getattr(self, name), method)(values, told[name], training=True)
            return changed

        applied: Tensor = _by_number([number, values, *drawn], change=change)
        return applied


@export("keras.layers")
class RandAugment(_Policy):
    """Change each batch of pictures in a few ways drawn from eleven, all of one strength, in training only.

    They are: shearing, moving, turning, brightness, colour, contrast, sharpness, fewer bits, turned-over bright values,
    stretched contrast, evened-out tones. Input and output ``(N, H, W, C)`` (``(N, C, H, W)`` with "channels_first"), or one
    picture; all pictures of a batch are changed in the same ways, each by its own amount.

    Args:
        value_range: the smallest and largest value.
        num_ops: how many ways, one after the other; one may be drawn twice.
        factor: the strength: a number f means between 0 and f, or two ends, in 0 ... 1.
        interpolation: "bilinear" or "nearest".
        seed: an integer makes the draws repeatable.
        data_format: "channels_last" unless set otherwise.

    Raises:
        ArgumentError: a factor out of its range.
        UnknownNameError: an unknown interpolation.

    >>> layer = RandAugment(value_range=(0, 1), num_ops=2, factor=0.5, seed=1)
    >>> layer(ops.ones((2, 8, 8, 3)), training=True).shape
    (2, 8, 8, 3)

    Source: Cubuk, Zoph, Shlens & Le, "RandAugment: Practical automated data augmentation" (2020).
    """

    _settings = ("value_range", "num_ops", "factor", "interpolation", "seed")

    def __init__(
        self,
        value_range: Any = (0, 255),
        num_ops: int = 2,
        factor: Any = 0.5,
        interpolation: str = "bilinear",
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.value_range, self.num_ops = value_range, num_ops
        self.factor = span(factor, 0, 1, mirrored=False)
        self.interpolation = chosen_from("interpolation", interpolation, INTERPOLATIONS)
        self._make_layers((*_PLACES, *_COLOURS, *_TONES))

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        own = self.generator if seed is None else seed
        return {
            "layer_idxes": random.randint((self.num_ops,), 0, len(self._names), seed=own),
            "transforms": self._draw(data, seed),
        }

    def _applied(self, method: str, values: Tensor, transformation: Any) -> Tensor:
        for i in range(self.num_ops):
            values = self._apply(method, transformation["layer_idxes"][i], values, transformation["transforms"])
        return values

    def _transform(self, images: Tensor, transformation: Any, interpolation: str | None) -> Tensor:
        return self._applied("transform_images", images, transformation)

    def transform_segmentation_masks(
        self, segmentation_masks: Tensor, transformation: Any, training: bool = True
    ) -> Tensor:
        if not training:
            return segmentation_masks
        return self._applied("transform_segmentation_masks", segmentation_masks, transformation)


@export("keras.layers")
class AugMix(_Policy):
    """Mix pictures with several differently changed copies of themselves, in training only.

    Each of `num_chains` copies goes through up to `chain_depth` changes, each drawn from those of `RandAugment` and from
    none; y = w x + (1 - w) (sum of the copies, weighted). Input and output ``(N, H, W, C)`` (``(N, C, H, W)`` with
    "channels_first"), or one picture.

    Args:
        value_range: the smallest and largest value; the result is cut there.
        num_chains: how many copies.
        chain_depth: how many changes at most.
        factor: their strength: a number f means between 0 and f, or two ends, in 0 ... 1.
        alpha: the copies' weights are drawn from a Dirichlet distribution of it, w from a beta distribution of (alpha, alpha).
        all_ops: False leaves out brightness, colour, contrast and sharpness.
        interpolation: "bilinear" or "nearest".
        seed: an integer makes the draws repeatable.
        data_format: "channels_last" unless set otherwise.

    Raises:
        ArgumentError: a factor out of its range.
        UnknownNameError: an unknown interpolation.

    >>> layer = AugMix(value_range=(0, 1), factor=0.3, seed=1)
    >>> layer(ops.ones((2, 8, 8, 3)), training=True).shape
    (2, 8, 8, 3)

    Source: Hendrycks et al., "AugMix: A Simple Data Processing Method to Improve Robustness and Uncertainty" (2020).
    """

    _settings = ("value_range", "num_chains", "chain_depth", "factor", "alpha", "all_ops", "interpolation", "seed")

    def __init__(
        self,
        value_range: Any = (0, 255),
        num_chains: int = 3,
        chain_depth: int = 3,
        factor: Any = 0.3,
        alpha: float = 1.0,
        all_ops: bool = True,
        interpolation: str = "bilinear",
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.value_range, self.num_chains, self.chain_depth = value_range, num_chains, chain_depth
        self.factor, self.alpha, self.all_ops = span(factor, 0, 1, mirrored=False), alpha, all_ops
        self.interpolation = chosen_from("interpolation", interpolation, INTERPOLATIONS)
        self._make_layers((*_PLACES, *_TONES, *(_COLOURS if all_ops else ())))

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        own = self.generator if seed is None else seed
        shares = random.gamma((self.num_chains,), self.alpha, seed=own)
        steps = range(self.num_chains * self.chain_depth)
        return {
            "chain_mixing_weights": ops.divide(shares, ops.sum(shares)),
            "weight_sample": random.beta((), self.alpha, self.alpha, seed=own),
            "layer_idxes": random.randint((len(steps),), 0, len(self._names) + 1, seed=own),
            "chain_transforms": [self._draw(data, seed) for _ in steps],
        }

    def _mixed(self, method: str, values: Tensor, transformation: Any) -> Tensor:
        dtype = values.dtype.name if values.dtype.kind == "f" else self.compute_dtype
        dtype = dtype if dtype.startswith("float") else "float32"  # shares of 1 are no whole numbers
        shares, own = (ops.cast(transformation[name], dtype) for name in ("chain_mixing_weights", "weight_sample"))
        mixed = ops.zeros_like(values, dtype)
        for chain in range(self.num_chains):
            copy = values
            for step in range(chain * self.chain_depth, (chain + 1) * self.chain_depth):
                number = transformation["layer_idxes"][step]
                copy = self._apply(method, number, copy, transformation["chain_transforms"][step])
            mixed = ops.add(mixed, ops.multiply(copy, shares[chain]))
        kept = ops.multiply(own, values)
        return ops.add(kept, ops.multiply(ops.subtract(1.0, own), mixed))  # type: ignore[no-any-return]

    def _transform(self, images: Tensor, transformation: Any, interpolation: str | None) -> Tensor:
        low, high = self.value_range
        mixed = self._mixed("transform_images", images, transformation)
        mixed = ops.clip(mixed, float(low), float(high))
        return mixed if images.dtype.kind == "f" else ops.cast(ops.round(mixed), images.dtype.name)  # type: ignore[no-any-return]

    def transform_segmentation_masks(
        self, segmentation_masks: Tensor, transformation: Any, training: bool = True
    ) -> Tensor:
        if not training:
            return segmentation_masks
        return self._mixed("transform_segmentation_masks", segmentation_masks, transformation)
