"""The kernel that reads pictures at other places: against the NumPy reference, on any number of threads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurona.ops.image.sampling import FILL_MODES, warp


@pytest.fixture
def function(native: Any) -> Any:
    return native.warp


def drawn(n: int, height: int, width: int, channels: int, kind: str) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n * 100 + height + width)
    transforms = rng.uniform(-1.7, 1.7, (n, 8)).astype("float32")
    transforms[:, [2, 5]] *= 3 * max(height, width)
    transforms[:, 6:] = rng.uniform(0.0, 0.2, (n, 2)) if kind == "projective" else 0
    if kind == "axes":
        transforms[:, [1, 3]] = 0
    return rng.random((n, height, width, channels), dtype="float32"), transforms


@pytest.mark.parametrize("mode", FILL_MODES)
@pytest.mark.parametrize("kind", ["axes", "affine", "projective"])
def test_agrees_with_the_reference(function: Any, mode: str, kind: str) -> None:
    for shape in ((3, 5, 4, 1), (70, 2, 3, 3), (2, 28, 28, 1), (1, 9, 2, 5)):
        x, transforms = drawn(*shape, kind)
        for interpolation in ("nearest", "bilinear"):
            y = function(x, transforms, int(interpolation == "nearest"), FILL_MODES.index(mode), 0.25)
            wanted = warp.reference(x, transforms, interpolation, mode, 0.25)
            off = np.abs(y - wanted) > 1e-4
            # a place that is on the border between two pixels within rounding may fall to either
            assert off.mean() <= (0.002 if interpolation == "nearest" or mode == "wrap" else 0.0)


def test_threads_change_nothing(native: Any) -> None:
    x, transforms = drawn(50, 12, 11, 3, "affine")
    results = []
    for threads in (1, 4):
        native.set_threads(threads)
        results.append(native.warp(x, transforms, 0, 3, 0.0))
    np.testing.assert_array_equal(*results)


def test_places_that_are_no_numbers_stay_inside(function: Any) -> None:
    x = np.ones((4, 3, 3, 1), "float32")
    for bad in (np.nan, np.inf, -np.inf, 1e30):
        for place in range(8):
            transforms = np.tile(np.array([1, 0.1, 0, 0.1, 1, 0, 0, 0], "float32"), (4, 1))
            transforms[1, place] = bad
            for mode in range(4):
                y = function(x, transforms, 0, mode, 1.0)
                np.testing.assert_allclose(y[[0, 2, 3]], 1.0, rtol=1e-5)


def test_what_is_not_its_case(function: Any) -> None:
    x, transforms = drawn(2, 4, 4, 1, "affine")
    for images, others in (
        (x.astype("float64"), transforms), (x, transforms.astype("float64")), (x[:, ::2], transforms), (x[0], transforms),
        (x, transforms[:, :6].copy()), (x, np.tile(transforms, (2, 1))), (x[:, :1].copy(), transforms), (x[:0], transforms),
        (x, transforms[:, ::-1]), (None, transforms), (x, None),
    ):  # fmt: skip
        assert function(images, others, 0, 0, 0.0) is NotImplemented
    assert function(x, transforms, 0, 4, 0.0) is NotImplemented
    with pytest.raises(TypeError):
        function(x, transforms)
