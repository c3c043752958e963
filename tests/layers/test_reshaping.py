"""Flatten, Reshape, Permute, RepeatVector: small arrays done by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurona import config, layers
from neurona.errors import ArgumentError, DTypeError, ShapeError, UnknownNameError
from neurona.symbolic import KerasTensor

COUNT = np.arange(24, dtype="int32").reshape(2, 3, 4)


def test_flatten_keeps_the_order() -> None:
    np.testing.assert_array_equal(layers.Flatten()(COUNT).numpy(), COUNT.reshape(2, 12))


def test_flatten_gives_a_number_an_axis() -> None:
    assert layers.Flatten()(np.ones(5)).shape == (5, 1)


def test_flatten_gives_both_formats_the_same_order() -> None:
    last = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    first = last.transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(
        layers.Flatten("channels_first")(first).numpy(), layers.Flatten("channels_last")(last).numpy()
    )


def test_flatten_follows_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(config._settings, "image_data_format", "channels_first")
    assert layers.Flatten().data_format == "channels_first"


def test_flatten_leaves_an_open_axis_open() -> None:
    assert layers.Flatten()(KerasTensor((None, None, 3))).shape == (None, None)
    assert layers.Flatten().compute_output_shape((None, 2, 3)) == (None, 6)


def test_flatten_refuses() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'channels_last'"):
        layers.Flatten("channel_last")
    with pytest.raises(ShapeError, match="expected min_ndim=1, found ndim=0"):
        layers.Flatten()(np.float32(1.0))


@pytest.mark.parametrize(
    ("target", "shape"),
    [((12,), (2, 12)), ((2, 6), (2, 2, 6)), ((-1, 2), (2, 6, 2)), ((2, -1, 3), (2, 2, 2, 3))],
)
def test_reshape(target: tuple[int, ...], shape: tuple[int, ...]) -> None:
    np.testing.assert_array_equal(layers.Reshape(target)(COUNT).numpy(), COUNT.reshape(shape))


def test_reshape_with_an_open_axis() -> None:
    assert layers.Reshape((-1, 2))(KerasTensor((None, None, 4))).shape == (None, None, 2)


@pytest.mark.parametrize("target", [(5,), (5, -1), (0, -1)])
def test_reshape_refuses_another_size(target: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"must be unchanged. Received: input_shape=\(3, 4\)"):
        layers.Reshape(target)(COUNT)


@pytest.mark.parametrize("target", [(-1, -1), (-2, 3)])
def test_reshape_refuses_a_bad_target(target: tuple[int, ...]) -> None:
    with pytest.raises(ArgumentError, match="or -1 for a single unknown"):
        layers.Reshape(target)


def test_permute() -> None:
    np.testing.assert_array_equal(layers.Permute((2, 1))(COUNT).numpy(), COUNT.transpose(0, 2, 1))


@pytest.mark.parametrize("dims", [(0, 1), (1, 3), (1, 1)])
def test_permute_refuses(dims: Any) -> None:
    with pytest.raises(ArgumentError, match="consecutive and start from 1"):
        layers.Permute(dims)


def test_permute_refuses_another_number_of_axes() -> None:
    with pytest.raises(ShapeError, match="expected ndim=4, found ndim=3"):
        layers.Permute((1, 2, 3))(COUNT)


def test_repeat_vector() -> None:
    y = layers.RepeatVector(3)(COUNT[:, :, 0])
    np.testing.assert_array_equal(y.numpy(), np.stack([COUNT[:, :, 0]] * 3, axis=1))


def test_repeat_vector_refuses() -> None:
    with pytest.raises(DTypeError, match="integer value for `n`"):
        layers.RepeatVector(2.5)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"positive integer. Received: n=0"):
        layers.RepeatVector(0)
    with pytest.raises(ShapeError, match="expected ndim=2"):
        layers.RepeatVector(2)(COUNT)


def test_the_type_of_the_numbers_stays() -> None:
    for layer in (layers.Flatten(), layers.Reshape((12,)), layers.Permute((2, 1))):
        assert layer(COUNT).dtype == np.int32
        assert layer(KerasTensor((None, 3, 4), "int32")).dtype == "int32"
