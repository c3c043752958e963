"""Grad-CAM and occlusion point at the part of the picture that decides."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurona import layers
from neurona.errors import ArgumentError
from neurona.models import Sequential
from neurona.sight import enlarged, find_stage, grad_cam, log_odds, occlusion, sensitivity, stages_of
from tests.sight.nets import UPRIGHT, branched, edges


def corners() -> Any:
    """Class 0 counts light pixels, class 1 dark ones; they may lie anywhere."""
    model = Sequential(
        [
            layers.Input((16, 16, 1)),
            layers.Conv2D(2, 1, activation="relu", name="light"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2, name="classes"),
        ]
    )
    model.get_layer("light").set_weights([np.array([[[[1.0, -1.0]]]], "float32"), np.array([-0.5, 0.5], "float32")])
    model.get_layer("classes").set_weights([np.array([[4.0, 0.0], [0.0, 1.0]], "float32"), np.zeros(2, "float32")])
    return model


def lit(rows: slice, columns: slice, ground: float = 0.5) -> Any:
    picture = np.full((16, 16, 1), ground, "float32")
    picture[rows, columns] = 1.0
    return picture


@pytest.mark.parametrize(("rows", "columns"), [(slice(0, 4), slice(0, 4)), (slice(10, 16), slice(0, 5))])
def test_grad_cam_lights_the_corner_that_speaks_for_the_class(rows: slice, columns: slice) -> None:
    model = corners()
    stage = find_stage(stages_of(model), "light")
    found = grad_cam(model, stage, lit(rows, columns)[np.newaxis], [0])
    assert found.shape == (1, 16, 16)
    inside = np.zeros((16, 16), bool)
    inside[rows, columns] = True
    # by hand: the weight of map 0 is 4 / 256, its value 1 - 0.5
    np.testing.assert_allclose(found[0, inside], 0.5 * 4 / 256, rtol=1e-5)
    assert not found[0, ~inside].any()
    assert not grad_cam(model, stage, lit(rows, columns)[np.newaxis], [1]).any()


def test_grad_cam_explains_each_picture_s_own_class() -> None:
    model = edges()
    stage = find_stage(stages_of(model), "edges")
    x = np.zeros((2, 12, 12, 1), "float32")
    x[:, :6, 6:] = 1.0  # an upright edge above, a level one on the right, which gets darker: no answer
    x[1] = x[1].transpose(1, 0, 2).copy()
    upright, level = grad_cam(model, stage, x, [0, 1])
    assert upright[:4, 4:6].all() and not upright[:, :3].any() and not upright[6:].any()
    np.testing.assert_allclose(level, upright.T, atol=1e-7)
    both = grad_cam(model, stage, x, [1, 0])
    assert not both.any()


def test_grad_cam_of_a_layer_without_maps_is_refused() -> None:
    model = edges()
    with pytest.raises(ArgumentError, match=r"the layer 'classes' has none\. Occlusion works"):
        grad_cam(model, find_stage(stages_of(model), "classes"), np.zeros((1, 12, 12, 1)), [0])


def test_occlusion_finds_the_patch_that_matters() -> None:
    picture = lit(slice(9, 13), slice(2, 6))
    found = occlusion(corners(), picture, 0, 0.5, side=4, step=1)
    y, x = np.unravel_index(found.argmax(), found.shape)
    assert 9 <= y < 13 and 2 <= x < 6
    assert found[11, 4] > 0 and not found[:6].any() and not found[:, 9:].any()
    other = occlusion(corners(), picture, 1, 0.5, side=4, step=1)
    np.testing.assert_allclose(other, -found, rtol=1e-4, atol=1e-7)  # two classes: what hurts one serves the other


@pytest.mark.parametrize(("side", "step"), [(4, 3), (16, 1), (30, 5), (5, 100)])
def test_occlusion_covers_every_pixel(side: int, step: int) -> None:
    found = occlusion(corners(), lit(slice(0, 16), slice(0, 16)), 0, 0.5, side, step)
    assert found.shape == (16, 16) and (found > 0).all()


def test_occlusion_by_hand_and_in_any_batches() -> None:
    model, picture = branched(), np.random.default_rng(0).random((16, 16, 3), "float32")
    cover = np.random.default_rng(1).random((16, 16, 3), "float32")
    found = occlusion(model, picture, 2, cover, side=8, step=8)
    again = occlusion(model, picture, 2, cover, side=8, step=8, batch_size=3)
    np.testing.assert_allclose(found, again, rtol=1e-4, atol=1e-5)
    covered = picture.copy()
    covered[:8, 8:] = cover[:8, 8:]
    before, after = (float(p[2] / (1 - p[2])) for p in model.predict(np.stack([picture, covered]), verbose=0))
    np.testing.assert_allclose(found[:8, 8:], np.log(before / after), rtol=1e-3, atol=1e-4)


def test_log_odds_do_not_saturate() -> None:
    z = np.array([[1000.0, 0.0, 0.0], [1.0, 2.0, 0.5]])
    assert log_odds(z, 0)[0] == pytest.approx(1000 - np.log(2))
    p = np.exp(z[1]) / np.exp(z[1]).sum()
    assert log_odds(z, 1)[1] == pytest.approx(np.log(p[1] / (1 - p[1])))


def test_sensitivity_of_a_dense_network_is_its_weights() -> None:
    model = Sequential([layers.Input((3, 3)), layers.Flatten(), layers.Dense(2, name="d")])
    kernel = np.stack([UPRIGHT.ravel(), np.arange(9.0)], axis=1).astype("float32")
    model.get_layer("d").set_weights([kernel, np.zeros(2, "float32")])
    x = np.random.default_rng(0).random((2, 3, 3))
    found = sensitivity(model, x, [0, 1])
    np.testing.assert_allclose(found, np.abs(kernel.T).reshape(2, 3, 3), rtol=1e-6)
    np.testing.assert_allclose(sensitivity(model, x, [0, 1], samples=3, noise=0.1), found, rtol=1e-5)


def test_sensitivity_takes_the_strongest_colour_and_repeats_its_noise() -> None:
    model, x = branched(), np.random.default_rng(0).random((2, 16, 16, 3), "float32")
    found = sensitivity(model, x, [0, 1], samples=4, noise=0.1, seed=5)
    assert found.shape == (2, 16, 16) and found.any()
    np.testing.assert_array_equal(found, sensitivity(model, x, [0, 1], samples=4, noise=0.1, seed=5))
    assert (found != sensitivity(model, x, [0, 1], samples=4, noise=0.1, seed=6)).any()


def test_enlarged_keeps_corners_and_constants() -> None:
    small = np.array([[0.0, 1.0], [2.0, 3.0]])
    found = enlarged(small, 8, 6)
    assert found.shape == (8, 6)
    assert [found[0, 0], found[0, -1], found[-1, 0], found[-1, -1]] == [0, 1, 2, 3]
    assert found.mean() == pytest.approx(1.5)
    np.testing.assert_allclose(enlarged(np.full((3, 3), 2.0), 7, 5), 2.0)
