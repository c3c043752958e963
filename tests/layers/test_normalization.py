"""Layer, group, unit and RMS normalisation against the formulas in plain NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurona import layers
from neurona.errors import ArgumentError, DTypeError, ShapeError

RNG = np.random.default_rng(5)
X = RNG.normal(2.0, 3.0, size=(4, 3, 6)).astype("float32")


def standard(x: np.ndarray, axes: Any, epsilon: float = 1e-3) -> np.ndarray:
    mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    return (x - mean) / np.sqrt(var + epsilon)


@pytest.mark.parametrize("axis", [-1, 1, [1, 2], (2, 1)])
def test_layer_normalization(axis: Any) -> None:
    layer = layers.LayerNormalization(axis=axis)
    layer.build(X.shape)
    gamma, beta = (RNG.normal(size=layer.gamma.shape).astype("float32") for _ in range(2))
    layer.set_weights([gamma, beta])
    axes = tuple(sorted(axis)) if isinstance(axis, (list, tuple)) else axis
    spread = (3, 1) if axis == 1 else gamma.shape
    expected = standard(X, axes) * gamma.reshape(spread) + beta.reshape(spread)
    np.testing.assert_allclose(layer(X).numpy(), expected, rtol=1e-4, atol=1e-5)


def test_layer_normalization_leaves_out_what_it_is_told() -> None:
    layer = layers.LayerNormalization(center=False, scale=False)
    np.testing.assert_allclose(layer(X).numpy(), standard(X, -1), rtol=1e-4, atol=1e-5)
    assert layer.weights == []
    assert layer.gamma is None
    assert layer.beta is None


def test_the_old_rms_scaling_warns() -> None:
    with pytest.warns(UserWarning, match="Use `RMSNormalization` instead"):
        layer = layers.LayerNormalization(rms_scaling=True)
    expected = X / np.sqrt(X.var(axis=-1, keepdims=True) + 1e-3)
    np.testing.assert_allclose(layer(X).numpy(), expected, rtol=1e-5)
    assert [w.name for w in layer.weights] == ["gamma"]


def test_half_precision_does_not_overflow() -> None:
    big = np.array([[300.0, -300.0, 100.0, -100.0]], "float16")  # the squares exceed float16
    for layer in (
        layers.LayerNormalization(dtype="float16"), layers.GroupNormalization(groups=1, dtype="float16"),
        layers.RMSNormalization(dtype="float16"), layers.UnitNormalization(dtype="float16"),
        layers.BatchNormalization(dtype="float16"),
    ):  # fmt: skip
        y = layer(big).numpy()
        assert y.dtype == np.float16
        assert np.isfinite(y).all()


@pytest.mark.parametrize(("groups", "axis"), [(1, -1), (2, -1), (6, -1), (-1, -1), (3, 1), (-1, 1)])
def test_group_normalization(groups: int, axis: int) -> None:
    layer = layers.GroupNormalization(groups=groups, axis=axis)
    x = np.moveaxis(X, axis, -1)  # the channels at the end, for the formula
    layer.build(X.shape)
    channels = x.shape[-1]
    gamma, beta = (RNG.normal(size=channels).astype("float32") for _ in range(2))
    layer.set_weights([gamma, beta])
    wanted = channels if groups == -1 else groups
    parts = [standard(part, (1, 2)) for part in np.split(x, wanted, axis=-1)]
    expected = np.moveaxis(np.concatenate(parts, axis=-1) * gamma + beta, -1, axis)
    np.testing.assert_allclose(layer(X).numpy(), expected, rtol=1e-4, atol=1e-5)


def test_group_normalization_refuses() -> None:
    for groups in (0, -2, 1.5):
        with pytest.raises(ArgumentError, match="invalid value for argument `groups`"):
            layers.GroupNormalization(groups=groups)  # type: ignore[arg-type]
    for groups, text in ((4, "must be a multiple of"), (12, "cannot be more than")):
        with pytest.raises(ShapeError, match=rf"groups \({groups}\) {text} the number of channels \(6\)"):
            layers.GroupNormalization(groups=groups)(X)
    with pytest.raises(ShapeError, match="Axis -1 of input tensor should have a defined dimension"):
        layers.GroupNormalization(groups=2).build((None, 3, None))


def test_unit_normalization() -> None:
    y = layers.UnitNormalization(axis=[1, 2])(X).numpy()
    np.testing.assert_allclose(np.square(y).sum(axis=(1, 2)), np.ones(4), rtol=1e-5)
    zeros = layers.UnitNormalization()(np.zeros((2, 3), "float32")).numpy()
    np.testing.assert_array_equal(zeros, np.zeros((2, 3)))


def test_rms_normalization() -> None:
    layer = layers.RMSNormalization()
    layer.build(X.shape)
    scale = RNG.normal(size=6).astype("float32")
    layer.set_weights([scale])
    expected = X / np.sqrt(np.square(X).mean(axis=-1, keepdims=True) + 1e-6) * scale
    np.testing.assert_allclose(layer(X).numpy(), expected, rtol=1e-5)
    assert not layer.supports_masking


@pytest.mark.parametrize(
    "cls", [layers.LayerNormalization, layers.GroupNormalization, layers.UnitNormalization,
            layers.RMSNormalization, layers.BatchNormalization],
)  # fmt: skip
def test_an_axis_out_of_bounds(cls: Any) -> None:
    with pytest.raises(ShapeError, match="Axis 5 is out of bounds"):
        cls(axis=5).compute_output_shape((None, 3))


@pytest.mark.parametrize("cls", [layers.LayerNormalization, layers.UnitNormalization, layers.RMSNormalization])
def test_an_axis_of_another_kind(cls: Any) -> None:
    with pytest.raises(DTypeError, match="xpected an int or a list/tuple of ints"):
        cls(axis="last")
