"""Conv1D, Conv2D, Conv3D: sums done by hand and by naive loops, padding, formats, types, and what they refuse."""

from __future__ import annotations

import itertools
from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import neurona
from neurona import config, dtype_policies, layers
from neurona.errors import ArgumentError, ShapeError, UnknownNameError
from neurona.symbolic import KerasTensor
from neurona.tape import Tape
from neurona.training.lint import LintWarning

RNG = np.random.default_rng(0)


def drawn(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype("float32")


def naive(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, layer: Any) -> np.ndarray:
    """The definition, one number at a time: x (N, H, W, C) in float64."""
    (kh, kw), (sh, sw), (dh, dw) = layer.kernel_size, layer.strides, layer.dilation_rate
    height, width = x.shape[1:3]
    spans = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    if layer.padding == "same":
        out = (-(-height // sh), -(-width // sw))
        missing = [
            max((o - 1) * s + span - n, 0) for o, s, span, n in zip(out, (sh, sw), spans, (height, width), strict=True)
        ]
        x = np.pad(x, ((0, 0), *((m // 2, m - m // 2) for m in missing), (0, 0)))
    else:
        out = ((height - spans[0]) // sh + 1, (width - spans[1]) // sw + 1)
    filters, per_group = kernel.shape[-1], kernel.shape[-2]
    y = np.zeros((len(x), *out, filters))
    for n, i, j, f in itertools.product(*map(range, y.shape)):
        group = f // (filters // layer.groups)
        for a, b, c in itertools.product(range(kh), range(kw), range(per_group)):
            y[n, i, j, f] += x[n, i * sh + a * dh, j * sw + b * dw, group * per_group + c] * kernel[a, b, c, f]
    return y + bias


# -- values ----------------------------------------------------------------------------------------------------------


def test_an_edge_is_found() -> None:
    picture = np.zeros((1, 4, 5, 1), "float32")
    picture[:, :, 3:] = 1
    layer = layers.Conv2D(1, (1, 2), use_bias=False)
    layer.build(picture.shape)
    layer.set_weights([np.reshape([-1.0, 1.0], (1, 2, 1, 1))])
    np.testing.assert_array_equal(layer(picture).numpy()[0, :, :, 0], [[0, 0, 1, 0]] * 4)


def test_same_padding_puts_the_odd_zero_last() -> None:
    layer = layers.Conv1D(1, 2, padding="same", kernel_initializer="ones")
    np.testing.assert_array_equal(layer(np.reshape([1.0, 2.0, 4.0], (1, 3, 1))).numpy().ravel(), [3, 6, 4])


def test_causal_padding_comes_first() -> None:
    layer = layers.Conv1D(1, 2, padding="causal", dilation_rate=2, kernel_initializer="ones")
    np.testing.assert_array_equal(layer(np.reshape([1.0, 2.0, 4.0, 8.0], (1, 4, 1))).numpy().ravel(), [1, 2, 5, 10])


@pytest.mark.parametrize("strides", [1, 2])
def test_causal_outputs_see_nothing_later(strides: int) -> None:
    layer = layers.Conv1D(3, 4, padding="causal", strides=strides)
    x = drawn(2, 9, 2)
    before = layer(x).numpy()
    for t in range(9):
        later = x.copy()
        later[:, t:] += 1
        unchanged = -(-t // strides)  # outputs at strides * i < t
        np.testing.assert_array_equal(layer(later).numpy()[:, :unchanged], before[:, :unchanged])
        assert not np.allclose(layer(later).numpy()[:, unchanged:], before[:, unchanged:])


def test_groups_do_not_see_each_other() -> None:
    layer = layers.Conv2D(4, 3, groups=2)
    x = drawn(1, 5, 5, 6)
    before = layer(x).numpy()
    x[..., 3:] += 1
    np.testing.assert_array_equal(layer(x).numpy()[..., :2], before[..., :2])
    assert (layer(x).numpy()[..., 2:] != before[..., 2:]).all()


@hypothesis.settings(deadline=None, derandomize=True)
@given(
    space=st.tuples(st.integers(3, 7), st.integers(3, 7)),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    strides=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    dilation=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    padding=st.sampled_from(["valid", "same"]),
    groups=st.integers(1, 2),
    seed=st.integers(0, 99),
)
def test_conv2d_is_its_definition(
    space: Any, kernel: Any, strides: Any, dilation: Any, padding: str, groups: int, seed: int
) -> None:
    if max(dilation) > 1:
        strides = (1, 1)
    if padding == "valid" and any(d * (k - 1) + 1 > n for n, k, d in zip(space, kernel, dilation, strict=True)):
        padding = "same"
    layer = layers.Conv2D(
        2 * groups, kernel, strides, padding, dilation_rate=dilation, groups=groups, dtype="float64",
        kernel_initializer=neurona.initializers.RandomNormal(seed=seed), bias_initializer="ones",
    )  # fmt: skip
    x = np.random.default_rng(seed).standard_normal((2, *space, 2 * groups))
    y = layer(x).numpy()
    np.testing.assert_allclose(y, naive(x, *layer.get_weights(), layer), rtol=1e-12, atol=1e-12)
    assert y.shape == layer.compute_output_shape(x.shape)


def test_a_film_is_a_picture_at_each_time() -> None:
    film = drawn(2, 3, 5, 4, 2)
    flat, deep = layers.Conv2D(3, 2), layers.Conv3D(3, (1, 2, 2))
    flat.build(film[:, 0].shape)
    deep.build(film.shape)
    flat.bias.assign([1.0, 2.0, 3.0])  # type: ignore[union-attr]
    deep.set_weights([flat.get_weights()[0][None], flat.get_weights()[1]])
    for t in range(3):
        np.testing.assert_allclose(deep(film).numpy()[:, t], flat(film[:, t]).numpy(), rtol=1e-5, atol=1e-6)


CLASSES: list[tuple[Any, dict[str, Any], tuple[int, ...]]] = [
    (layers.Conv1D, {"filters": 3, "kernel_size": 2}, (2, 6, 4)),
    (layers.Conv1D, {"filters": 3, "kernel_size": 3, "padding": "causal", "activation": "relu"}, (2, 6, 4)),
    (layers.Conv2D, {"filters": 4, "kernel_size": 3, "strides": 2, "padding": "same", "groups": 2}, (2, 6, 5, 4)),
    (layers.Conv2D, {"filters": 4, "kernel_size": 3, "activation": "tanh"}, (2, 6, 5, 4)),
    (layers.Conv3D, {"filters": 3, "kernel_size": (1, 2, 2)}, (2, 3, 4, 5, 2)),
    (layers.DepthwiseConv1D, {"kernel_size": 3, "depth_multiplier": 2}, (2, 6, 4)),
    (layers.DepthwiseConv2D, {"kernel_size": 3, "strides": (1, 2), "padding": "same"}, (2, 6, 5, 4)),
    (layers.SeparableConv1D, {"filters": 3, "kernel_size": 3}, (2, 6, 4)),
    (layers.SeparableConv2D, {"filters": 3, "kernel_size": 3, "depth_multiplier": 2}, (2, 6, 5, 4)),
    (layers.Conv1DTranspose, {"filters": 3, "kernel_size": 3, "strides": 2}, (2, 6, 4)),
    (layers.Conv2DTranspose, {"filters": 3, "kernel_size": 2, "padding": "same", "strides": 2}, (2, 4, 5, 4)),
    (layers.Conv3DTranspose, {"filters": 3, "kernel_size": 2, "activation": "relu"}, (2, 2, 3, 2, 2)),
]
every_class = pytest.mark.parametrize(("cls", "settings", "shape"), CLASSES)


def first(array: np.ndarray) -> np.ndarray:
    return np.moveaxis(array, -1, 1)


@every_class
def test_channels_first_is_channels_last_turned(cls: Any, settings: Any, shape: Any) -> None:
    x = drawn(*shape)
    last, turned = cls(**settings), cls(**settings, data_format="channels_first")
    y = last(x)
    turned.build(first(x).shape)
    turned.set_weights(last.get_weights())
    np.testing.assert_allclose(turned(first(x)).numpy(), first(y.numpy()), rtol=1e-5, atol=1e-6)
    symbol = turned(KerasTensor((None, *first(x).shape[1:])))
    assert symbol.shape == (None, *first(y.numpy()).shape[1:])
    assert dict(turned.input_spec.axes) == {1: x.shape[-1]}


@every_class
def test_open_axes_stay_open(cls: Any, settings: Any, shape: Any) -> None:
    layer = cls(**settings)
    y = layer(KerasTensor((None,) * (len(shape) - 1) + shape[-1:]))
    assert y.shape == (None,) * (len(shape) - 1) + layer(drawn(*shape)).shape[-1:]


@every_class
def test_the_activation_comes_last(cls: Any, settings: Any, shape: Any) -> None:
    x = drawn(*shape)
    bare = cls(**{**settings, "activation": None})
    z = bare(x)
    for name in ("linear", "relu", "tanh", "sigmoid", "gelu", "softmax", lambda t: t * 2):
        layer = cls(**{**settings, "activation": name})
        layer.build(shape)
        layer.set_weights(bare.get_weights())
        np.testing.assert_allclose(layer(x).numpy(), layer.activation(z).numpy(), rtol=1e-4, atol=1e-6)


@every_class
def test_float16_and_mixed_precision(cls: Any, settings: Any, shape: Any) -> None:
    x = drawn(*shape)
    whole = cls(**settings)
    y = whole(x).numpy()
    for policy, weights in (("float16", "float16"), ("mixed_float16", "float32"), ("float64", "float64")):
        layer = cls(**settings, dtype=policy)
        layer.build(shape)
        layer.set_weights([w.astype(weights) for w in whole.get_weights()])
        with Tape() as tape:
            made = layer(x, training=True)
            loss = neurona.ops.sum(made)
        assert made.dtype == dtype_policies.get(policy).compute_dtype
        np.testing.assert_allclose(made.numpy(), y, rtol=0.02, atol=0.02)
        assert [g.dtype.name for g in tape.gradient(loss, layer.trainable_weights)] == [weights] * len(layer.weights)


def test_softmax_works_along_the_last_axis_in_both_formats() -> None:
    y = layers.Conv2D(3, 2, activation="softmax", data_format="channels_first")(drawn(2, 4, 5, 6))
    np.testing.assert_allclose(y.numpy().sum(axis=-1), np.ones((2, 3, 4)), rtol=1e-6)


def test_the_format_follows_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(config._settings, "image_data_format", "channels_first")
    assert layers.Conv2D(2, 3).data_format == "channels_first"
    assert layers.Conv2D(2, 3)(drawn(1, 2, 8, 7)).shape == (1, 2, 6, 5)


# -- contract --------------------------------------------------------------------------------------------------------


def test_names_of_layers_and_weights() -> None:
    neurona.utils.clear_session()
    made = [
        layers.Conv2D(2, 3), layers.Conv2D(2, 3), layers.Conv1DTranspose(2, 3), layers.SeparableConv2D(2, 3),
        layers.MaxPool2D(), layers.AvgPool1D(2), layers.GlobalAvgPool3D(), layers.UpSampling2D(), layers.ZeroPadding3D(),
        layers.SpatialDropout1D(0.5), layers.AdaptiveMaxPooling2D(1), layers.Cropping2D(), layers.DepthwiseConv2D(2),
    ]  # fmt: skip
    assert [layer.name for layer in made] == [
        "conv2d", "conv2d_1", "conv1d_transpose", "separable_conv2d", "max_pooling2d", "average_pooling1d",
        "global_average_pooling3d", "up_sampling2d", "zero_padding3d", "spatial_dropout1d", "adaptive_max_pooling2d",
        "cropping2d", "depthwise_conv2d",
    ]  # fmt: skip
    made[3].build((None, 5, 5, 2))
    assert [w.path for w in made[3].weights] == [
        "separable_conv2d/depthwise_kernel", "separable_conv2d/pointwise_kernel", "separable_conv2d/bias",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        *[(f"Convolution{r}D", f"Conv{r}D") for r in (1, 2, 3)],
        *[(f"Convolution{r}DTranspose", f"Conv{r}DTranspose") for r in (1, 2, 3)],
        *[(f"SeparableConvolution{r}D", f"SeparableConv{r}D") for r in (1, 2)],
        *[(f"{a}{r}D", f"{b}{r}D") for r in (1, 2, 3) for a, b in (
            ("MaxPool", "MaxPooling"), ("AvgPool", "AveragePooling"), ("GlobalMaxPool", "GlobalMaxPooling"),
            ("GlobalAvgPool", "GlobalAveragePooling"))],
    ],
)  # fmt: skip
def test_aliases(alias: str, name: str) -> None:
    assert getattr(layers, alias) is getattr(layers, name)
    arguments = (2, 3) if "Conv" in name else () if "Global" in name else (2,)
    described = layers.serialize(getattr(layers, name)(*arguments))
    assert described["class_name"] == name
    assert type(layers.deserialize({**described, "class_name": alias})) is getattr(layers, name)


def test_padding_may_be_written_in_capitals() -> None:
    assert layers.Conv1D(2, 3, padding="CAUSAL").get_config()["padding"] == "causal"


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"filters": 0}, "Invalid value for argument `filters`.*Received filters=0"),
        ({"filters": -2}, "strictly positive"),
        ({"filters": 4.5}, "strictly positive value"),
        ({"filters": 4, "groups": 3}, r"evenly divisible by the number of groups. Received: groups=3, filters=4"),
        ({"groups": 0}, "groups must be a positive integer. Received: groups=0"),
        ({"kernel_size": 0}, "`kernel_size` argument.*Received kernel_size=0, including values"),
        ({"kernel_size": (3,)}, "tuple of 2 of them"),
        ({"kernel_size": "33"}, r"tuple of 2 integers. Received: kernel_size='33'"),
        ({"kernel_size": 2.7}, r"Received: kernel_size=2.7"),
        ({"strides": None}, r"Received: strides=None"),
        ({"kernel_size": (3, 3, 3)}, "tuple of 2 of them"),
        ({"strides": (1, 0)}, r"`strides` argument.*Received strides=\(1, 0\), including values"),
        ({"strides": 2, "dilation_rate": 2}, r"`strides > 1` not supported in conjunction with `dilation_rate > 1`"),
        ({"padding": "causal"}, "padding.*causal"),
        ({"padding": "sane"}, "Did you mean 'same'"),
        ({"data_format": "channels_lost"}, "Did you mean 'channels_last'"),
        ({"rank": 3}, "Unrecognized keyword arguments"),
    ],
)
def test_wrong_settings(settings: dict[str, Any], text: str) -> None:
    with pytest.raises(ArgumentError, match=text):
        layers.Conv2D(**{"filters": 4, "kernel_size": 3, **settings})


def test_an_unknown_padding_is_an_unknown_name() -> None:
    with pytest.raises(UnknownNameError):
        layers.Conv2D(1, 1, padding="full")


def test_wrong_inputs() -> None:
    layer = layers.Conv2D(4, 3)
    with pytest.raises(ShapeError, match=r"expected min_ndim=4, found ndim=3. Full shape received: \(None, 28, 28\)"):
        layer(KerasTensor((None, 28, 28)))
    with pytest.raises(ShapeError, match=r"If the axis of channels is missing, add it: x = x\[..., None\]"):
        layer(drawn(8, 28, 28))
    with pytest.raises(ShapeError, match="expected 4 axes"):
        layer(KerasTensor((None, 3, 8, 8, 2)))
    with pytest.raises(ShapeError, match="a window must fit into its input"):
        layer(drawn(1, 2, 8, 1))
    with pytest.raises(ArgumentError, match="needs to know the number of channels"):
        layer(KerasTensor((None, 8, 8, None)))
    assert not layer.built
    layer(drawn(1, 8, 8, 3))
    with pytest.raises(
        ShapeError, match="expected axis -1 of input shape to have value 3, but received input with shape"
    ):
        layer(drawn(1, 8, 8, 1))
    with pytest.raises(ShapeError, match="a window"):
        layer(drawn(1, 8, 1, 3))
    with pytest.raises(ShapeError, match=r"groups=2, but the input has 3 channels \(full input shape is"):
        layers.Conv2D(4, 3, groups=2)(drawn(1, 8, 8, 3))


def test_a_mask_is_not_passed_on() -> None:
    x = neurona.Tensor(drawn(2, 5, 2))
    x._keras_mask = neurona.Tensor(np.ones((2, 5), bool))
    with pytest.warns(UserWarning, match="does not support masking"):
        y = layers.Conv1D(3, 2)(x)
    assert getattr(y, "_keras_mask", None) is None


# -- whole networks --------------------------------------------------------------------------------------------------


def network(*middle: Any) -> neurona.Sequential:
    model = neurona.Sequential([layers.Input((8, 8, 2)), *middle, layers.Flatten(), layers.Dense(2)])
    model.compile(neurona.optimizers.SGD(0.05, momentum=0.9), "mean_squared_error")
    return model


def small() -> list[Any]:
    return [
        layers.Conv2D(4, 3, activation="relu"), layers.MaxPooling2D(), layers.BatchNormalization(),
        layers.SeparableConv2D(4, 3, padding="same", activation="gelu"), layers.SpatialDropout2D(0.3, seed=4),
        layers.ZeroPadding2D(), layers.Conv2DTranspose(3, 3, strides=2, padding="same"), layers.AveragePooling2D(2),
        layers.DepthwiseConv2D(2, strides=2, activation="tanh"), layers.UpSampling2D(interpolation="bilinear"),
        layers.AdaptiveMaxPooling2D(2),
    ]  # fmt: skip


def test_a_recorded_fit_is_the_fit_op_by_op() -> None:
    x, y = drawn(12, 8, 8, 2), drawn(12, 2)
    found = []
    for eagerly in (False, True):
        neurona.utils.set_random_seed(3)
        model = network(*small())
        model.compile(neurona.optimizers.SGD(0.05, momentum=0.9), "mean_squared_error", run_eagerly=eagerly)
        losses = model.fit(x, y, batch_size=4, epochs=2, verbose=0).history["loss"]
        found.append((losses, model.get_weights()))
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-5)
    for recorded, eager in zip(found[0][1], found[1][1], strict=True):
        np.testing.assert_allclose(recorded, eager, rtol=1e-4, atol=1e-5)


def test_a_network_is_saved_and_read(tmp_path: Any) -> None:
    model = network(*small())
    x = drawn(3, 8, 8, 2)
    model.train_on_batch(x, drawn(3, 2))
    model.save(tmp_path / "net.keras")
    again = neurona.models.load_model(tmp_path / "net.keras")
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
    assert again.get_config() == model.get_config()


@pytest.mark.parametrize("begin", [layers.Conv2D(3, 3), layers.DepthwiseConv2D(3), layers.Conv2DTranspose(3, 3)])
def test_large_numbers_are_told_even_if_a_later_layer_scales(begin: Any) -> None:
    model = network(begin, layers.BatchNormalization())
    with pytest.warns(LintWarning, match="unscaled-input"):
        model.fit(np.abs(drawn(8, 8, 8, 2)) * 255, drawn(8, 2), verbose=0)


def test_a_network_learns_where_a_square_is() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(0, 0.1, (64, 8, 8, 2)).astype("float32")
    places = rng.integers(0, 6, (64, 2))
    for picture, (i, j) in zip(x, places, strict=True):
        picture[i : i + 3, j : j + 3, 0] += 1
    neurona.utils.set_random_seed(0)
    model = network(layers.Conv2D(4, 3, activation="relu"))
    model.compile(neurona.optimizers.Adam(0.01), "mean_squared_error")
    losses = model.fit(x, (places / 5).astype("float32"), batch_size=16, epochs=25, verbose=0).history["loss"]
    assert losses[-1] < 0.05 < losses[0]
