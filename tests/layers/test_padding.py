"""Zero padding, cropping, enlarging, spatial dropout: small arrays done by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurona import layers, ops, utils
from neurona.errors import ArgumentError, DTypeError, ShapeError, UnknownNameError
from neurona.symbolic import KerasTensor

ROW = np.array([[[1.0], [2.0], [3.0]]], "float32")
COUNT = np.arange(1.0, 7.0, dtype="float32").reshape(1, 2, 3, 1)


def drawn(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape).astype("float32")


def first(array: np.ndarray) -> np.ndarray:
    return np.moveaxis(array, -1, 1)


# -- frames ----------------------------------------------------------------------------------------------------------


def test_zeros_before_and_after() -> None:
    np.testing.assert_array_equal(layers.ZeroPadding1D((1, 2))(ROW).numpy().ravel(), [0, 1, 2, 3, 0, 0])


@pytest.mark.parametrize(
    ("given", "frame"),
    [
        (2, ((2, 2), (2, 2))),
        ((0, 1), ((0, 0), (1, 1))),
        (((1, 2), 3), ((1, 2), (3, 3))),
        ([[1, 0], [2, 3]], ((1, 0), (2, 3))),
    ],
)
def test_frames_of_a_picture(given: Any, frame: Any) -> None:
    x = drawn(2, 6, 7, 2)
    padding, cropping = layers.ZeroPadding2D(given), layers.Cropping2D(given)
    assert padding.get_config()["padding"] == cropping.get_config()["cropping"] == frame
    (top, bottom), (left, right) = frame
    padded = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))
    np.testing.assert_array_equal(padding(x).numpy(), padded)
    np.testing.assert_array_equal(cropping(x).numpy(), x[:, top : 6 - bottom, left : 7 - right])
    np.testing.assert_array_equal(cropping(padding(x)).numpy(), x)


@pytest.mark.parametrize(
    ("padding", "cropping", "space"),
    [
        (layers.ZeroPadding1D, None, (3,)),
        (layers.ZeroPadding2D, layers.Cropping2D, (3, 4)),
        (layers.ZeroPadding3D, layers.Cropping3D, (3, 4, 5)),
    ],
)
def test_frames_in_both_formats(padding: Any, cropping: Any, space: Any) -> None:
    frame = (1, 2) if len(space) == 1 else tuple((1, i) for i in range(len(space)))
    x = drawn(2, *space, 3)
    for cls in (padding, cropping):
        if cls is not None:
            y = cls(frame)(x).numpy()
            turned = cls(frame, data_format="channels_first")
            np.testing.assert_array_equal(turned(first(x)).numpy(), first(y))
            symbol = turned(KerasTensor((None, 3, *space[:-1], None)))
            assert symbol.shape == (None, *first(y).shape[1:-1], None)


def test_whole_numbers_stay_whole() -> None:
    x = np.arange(18, dtype="uint8").reshape(1, 3, 3, 2)
    for layer in (layers.ZeroPadding2D(), layers.Cropping2D(1), layers.UpSampling2D()):
        assert layer(x).numpy().dtype == "uint8"


@pytest.mark.parametrize(
    ("cls", "frame", "text"),
    [
        (layers.ZeroPadding1D, (1, 2, 3), "`padding` argument must be an integer or a tuple of 2"),
        (layers.ZeroPadding1D, "a", "`padding` argument"),
        (layers.ZeroPadding1D, (0, -1), "at least 0"),
        (layers.ZeroPadding2D, (1, 2, 3), r"`padding` should have 2 elements.*Received: padding=\(1, 2, 3\)"),
        (layers.ZeroPadding2D, None, "`padding` should have 2 elements"),
        (layers.ZeroPadding2D, -1, "at least 0"),
        (layers.ZeroPadding3D, (1, 2), "should have 3 elements"),
        (layers.ZeroPadding3D, 1.5, "should have 3 elements"),
        (layers.Cropping1D, -1, "at least 0"),
        (layers.Cropping2D, "ab", "`cropping` should have 2 elements"),
        (layers.Cropping3D, ((1, 2), (1, 2), (1, 2, 3)), "a pair of them"),
    ],
)
def test_wrong_frames(cls: Any, frame: Any, text: str) -> None:
    with pytest.raises(ArgumentError, match=text):
        cls(frame)


def test_cropping_leaves_something() -> None:
    for x in (drawn(1, 6, 6, 1), KerasTensor((None, None, 6, 1))):
        with pytest.raises(ShapeError, match="should be smaller than the corresponding spatial dimension"):
            layers.Cropping2D(3)(x)
    assert layers.Cropping1D((5, 0))(drawn(2, 6, 1)).shape == (2, 1, 1)
    with pytest.raises(ShapeError, match=r"Received: input_shape=\(1, 6, 1\)"):
        layers.Cropping1D((5, 1))(drawn(1, 6, 1))


def test_no_format_where_keras_has_none() -> None:
    for cls in (layers.Cropping1D, layers.UpSampling1D):
        with pytest.raises(ArgumentError, match="Unrecognized keyword arguments"):
            cls(1, data_format="channels_first")


# -- enlarging -------------------------------------------------------------------------------------------------------


def test_every_place_is_repeated() -> None:
    y = layers.UpSampling2D((2, 3))(COUNT).numpy()[0, :, :, 0]
    np.testing.assert_array_equal(y, [[1, 1, 1, 2, 2, 2, 3, 3, 3]] * 2 + [[4, 4, 4, 5, 5, 5, 6, 6, 6]] * 2)
    np.testing.assert_array_equal(layers.UpSampling2D((2, 3), interpolation="area")(COUNT).numpy()[0, :, :, 0], y)
    np.testing.assert_array_equal(layers.UpSampling1D(2)(ROW).numpy().ravel(), [1, 1, 2, 2, 3, 3])


def test_between_the_places() -> None:
    y = layers.UpSampling2D((1, 2), interpolation="BILINEAR")(COUNT).numpy()[0, 0, :, 0]
    np.testing.assert_allclose(y, [1, 1.25, 1.75, 2.25, 2.75, 3])


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "lanczos3", "lanczos5", "area"])
def test_enlarging_in_both_formats(interpolation: str) -> None:
    x = drawn(2, 3, 4, 2)
    y = layers.UpSampling2D((2, 3), interpolation=interpolation)(x).numpy()
    turned = layers.UpSampling2D((2, 3), "channels_first", interpolation)
    np.testing.assert_allclose(turned(first(x)).numpy(), first(y), rtol=1e-5, atol=1e-6)
    assert turned(KerasTensor((None, 2, None, 4))).shape == (None, 2, None, 12)


def test_a_volume_is_enlarged_axis_by_axis() -> None:
    x = drawn(2, 2, 3, 2, 2)
    y = x.repeat(2, axis=1).repeat(3, axis=3)
    np.testing.assert_array_equal(layers.UpSampling3D((2, 1, 3))(x).numpy(), y)
    np.testing.assert_array_equal(layers.UpSampling3D((2, 1, 3), "channels_first")(first(x)).numpy(), first(y))


def test_enlarging_refuses() -> None:
    with pytest.raises(DTypeError, match="Expected an integer value for `size`"):
        layers.UpSampling1D(2.0)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"positive integer. Received: size=0"):
        layers.UpSampling1D(0)
    with pytest.raises(ArgumentError, match="`size` argument"):
        layers.UpSampling2D((1, 2, 3))
    with pytest.raises(UnknownNameError, match="Did you mean 'bilinear'"):
        layers.UpSampling2D(2, interpolation="bilinea")
    with pytest.raises(ShapeError, match="expected ndim=5, found ndim=4"):
        layers.UpSampling3D()(drawn(1, 2, 2, 1))


# -- spatial dropout -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (layers.SpatialDropout1D, (200, 3, 5)),
        (layers.SpatialDropout2D, (200, 2, 3, 5)),
        (layers.SpatialDropout3D, (200, 2, 2, 3, 5)),
    ],
)
def test_whole_channels_are_dropped(layer: Any, shape: Any) -> None:
    utils.set_random_seed(0)
    x = np.ones(shape, "float32")
    y = layer(0.4)(x, training=True).numpy()
    rows = y.reshape(200, -1, 5)
    assert (rows == rows[:, :1]).all()  # one choice for all places
    np.testing.assert_allclose(np.unique(y), [0, 1 / 0.6], rtol=1e-6)
    assert 0.35 < (rows[:, 0] == 0).mean() < 0.45
    np.testing.assert_array_equal(layer(0.4)(x).numpy(), x)
    if len(shape) > 3:
        y = layer(0.4, data_format="channels_first")(first(x), training=True).numpy().reshape(200, 5, -1)
        assert (y == y[..., :1]).all()
        assert 0 < (y == 0).mean() < 1


def test_spatial_dropout_keeps_masks_and_its_type() -> None:
    assert layers.SpatialDropout1D(0.5).supports_masking
    layer = layers.SpatialDropout2D(0.5, dtype="mixed_float16", seed=3)
    assert layer.get_config() == {
        "rate": 0.5, "seed": 3, "name": layer.name, "dtype": "mixed_float16", "data_format": "channels_last",
    }  # fmt: skip
    again = layers.SpatialDropout2D.from_config(layer.get_config())
    x = drawn(3, 2, 2, 4)
    np.testing.assert_array_equal(again(x, training=True).numpy(), layer(x, training=True).numpy())
    assert again(x).dtype == ops.cast(x, "float16").dtype


def test_spatial_dropout_refuses() -> None:
    with pytest.raises(ArgumentError, match=r"between 0 and 1. Received: rate=2"):
        layers.SpatialDropout2D(2)
    with pytest.raises(UnknownNameError, match="data format"):
        layers.SpatialDropout2D(0.5, data_format="x")
    with pytest.raises(ShapeError, match="expected ndim=4, found ndim=3"):
        layers.SpatialDropout2D(0.5)(drawn(2, 3, 4))
    with pytest.raises(ArgumentError, match="Unrecognized keyword arguments"):
        layers.SpatialDropout2D(0.5, colour=1)
