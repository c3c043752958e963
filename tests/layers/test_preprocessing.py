"""Rescaling and Normalization: given, measured, inverted, refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from neurona import config, layers
from neurona.errors import ArgumentError, DTypeError, ShapeError
from neurona.tensor import Tensor

RNG = np.random.default_rng(11)
DATA = RNG.normal(5.0, 3.0, size=(40, 3)).astype("float32")


def test_rescaling_takes_bytes() -> None:
    y = layers.Rescaling(1 / 255, offset=-0.5)(np.array([[0, 255]], "uint8"))
    assert y.dtype == np.float32
    np.testing.assert_allclose(y.numpy(), [[-0.5, 0.5]])


def test_rescaling_by_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.ones((1, 2, 3), "float32")
    np.testing.assert_allclose(layers.Rescaling([1.0, 2.0, 3.0])(x).numpy()[0, 0], [1, 2, 3])
    monkeypatch.setitem(config._settings, "image_data_format", "channels_first")
    pictures = np.ones((1, 3, 4, 5), "float32")
    y = layers.Rescaling([1.0, 2.0, 3.0], offset=[1.0, 0.0, 0.0])(pictures).numpy()
    np.testing.assert_allclose(y[0, :, 0, 0], [2, 2, 3])


def test_rescaling_describes_arrays() -> None:
    layer = layers.Rescaling(np.array([1.0, 2.0]), offset=1.0)
    again = layers.Rescaling.from_config(layer.get_config())
    np.testing.assert_array_equal(again.scale, [1.0, 2.0])
    assert again.offset == 1.0


def whole() -> np.ndarray:
    return DATA


def tensor() -> Tensor:
    return Tensor(DATA)


def batches() -> list[np.ndarray]:
    return [DATA[:7], DATA[7:20], DATA[20:]]


def pairs() -> Iterator[tuple[np.ndarray, np.ndarray]]:
    return ((batch, np.zeros(len(batch))) for batch in batches())


class Numbered:
    """A sequence that answers beyond its end, as a PyDataset may."""

    def __len__(self) -> int:
        return 3

    def __getitem__(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        return batches()[i % 3], np.zeros(1)


@pytest.mark.parametrize("source", [whole, tensor, batches, pairs, Numbered])
def test_adapt(source: Any) -> None:
    layer = layers.Normalization()
    layer.adapt(source())
    np.testing.assert_allclose(layer.adapt_mean.numpy(), DATA.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(layer.adapt_variance.numpy(), DATA.var(axis=0), rtol=1e-5)
    y = layer(DATA).numpy()
    np.testing.assert_allclose(y.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(y.std(axis=0), 1, rtol=1e-5)


@pytest.mark.parametrize(
    ("axis", "reduced"), [(None, (0, 1, 2)), (1, (0, 2)), (-1, (0, 1)), ((1, 2), (0,)), ((2, 1), (0,))]
)
def test_adapt_along_axes(axis: Any, reduced: tuple[int, ...]) -> None:
    data = RNG.normal(3.0, 2.0, size=(30, 4, 5)).astype("float32")
    layer = layers.Normalization(axis=axis)
    layer.adapt([data[:11], data[11:]])
    mean, var = data.mean(axis=reduced, keepdims=True), data.var(axis=reduced, keepdims=True)
    np.testing.assert_allclose(layer(data).numpy(), (data - mean) / np.sqrt(var), rtol=1e-4, atol=1e-5)


def test_adapt_again_starts_anew() -> None:
    layer = layers.Normalization()
    layer.adapt(DATA)
    layer.adapt(DATA + 100)
    np.testing.assert_allclose(layer.mean.numpy(), [DATA.mean(axis=0) + 100], rtol=1e-5)


def test_invert_goes_back() -> None:
    there, back = layers.Normalization(), layers.Normalization(invert=True)
    there.adapt(DATA)
    back.adapt(DATA)
    np.testing.assert_allclose(back(there(DATA)).numpy(), DATA, rtol=1e-5)


def test_given_statistics() -> None:
    x = np.array([[1.0, 2.0], [3.0, 4.0]], "float32")
    layer = layers.Normalization(mean=1.0, variance=4.0)
    np.testing.assert_allclose(layer(x).numpy(), (x - 1) / 2)
    layer = layers.Normalization(mean=[1.0, 2.0], variance=[4.0, 1.0])
    np.testing.assert_allclose(layer(x).numpy(), [[0, 0], [1, 2]])
    assert layer.weights == []
    assert layers.Normalization().mean is None


def test_given_statistics_of_fewer_axes_than_kept() -> None:
    x = np.ones((2, 3, 4), "float32")
    layer = layers.Normalization(axis=(1, 2), mean=[0.0, 1.0, 2.0, 3.0], variance=[1.0] * 4)
    np.testing.assert_allclose(layer(x).numpy()[0, 0], [1, 0, -1, -2])


def test_a_constant_feature_stays_finite() -> None:
    layer = layers.Normalization()
    layer.adapt(np.ones((4, 2), "float32"))
    np.testing.assert_array_equal(layer(np.ones((1, 2), "float32")).numpy(), [[0, 0]])


def test_weights() -> None:
    layer = layers.Normalization()
    layer.build((None, 3))
    assert [(w.name, w.shape, w.dtype) for w in layer.weights] == [
        ("mean", (3,), "float32"), ("variance", (3,), "float32"), ("count", (), "int64"),
    ]  # fmt: skip
    assert layer.trainable_weights == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mean": 1.0}, "both `mean` and `variance` must be set"),
        ({"mean": [1.0], "variance": [1.0, 2.0]}, "must have the same shape"),
        ({"mean": [[1.0]], "variance": [[1.0]]}, "rank of `mean`"),
    ],
)
def test_refuses_statistics(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        layers.Normalization(**settings)


def test_refuses_shapes() -> None:
    with pytest.raises(ShapeError, match=r"in the range \[-ndim, ndim\)"):
        layers.Normalization(axis=2).build((None, 3))
    with pytest.raises(ShapeError, match="must have a known length"):
        layers.Normalization().build((None, None))
    with pytest.raises(ShapeError, match="do not fit axis"):
        layers.Normalization(mean=[1.0, 2.0], variance=[1.0, 2.0]).build((None, 3))
    layer = layers.Normalization()
    layer.adapt(DATA)
    with pytest.raises(ShapeError, match="incompatible shape"):
        layer.adapt(np.ones((4, 2)))


def test_refuses_data() -> None:
    for data, message in (([], "at least one batch"), ([np.ones((0, 3))], "at least one sample")):
        with pytest.raises(ArgumentError, match=message):
            layers.Normalization().adapt(data)
    with pytest.raises(ArgumentError, match="were given"):
        layers.Normalization(mean=1.0, variance=1.0).adapt(DATA)
    with pytest.raises(DTypeError, match="array or an iterable of batches"):
        layers.Normalization().adapt(3)
    with pytest.raises(DTypeError, match="yields arrays"):
        layers.Normalization().adapt([[1.0, 2.0]])
