"""Resizing and CenterCrop: sizes, types, masks, and what stays of a picture."""

from __future__ import annotations

import numpy as np
import pytest

from neurona import layers
from neurona.errors import ArgumentError

PICTURES = np.random.default_rng(3).random((2, 5, 6, 3), dtype="float32")


@pytest.mark.parametrize("training", [False, True])
def test_resizing_is_the_same_in_training(training: bool) -> None:
    y = layers.Resizing(3, 4)(PICTURES, training=training)
    np.testing.assert_array_equal(y.numpy(), layers.Resizing(3, 4)(PICTURES).numpy())
    assert layers.Resizing(3, 4)(PICTURES[0], training=training).shape == (3, 4, 3)


def test_whole_numbers_stay_whole_and_in_range() -> None:
    x = np.tile(np.array([[0, 255]], "uint8"), (4, 2)).reshape(1, 4, 4, 1)
    for interpolation in ("bilinear", "bicubic", "lanczos3", "nearest", "area"):
        layer = layers.Resizing(7, 9, interpolation=interpolation)
        y = layer(x)
        assert y.dtype == "uint8" and y.shape == (1, 7, 9, 1)
        assert layer(layers.Input((4, 4, 1), dtype="uint8")).dtype == "uint8"
        assert y.numpy().min() == 0 and y.numpy().max() == 255, "overshoot is cut, not wrapped around"


def test_masks_get_no_new_values() -> None:
    masks = np.array([[0, 7], [7, 0]], "int32").reshape(1, 2, 2, 1)
    data = {"images": PICTURES[:1, :2, :2], "segmentation_masks": masks, "labels": np.array([3])}
    for layer in (layers.Resizing(5, 5), layers.CenterCrop(4, 4)):
        y = layer(data)
        assert set(y["segmentation_masks"].numpy().ravel()) == {0, 7}
        np.testing.assert_array_equal(y["labels"].numpy(), [3])


def test_center_crop_cuts_the_middle() -> None:
    np.testing.assert_array_equal(layers.CenterCrop(3, 2)(PICTURES).numpy(), PICTURES[:, 1:4, 2:4])
    np.testing.assert_array_equal(
        layers.CenterCrop(2, 3)(PICTURES).numpy(), PICTURES[:, 1:3, 1:4]
    )  # odd rests go right
    assert layers.CenterCrop(2, 2)((PICTURES * 255).astype("uint8")).dtype == "float32"


def test_center_crop_enlarges_what_is_too_small() -> None:
    y = layers.CenterCrop(10, 4)(PICTURES)
    whole = layers.Resizing(10, 4, crop_to_aspect_ratio=True)(PICTURES)
    np.testing.assert_array_equal(y.numpy(), whole.numpy())


def test_both_aspects_at_once_are_refused() -> None:
    with pytest.raises(ArgumentError, match="Only one of"):
        layers.Resizing(2, 2, crop_to_aspect_ratio=True, pad_to_aspect_ratio=True)(PICTURES)
