"""The functions for pictures against loops and by hand; their agreement with Keras is in test_golden_images."""

from __future__ import annotations

import colorsys
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurona import KerasTensor, kernels, ops
from neurona.gradient_check import gradcheck

RNG = np.random.default_rng(7)
image = ops.image


def place(c: float, length: int, mode: str) -> float:
    """A coordinate brought inside, one number at a time."""
    if mode == "nearest":
        return min(max(c, 0.0), length - 1.0)
    if mode == "reflect":
        while not -0.5 <= c <= length - 0.5:
            c = -1 - c if c < -0.5 else 2 * length - 1 - c
        return min(max(c, 0.0), length - 1.0)
    return c


def naive(x: np.ndarray, t: np.ndarray, interpolation: str, mode: str, value: float) -> np.ndarray:
    """`affine_transform` of one picture, pixel by pixel."""
    height, width, channels = x.shape

    def pixel(i: int, j: int) -> np.ndarray:
        inside = 0 <= i < height and 0 <= j < width
        return x[i, j] if inside else np.full(channels, value)

    y = np.zeros(x.shape)
    for i in range(height):
        for j in range(width):
            k = t[6] * j + t[7] * i + 1
            u = place((t[0] * j + t[1] * i + t[2]) / k, width, mode)
            v = place((t[3] * j + t[4] * i + t[5]) / k, height, mode)
            if interpolation == "nearest":
                y[i, j] = pixel(math.floor(v + 0.5), math.floor(u + 0.5))
                continue
            a, b = math.floor(v), math.floor(u)
            for di, dj in ((0, 0), (0, 1), (1, 0), (1, 1)):
                y[i, j] += (1 - abs(v - a - di)) * (1 - abs(u - b - dj)) * pixel(a + di, b + dj)
    return y


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("mode", ["constant", "nearest", "reflect"])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_affine_as_in_a_loop(interpolation: str, mode: str, compiled: bool) -> None:
    rng = np.random.default_rng(11)
    for n, height, width, channels in ((3, 5, 4, 1), (2, 3, 7, 3), (1, 2, 2, 2), (2, 1, 4, 1), (2, 4, 1, 2)):
        x = rng.random((n, height, width, channels))
        for kind in range(4):
            t = rng.uniform(-1.6, 1.6, (n, 8))
            t[:, 6:] = rng.uniform(0, 0.1, (n, 2)) if kind == 3 else 0
            t[:, [2, 5]] *= 4
            if kind < 2:
                t[:, [1, 3]] = 0  # along the axes
            if kind == 0:
                t[:, [0, 4]] = 1
            t, x = t.astype("float32"), x.astype("float32")
            wanted = [naive(*pair, interpolation, mode, 0.3) for pair in zip(x, t.astype("float64"), strict=True)]
            if compiled:
                y = image.affine_transform(x, t, interpolation, mode, 0.3)
            else:
                with kernels.disabled():
                    y = image.affine_transform(x, t, interpolation, mode, 0.3)
            np.testing.assert_allclose(y.numpy(), wanted, atol=3e-5)


def test_affine_wraps_whole_pixels() -> None:
    x = np.arange(4.0).reshape(1, 4, 1)
    for move, wanted in ((0, [0, 1, 2, 3]), (1, [1, 2, 3, 0]), (-1, [3, 0, 1, 2]), (2, [2, 3, 0, 1])):
        y = image.affine_transform(x, [1, 0, move, 0, 1, 0, 0, 0], "nearest", "wrap")
        np.testing.assert_array_equal(y.numpy()[0, :, 0], wanted)


def test_affine_takes_one_transform_for_all_and_any_type() -> None:
    x, t = RNG.integers(0, 255, (3, 4, 5, 2)), np.array([1, 0, 0.5, 0, 1, -1, 0, 0], "float32")
    each = image.affine_transform(x.astype("float32"), np.tile(t, (3, 1)), fill_value=9.0).numpy()
    np.testing.assert_allclose(image.affine_transform(x.astype("float32"), t, fill_value=9.0).numpy(), each)
    for dtype in ("uint8", "int32", "float16", "float64"):
        y = image.affine_transform(x.astype(dtype), t, fill_value=9.0)
        assert y.dtype == dtype
        np.testing.assert_allclose(y.numpy().astype("float64"), np.trunc(each) if "int" in dtype else each, rtol=1e-3)
    infinite = np.array([1, 0, 0, 0, 1, 0, -1, 0], "float32")  # k is 0 in the second column
    for mode in ("constant", "reflect"):
        y = image.affine_transform(x.astype("float32"), infinite, fill_mode=mode, fill_value=-7.0).numpy()
        assert (y[:, :, 1] == -7.0).all() and (y[:, :, 0] != -7.0).any()


def test_empty_batches() -> None:
    x = np.zeros((0, 3, 4, 1), "float32")
    assert image.affine_transform(x, np.zeros(8, "float32")).shape == x.shape
    assert image.resize(x, (5, 2)).shape == (0, 5, 2, 1)
    assert image.gaussian_blur(x).shape == x.shape
    assert image.rgb_to_grayscale(np.zeros((0, 2, 2, 3), "float32")).shape == (0, 2, 2, 1)


# -- resize ---------------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["nearest", "bilinear", "bicubic", "lanczos3", "lanczos5", "area"]), st.booleans(),
    *[st.integers(1, 9)] * 4,
)  # fmt: skip
def test_resize_keeps_constants_and_symmetry(
    method: str, antialias: bool, height: int, width: int, new_height: int, new_width: int
) -> None:
    size = (new_height, new_width)
    flat = image.resize(np.full((1, height, width, 2), 3.25), size, method, antialias).numpy()
    np.testing.assert_allclose(flat, 3.25, rtol=1e-12)
    if method == "nearest":
        return  # which of two equally near pixels is taken depends on the side
    x = RNG.random((1, height, width, 1))
    y = image.resize(x, size, method, antialias).numpy()
    turned = image.resize(x[:, ::-1, ::-1], size, method, antialias).numpy()
    np.testing.assert_allclose(turned, y[:, ::-1, ::-1], atol=1e-6)


def test_resize_by_hand() -> None:
    x = np.array([0.0, 4.0, 8.0, 20.0]).reshape(1, 4, 1)
    for method, antialias, wanted in (
        ("nearest", False, [4, 20]), ("bilinear", False, [2, 14]), ("area", False, [2, 14]),
        ("bilinear", True, [20 / 7, 88 / 7]),  # weights 3 3 1 0 and 0 1 3 3
    ):  # fmt: skip
        y = image.resize(x, (1, 2), method, antialias).numpy()[0, :, 0]
        np.testing.assert_allclose(y, wanted, rtol=1e-6, err_msg=f"{method} {antialias}")


def test_resize_keeps_the_aspect() -> None:
    x = np.arange(8.0).reshape(2, 4, 1)
    cropped = image.resize(x, (1, 1), "area", crop_to_aspect_ratio=True).numpy()
    assert cropped.item() == np.mean([1, 2, 5, 6])
    padded = image.resize(x, (4, 4), "nearest", pad_to_aspect_ratio=True, fill_value=-1.0).numpy()[..., 0]
    np.testing.assert_array_equal(padded, [[-1] * 4, [0, 1, 2, 3], [4, 5, 6, 7], [-1] * 4])


# -- the others -----------------------------------------------------------------------------------------------------


def test_crop_undoes_pad() -> None:
    x = RNG.random((2, 3, 4, 1))
    framed = image.pad_images(x, 1, 2, 3, 4)
    assert framed.shape == (2, 7, 10, 1) and float(ops.sum(framed)) == pytest.approx(x.sum())
    np.testing.assert_array_equal(image.crop_images(framed, 1, 2, 3, 4).numpy(), x)
    np.testing.assert_array_equal(image.crop_images(framed, 1, 2, target_height=3, target_width=4).numpy(), x)


def test_hsv_as_in_the_standard_library() -> None:
    colours = np.concatenate([RNG.random((30, 3)), np.array([[0, 0, 0], [1, 1, 1], [1, 0, 0], [0, 1, 1], [1, 1, 0]])])
    hsv = image.rgb_to_hsv(colours[None]).numpy()[0]
    np.testing.assert_allclose(hsv, [colorsys.rgb_to_hsv(*c) for c in colours], atol=1e-12)
    np.testing.assert_allclose(image.hsv_to_rgb(hsv[None]).numpy()[0], colours, atol=1e-12)


def test_grey_of_bytes_stays_bytes() -> None:
    y = image.rgb_to_grayscale(np.array([[[255, 255, 255], [10, 20, 30]]], "uint8"))
    assert y.dtype == "uint8"
    np.testing.assert_array_equal(y.numpy()[0, :, 0], [254, 18])


def test_blur_of_a_point_is_the_bell() -> None:
    x = np.zeros((1, 7, 7, 2))
    x[0, 3, 3, 1] = 1
    y = image.gaussian_blur(x, (5, 5), (1.0, 2.0)).numpy()[0]
    assert not y[..., 0].any()
    across, down = (np.exp(-0.5 * (np.arange(-2, 3) / s) ** 2) for s in (1.0, 2.0))
    np.testing.assert_allclose(y[1:6, 1:6, 1], np.outer(down / down.sum(), across / across.sum()), rtol=1e-12)


def test_perspective_puts_points_where_told() -> None:
    x = np.zeros((1, 9, 9, 1), "float32")
    start, end = np.float32([[1, 1], [6, 2], [2, 7], [6, 6]]), np.float32([[0, 2], [8, 1], [1, 8], [7, 5]])
    for (u, v), (to_u, to_v) in zip(start.astype(int), end.astype(int), strict=True):
        point = x.copy()
        point[0, v, u] = 1
        assert image.perspective_transform(point, start, end).numpy()[0, to_v, to_u, 0] == pytest.approx(1, abs=1e-4)
    image.perspective_transform(x, start * 0, end * 0)  # no such map: the nearest one, and no failure


@pytest.mark.parametrize("mode", ["constant", "nearest", "wrap", "mirror", "reflect"])
def test_map_coordinates_outside(mode: str) -> None:
    x = np.array([1.0, 2.0, 3.0, 4.0])
    padding = {"constant": "constant", "nearest": "edge", "wrap": "wrap", "mirror": "reflect", "reflect": "symmetric"}
    wanted = np.pad(x, 9, mode=padding[mode])
    y = image.map_coordinates(x, np.arange(-9.0, 13.0)[None], 1, mode).numpy()
    np.testing.assert_allclose(y, wanted)
    halves = image.map_coordinates(x, np.arange(-8.5, 12.0)[None], 1, mode).numpy()
    np.testing.assert_allclose(halves, (wanted[1:] + wanted[:-1])[:21] / 2)
    one = image.map_coordinates(x[:1], np.arange(-3.0, 4.0)[None], 1, mode).numpy()
    np.testing.assert_allclose(one, 1 if mode != "constant" else np.arange(-3, 4) == 0)


def test_gradient_through_wide_batches() -> None:
    """More pixels than are read at once, one transform for all."""
    x, t = RNG.random((2, 3, 3, 1)), RNG.uniform(0.1, 0.4, (1, 8))
    assert gradcheck(lambda a, b: image.affine_transform(a, b[0], fill_mode="wrap"), x, t, tolerance=1e-6).checked == 26


def test_elastic_transform_bends_smoothly_and_repeatably() -> None:
    ramp = np.broadcast_to(np.arange(32.0)[None, None, :, None], (2, 32, 32, 1)).astype("float32")
    bent = ops.image.elastic_transform(ramp, alpha=5.0, sigma=3.0, seed=1).numpy()
    np.testing.assert_array_equal(bent, ops.image.elastic_transform(ramp, alpha=5.0, sigma=3.0, seed=1))
    inside = (bent - ramp)[:, 8:-8, 8:-8, 0]
    assert 0.3 < np.abs(inside).max() < 8.0
    assert np.abs(np.diff(inside, axis=1)).max() < 0.5 * np.abs(inside).max()  # neighbours move alike
    assert np.abs(inside[0] - inside[1]).max() > 0.1  # each picture in a way of its own
    assert (ops.image.elastic_transform(ramp, sigma=3.0) != ops.image.elastic_transform(ramp, sigma=3.0)).numpy().any()


def test_elastic_transform_keeps_shape_and_type() -> None:
    pictures = np.full((3, 8, 6), 7, "uint8")
    bent = ops.image.elastic_transform(pictures, data_format="channels_first", seed=2)
    assert bent.shape == (3, 8, 6) and bent.dtype == "uint8" and (bent.numpy() == 7).all()
    assert ops.image.elastic_transform(KerasTensor((None, None, 8, 3))).shape == (None, None, 8, 3)
