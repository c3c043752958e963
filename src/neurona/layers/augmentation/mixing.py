"""MixUp and CutMix: pictures mixed with others of their batch, and their labels in the same proportion."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import ops, random
from neurona.layers.augmentation.base import PictureLayer, span
from neurona.layers.augmentation.erasing import box_area, box_masks, cover, draw_boxes
from neurona.random import _beta  # takes an alpha that is drawn itself, where the public one must look at it first
from neurona.registry import export
from neurona.tensor import Tensor

__all__ = ["CutMix", "MixUp"]


class _Mixing(PictureLayer):
    """Each picture has a partner, and a weight between 0 and 1 that says how much of its label is its own."""

    def _order(self, n: int, seed: Any) -> Tensor:
        order: Tensor = random.shuffle(np.arange(n, dtype="int32"), seed=self.generator if seed is None else seed)
        return order

    def _mixed(self, values: Tensor, transformation: Any) -> Tensor:
        """weight own + (1 - weight) partner."""
        dtype = values.dtype.name if values.dtype.kind == "f" else self.compute_dtype
        values = values if values.dtype == dtype else ops.cast(values, dtype)
        weight = ops.cast(transformation["mix_weight"], dtype)
        weight = ops.reshape(weight, (-1, *(1,) * (values.ndim - 1)))
        partner = ops.take(values, transformation["permutation_order"], axis=0)
        mixed: Tensor = ops.add(ops.multiply(weight, values), ops.multiply(ops.subtract(1.0, weight), partner))
        return mixed

    def transform_labels(self, labels: Tensor, transformation: Any, training: bool = True) -> Tensor:
        return self._mixed(labels, transformation) if training else labels


@export("keras.layers")
class MixUp(_Mixing):
    """Mix each picture with another of the batch, y = w x + (1 - w) x', and the labels likewise, in training only.

    Input and output a dict ``{"images": (N, H, W, C), "labels": (N, classes)}``, or pictures alone; labels one-hot.

    Args:
        alpha: the weights w are drawn from a beta distribution of (alpha, alpha): near 0 or 1 where alpha is small.
        data_format: "channels_last" unless set otherwise.
        seed: an integer makes the draws repeatable.

    >>> mixed = MixUp(seed=1)({"images": np.ones((2, 4, 4, 1)), "labels": np.eye(2)}, training=True)
    >>> mixed["images"].shape, mixed["labels"].shape
    ((2, 4, 4, 1), (2, 2))

    Source: Zhang et al., "mixup: Beyond empirical risk minimization" (ICLR 2018).
    """

    _settings = ("alpha", "seed")

    def __init__(
        self, alpha: float = 0.2, data_format: str | None = None, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.alpha = alpha

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        n = self._size(data)[0]
        order = self._order(n, seed)
        weight = random.beta((n,), self.alpha, self.alpha, seed=self.generator if seed is None else seed)
        return {"mix_weight": weight, "permutation_order": order}

    def _transform(self, images: Tensor, transformation: Any, interpolation: str | None) -> Tensor:
        return self._mixed(images, transformation)

    def transform_segmentation_masks(
        self, segmentation_masks: Tensor, transformation: Any, training: bool = True
    ) -> Tensor:
        return self._mixed(segmentation_masks, transformation) if training else segmentation_masks


@export("keras.layers")
class CutMix(_Mixing):
    """Put a rectangle of another picture of the batch into each, and mix the labels by its area, in training only.

    Input and output a dict ``{"images": (N, H, W, C), "labels": (N, classes)}``, or pictures alone; labels one-hot. One
    picture without a batch stays as it is.

    Args:
        factor: the range from which a is drawn; the weights are then drawn from a beta distribution of (a, a). A number
            b means (0, b). In 0 ... 1.
        seed: an integer makes the draws repeatable.
        data_format: "channels_last" unless set otherwise.

    Raises:
        ArgumentError: a factor out of its range.

    >>> mixed = CutMix(seed=1)({"images": np.ones((2, 4, 4, 1)), "labels": np.eye(2)}, training=True)
    >>> mixed["images"].shape, mixed["labels"].shape
    ((2, 4, 4, 1), (2, 2))

    Source: Yun et al., "CutMix: Regularization strategy to train strong classifiers" (ICCV 2019).
    """

    _settings = ("factor", "seed")
    _geometric = True

    def __init__(
        self, factor: Any = 1.0, seed: int | None = None, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = span(factor, 0, 1, mirrored=False)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training or (data["images"] if isinstance(data, dict) else data).ndim == 3:
            return None
        n, height, width = self._size(data)
        alpha = ops.add(self._uniform((), *self.factor, seed), 1e-6)
        drawn = _beta(alpha, alpha, shape=(n,), seed=self.generator if seed is None else seed)
        share = ops.expand_dims(ops.sqrt(ops.subtract(1.0, drawn)), 1)
        corners = draw_boxes(self, ops.concatenate([share, share], axis=1), height, width, seed)
        return {
            "permutation_order": self._order(n, seed),
            "batch_masks": self._with_channel(box_masks(corners, height=height, width=width)),
            "mix_weight": ops.subtract(1.0, ops.divide(box_area(corners), float(height * width))),
        }

    def _transform(self, images: Tensor, transformation: Any, interpolation: str | None) -> Tensor:
        if transformation is None:
            return images
        partner = ops.take(images, transformation["permutation_order"], axis=0)
        mixed: Tensor = cover(images, transformation["batch_masks"], partner)
        return mixed

    def transform_labels(self, labels: Tensor, transformation: Any, training: bool = True) -> Tensor:
        return self._mixed(labels, transformation) if training and transformation is not None else labels
