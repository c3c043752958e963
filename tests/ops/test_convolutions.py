"""Convolutions: worked by hand, by naive loops over drawn settings, and as placeholders; what "same" and "causal" pad."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurona import Tensor, config, ops
from neurona.errors import ShapeError
from neurona.ops import fused
from neurona.symbolic import KerasTensor
from neurona.tape import Tape


def naive_convolution(
    x: np.ndarray, kernel: np.ndarray, strides: Any, pads: Any, dilation: Any, groups: int
) -> np.ndarray:
    """The definition, one number at a time."""
    size = kernel.shape[:-2]
    x = np.pad(x, ((0, 0), *pads, (0, 0)))
    out = [(n - d * (k - 1) - 1) // s + 1 for n, k, s, d in zip(x.shape[1:-1], size, strides, dilation, strict=True)]
    y = np.zeros((x.shape[0], *out, kernel.shape[-1]), x.dtype)
    each, filters = kernel.shape[-2], kernel.shape[-1] // groups
    for n, f in itertools.product(range(x.shape[0]), range(kernel.shape[-1])):
        first = f // filters * each
        for place in np.ndindex(*out):
            for tap in np.ndindex(*size):
                at = tuple(p * s + t * d for p, s, t, d in zip(place, strides, tap, dilation, strict=True))
                for c in range(each):
                    y[(n, *place, f)] += x[(n, *at, first + c)] * kernel[(*tap, c, f)]
    return y


@st.composite
def convolutions(draw: st.DrawFn) -> dict[str, Any]:
    rank = draw(st.integers(1, 3))

    def numbers(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(low, high)) for _ in range(rank))

    size, dilation, groups = numbers(1, 3), numbers(1, 2), draw(st.integers(1, 2))
    pads = tuple(zip(numbers(0, 2), numbers(0, 2), strict=True))
    least = [max(1, d * (k - 1) + 1 - sum(p)) for k, d, p in zip(size, dilation, pads, strict=True)]
    return {
        "space": tuple(low + draw(st.integers(0, 3)) for low in least),
        "size": size,
        "samples": draw(st.integers(0, 3)),
        "each": draw(st.sampled_from([1, 2, 9])),
        "filters": draw(st.integers(1, 2)) * groups,
        "settings": {"strides": numbers(1, 3), "pads": pads, "dilation": dilation, "groups": groups},
    }


@settings(max_examples=60, deadline=None, derandomize=True)
@given(convolutions(), st.sampled_from(["float32", "float64"]))
def test_convolve_is_the_naive_loop(drawn: dict[str, Any], dtype: str) -> None:
    rng, attributes = np.random.default_rng(0), drawn["settings"]
    x = rng.standard_normal((drawn["samples"], *drawn["space"], drawn["each"] * attributes["groups"])).astype(dtype)
    kernel = rng.standard_normal((*drawn["size"], drawn["each"], drawn["filters"])).astype(dtype)
    wanted = naive_convolution(x, kernel, *attributes.values())
    y = fused.convolve(x, kernel, None, **attributes)
    assert y.dtype == dtype
    np.testing.assert_allclose(y.numpy(), wanted, rtol=1e-4, atol=1e-4 if dtype == "float32" else 1e-12)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(convolutions())
def test_transposed_is_the_adjoint(drawn: dict[str, Any]) -> None:
    """<convolve(a), b> = <a, convolve_transposed(b)>: the definition of a transposed map."""
    rng = np.random.default_rng(1)
    attributes = {k: v for k, v in drawn["settings"].items() if k != "groups"}
    a = rng.standard_normal((drawn["samples"], *drawn["space"], drawn["each"]))
    kernel = rng.standard_normal((*drawn["size"], drawn["each"], drawn["filters"]))
    forward = fused.convolve(a, kernel, None, **attributes).numpy()
    b = rng.standard_normal(forward.shape)
    back = fused.convolve_transposed(b, kernel, None, shape=drawn["space"], **attributes).numpy()
    assert back.shape == a.shape
    np.testing.assert_allclose(np.sum(forward * b), np.sum(a * back), rtol=1e-10, atol=1e-10)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(convolutions(), st.integers(1, 3))
def test_depthwise_is_a_convolution_of_as_many_groups_as_channels(drawn: dict[str, Any], multiplier: int) -> None:
    rng = np.random.default_rng(2)
    attributes = {k: v for k, v in drawn["settings"].items() if k != "groups"}
    channels = drawn["each"]
    x = rng.standard_normal((drawn["samples"], *drawn["space"], channels))
    kernel = rng.standard_normal((*drawn["size"], channels, multiplier))
    grouped = kernel.reshape(*drawn["size"], 1, channels * multiplier)
    np.testing.assert_allclose(
        fused.depthwise(x, kernel, None, **attributes).numpy(),
        fused.convolve(x, grouped, None, groups=channels, **attributes).numpy(),
        atol=1e-12,
    )


def test_many_samples_are_worked_in_blocks() -> None:
    """More than fits in one block of columns: nothing is lost between the blocks."""
    rng = np.random.default_rng(0)
    x, kernel = rng.standard_normal((70, 12, 11, 8)), rng.standard_normal((5, 5, 8, 3))
    whole = fused.convolve(x, kernel).numpy()
    for i in (0, 33, 69):
        np.testing.assert_allclose(whole[i : i + 1], fused.convolve(x[i : i + 1], kernel).numpy(), atol=1e-12)
    g = rng.standard_normal(whole.shape)
    needs = (True, True, True)
    dx, dkernel, dbias = fused.convolve.backward(g, whole, [x, kernel, np.zeros(3)], {}, needs)
    parts = [
        fused.convolve.backward(g[i : i + 1], whole[i : i + 1], [x[i : i + 1], kernel, np.zeros(3)], {}, needs)
        for i in range(70)
    ]
    np.testing.assert_allclose(dx, np.concatenate([p[0] for p in parts]), atol=1e-12)
    np.testing.assert_allclose(dkernel, sum(p[1] for p in parts), atol=1e-10)
    np.testing.assert_allclose(dbias, sum(p[2] for p in parts), atol=1e-10)


def test_worked_by_hand() -> None:
    x = np.array([1.0, 2.0, 4.0, 8.0]).reshape(1, 4, 1)
    difference = np.array([1.0, 0.0, -1.0]).reshape(3, 1, 1)
    cases = {
        ("valid", 1, 1): [-3, -6],
        ("same", 1, 1): [-2, -3, -6, 4],
        ("same", 2, 1): [-3, 4],  # one padded place, and that at the end: windows 1 2 4 and 4 8 0
        ("causal", 1, 1): [-1, -2, -3, -6],
        ("causal", 1, 2): [-1, -2, -4, -8],
        ("causal", 2, 1): [-1, -3],
        ("same", 1, 2): [-4, -8, 1, 2],
    }
    for (padding, strides, dilation), wanted in cases.items():
        y = ops.conv(x, difference, strides, padding, dilation_rate=dilation).numpy()
        assert y[0, :, 0].tolist() == wanted, (padding, strides, dilation)


def test_convolve_pool_is_the_three_steps() -> None:
    rng = np.random.default_rng(0)
    x, kernel, bias = rng.standard_normal((3, 7, 6, 2)), rng.standard_normal((3, 3, 2, 4)), rng.standard_normal(4)
    pads = ((1, 1), (2, 0))
    for activation in ("linear", "relu"):
        tape_fused, tape_steps = Tape(), Tape()
        inputs = [Tensor(a) for a in (x, kernel, bias)]
        with tape_fused as tape:
            tape.watch(*inputs)
            y, where = fused.convolve_pool(*inputs, pads=pads, activation=activation)
        with tape_steps as tape:
            tape.watch(*inputs)
            z = fused.convolve(*inputs, pads=pads, activation=activation)
            wanted, places = fused.max_pool_places(z, size=(2, 2), strides=(2, 2), pads=((0, 0), (0, 0)))
        np.testing.assert_allclose(y.numpy(), wanted.numpy(), atol=1e-12)
        dead = (y.numpy() == 0) & (activation == "relu")
        assert dead.any() == (activation == "relu")
        assert where.dtype == "uint8"
        np.testing.assert_array_equal(where.numpy(), np.where(dead, 4, places.numpy()))
        g = rng.standard_normal(y.shape)
        for mine, theirs in zip(tape_fused.gradient(y, inputs, g), tape_steps.gradient(wanted, inputs, g), strict=True):
            np.testing.assert_allclose(mine.numpy(), theirs.numpy(), atol=1e-12)


def test_of_equal_sums_the_first_takes_the_gradient() -> None:
    x, centre = np.ones((1, 2, 2, 1)), np.zeros((3, 3, 1, 1))
    centre[1, 1] = 1
    y, where = fused.convolve_pool(x, centre, pads=((1, 1), (1, 1)))
    assert where.numpy().ravel().tolist() == [0]
    dx, _, _ = fused.convolve_pool.backward(
        (np.ones((1, 1, 1, 1)), None),
        (y.numpy(), where.numpy()),
        [x, centre, None],
        {"pads": ((1, 1), (1, 1))},
        (True, False, False),
    )
    assert dx[0, :, :, 0].tolist() == [[1, 0], [0, 0]]


def test_channels_first_is_the_same_with_axes_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    x, kernel = rng.standard_normal((2, 5, 6, 3)), rng.standard_normal((3, 3, 3, 4))
    last = ops.conv(x, kernel, 2, "same").numpy()
    moved = np.moveaxis(x, -1, 1)
    np.testing.assert_allclose(np.moveaxis(ops.conv(moved, kernel, 2, "same", "channels_first").numpy(), 1, -1), last)
    monkeypatch.setitem(config._settings, "image_data_format", "channels_first")
    np.testing.assert_allclose(np.moveaxis(ops.conv(moved, kernel, 2, "same").numpy(), 1, -1), last)


def test_placeholders_have_the_result_of_real_calls() -> None:
    """Open axes stay open, and nothing is computed: an impossible size would take minutes."""

    def hold(*shape: int | None) -> KerasTensor:
        return KerasTensor(shape)

    assert ops.conv(hold(None, 28, 28, 3), hold(3, 3, 3, 8)).shape == (None, 26, 26, 8)
    assert ops.conv(hold(None, None, None, 3), hold(7, 7, 3, 8), 2, "same").shape == (None, None, None, 8)
    assert ops.conv(hold(None, None, 9, 3), np.zeros((7, 7, 3, 8))).shape == (None, None, 3, 8)
    assert ops.conv(hold(10**6, 3, 10**4, 10**4), hold(3, 3, 3, 8), data_format="channels_first").shape == (
        10**6, 8, 9998, 9998,
    )  # fmt: skip
    assert ops.depthwise_conv(hold(None, None, 9, 3), hold(3, 3, 3, 2)).shape == (None, None, 7, 6)
    assert ops.separable_conv(hold(None, 9, 3), hold(3, 3, 2), hold(1, 6, 5), 2).shape == (None, 4, 5)
    assert ops.conv_transpose(hold(None, None, 9, 3), hold(3, 3, 2, 3), 2, "same").shape == (None, None, 18, 2)
    assert ops.conv_transpose(hold(None, 4, 9, 3), hold(2, 2, 5, 3), 3).shape == (None, 12, 27, 5)
    with pytest.raises(ShapeError, match="zero or negative"):
        ops.conv(hold(None, 2, 2, 3), hold(3, 3, 3, 8))


def test_a_model_drawn_with_open_sizes_computes_any() -> None:
    from neurona import Input, Model

    kernel = np.random.default_rng(0).standard_normal((3, 3, 2, 4)).astype("float32")
    pictures = Input((None, None, 2))
    model = Model(pictures, ops.max_pool(ops.relu(ops.conv(pictures, kernel, padding="same")), 2))
    assert model.output_shape == (None, None, None, 4)
    for size in (6, 9):
        assert model(np.ones((2, size, size, 2), "float32")).shape == (2, size // 2, size // 2, 4)


def test_integers_become_floats_and_types_meet() -> None:
    y = ops.conv(np.ones((1, 3, 1), "int32"), np.ones((2, 1, 1), "float32"))
    assert y.dtype == "float32"
    assert ops.conv(np.ones((1, 3, 1), "float64"), np.ones((2, 1, 1), "float64")).dtype == "float64"


def test_inputs_of_any_memory_order() -> None:
    rng = np.random.default_rng(0)
    x, kernel = rng.standard_normal((2, 6, 5, 9)).astype("float32"), rng.standard_normal((3, 3, 9, 4)).astype("float32")
    wanted = ops.conv(x, kernel).numpy()
    backwards = np.ascontiguousarray(x[:, ::-1, ::-1])[:, ::-1, ::-1]
    np.testing.assert_allclose(ops.conv(backwards, np.asfortranarray(kernel)).numpy(), wanted, rtol=1e-5, atol=1e-5)
