"""A scene knows the range of pictures, a plain background, and what stages are worth showing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurona import layers
from neurona.errors import ArgumentError
from neurona.models import Sequential
from neurona.sight import Scene, find_stage
from neurona.tensor import Array
from tests.sight.nets import branched, edge_pictures, edges, prepare


@pytest.fixture
def scene() -> Scene:
    pictures, classes = edge_pictures(40)
    return Scene(edges(), prepare, pictures, classes, best=4)


def as_floats(pictures: Array) -> Array:
    return (np.asarray(pictures, "float32") - np.float32([100, 120, 140])) / np.float32(64)


def coloured(**settings: Any) -> Scene:
    pictures = np.random.default_rng(0).integers(0, 256, (20, 16, 16, 3), "uint8")
    pictures[:, [0, -1]] = [10, 20, 30]
    pictures[:, :, [0, -1]] = [10, 20, 30]
    return Scene(branched(), as_floats, pictures, np.arange(20) % 3, best=3, **settings)


def test_range_and_background_follow_the_preparation() -> None:
    scene = coloured()
    np.testing.assert_allclose(scene.high - scene.low, 255 / 64, rtol=1e-6)
    np.testing.assert_allclose(scene.cover[5, 5], as_floats(np.array([10, 20, 30])), rtol=1e-6)
    shown = scene.shown(as_floats(scene.pictures))
    np.testing.assert_array_equal(shown, scene.pictures)
    grey, classes = edge_pictures(4)
    np.testing.assert_array_equal(Scene(edges(), prepare, grey, classes).shown(prepare(grey)), grey)


def test_purity_beside_chance(scene: Scene) -> None:
    stage = find_stage(scene.stages, "edges")
    assert scene.purity(stage) == 1.0
    # four draws of two classes: 4, 3, 2 of one in 2/16, 8/16, 6/16 of all cases
    assert scene.purity_by_chance == pytest.approx((4 * 2 + 3 * 8 + 2 * 6) / 16 / 4, abs=0.01)


def test_patches_and_made_pictures_have_the_window_s_size(scene: Scene) -> None:
    stage = find_stage(scene.stages, "edges")
    assert [p.shape for p in scene.patches(stage, 0)] == [(3, 3)] * 4
    (made,) = scene.made_for_units(stage, [0], steps=20)
    assert made.shape == (3, 3) and made.dtype == np.uint8
    assert (made[:, 2].astype(int) - made[:, 0] > 150).all()
    dense = find_stage(scene.stages, "classes")
    assert [p.shape for p in scene.patches(dense, 1)] == [(12, 12)] * 4
    assert scene.made_for_units(dense, [0, 1], steps=3)[1].shape == (12, 12)
    assert scene.reach(stage) == 3 and scene.reach(dense) is None
    wide = coloured()
    third = find_stage(wide.stages, "third")
    assert wide.reach(third) == 16  # its window of 17 is larger than the picture
    assert [p.shape for p in wide.patches(third, 0)] == [(16, 16, 3)] * 3
    assert wide.made_for_units(third, [0], steps=3)[0].shape == (16, 16, 3)


def test_made_classes_are_sure() -> None:
    made, odds = coloured().made_for_classes([0, 2], steps=20)
    assert made.shape == (2, 16, 16, 3) and made.dtype == np.uint8
    again, _odds = coloured().made_for_classes([0, 2], steps=20)
    np.testing.assert_array_equal(made, again)
    assert odds.shape == (2,)


def test_places_are_maps_of_the_picture_s_size(scene: Scene) -> None:
    upright = np.zeros((12, 12), "uint8")
    upright[:, 6:] = 255
    found = scene.places(upright, 0)
    assert list(found) == ["Grad-CAM 10x10", "occlusion"]
    assert all(values.shape == (12, 12) for values in found.values())
    assert 4 <= found["Grad-CAM 10x10"].mean(axis=0).argmax() <= 7


def test_networks_without_maps_have_a_gradient_instead() -> None:
    model = Sequential([layers.Input((12, 12)), layers.Flatten(), layers.Dense(2)])
    pictures, classes = edge_pictures(10)
    scene = Scene(model, lambda p: np.asarray(p, "float32") / 255, pictures, classes)
    assert list(scene.places(pictures[0], 1)) == ["gradient", "occlusion"]
    assert scene.stages_with_maps() == []


def test_grad_cam_is_shown_where_it_says_most() -> None:
    assert [stage.name for stage in coloured().stages_with_maps()] == ["second", "third"]


@pytest.mark.parametrize("number", [-1, 2, 99])
def test_units_that_do_not_exist_are_told(scene: Scene, number: int) -> None:
    with pytest.raises(ArgumentError, match=f"'edges' has units 0 to 1; there is no unit {number}"):
        scene.unit(find_stage(scene.stages, "edges"), number)
