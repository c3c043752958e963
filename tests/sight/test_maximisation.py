"""Made pictures excite what they were made for, within the range that pictures have."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurona import layers
from neurona.models import Sequential
from neurona.sight import colour_spread, find_stage, maximise_classes, maximise_units, stages_of
from neurona.sight.stages import Probe
from tests.sight.nets import branched, edges

SHORT: dict[str, Any] = {"steps": 30}


def test_an_edge_filter_is_given_its_edge() -> None:
    model = edges()
    stage = find_stage(stages_of(model), "edges")
    low, high = np.zeros((12, 12, 1)), np.ones((12, 12, 1))
    pictures, values = maximise_units(model, stage, [0, 1], low, high, octaves=1, jitter=0, **SHORT)
    assert pictures.shape == (2, 12, 12, 1)
    assert pictures.min() >= 0 and pictures.max() <= 1
    assert (values > 2.5).all()  # 3 is the most there can be
    window = pictures[:, 5:8, 5:8, 0]  # of the unit in the middle of 10x10
    assert (window[0, :, 2] > window[0, :, 0] + 0.7).all()
    assert (window[1, 2] > window[1, 0] + 0.7).all()


@pytest.mark.parametrize("name", ["first", "second", "third", "out"])
def test_units_are_excited_more_than_by_any_noise(name: str) -> None:
    model = branched()
    stage = find_stage(stages_of(model), name)
    low, high = np.full((16, 16, 3), -1.0), np.ones((16, 16, 3))
    _pictures, values = maximise_units(
        model, stage, [0, 1, 2], low, high, octaves=1, jitter=0, variation=0.0, decay=0.0, **SHORT
    )
    noise = np.random.default_rng(0).uniform(-1, 1, (200, 16, 16, 3)).astype("float32")
    answers = Probe(model, [stage.sums]).arrays(noise)[0]
    if answers.ndim == 4:
        answers = answers[:, answers.shape[1] // 2, answers.shape[2] // 2]
    assert (values >= answers[:, :3].max(axis=0)).all() and (values > 0).all()


def test_classes_win() -> None:
    model = edges()
    low, high = np.zeros((12, 12, 1)), np.full((12, 12, 1), 255.0)
    pictures, odds = maximise_classes(model, [1, 0], low, high, **SHORT)
    assert model.predict(pictures, verbose=0).argmax(axis=1).tolist() == [1, 0]
    assert (odds > 0).all() and pictures.max() > 200


def test_dense_networks_of_grey_pictures_too() -> None:
    model = Sequential([layers.Input((8, 8)), layers.Flatten(), layers.Dense(4, "softmax", name="quarters")])
    quarters = np.zeros((4, 8, 8), "float32")
    for k, (y, x) in enumerate(np.ndindex(2, 2)):
        quarters[k, 4 * y : 4 * y + 4, 4 * x : 4 * x + 4] = 1.0
    model.get_layer("quarters").set_weights([quarters.reshape(4, 64).T.copy(), np.zeros(4, "float32")])
    pictures, odds = maximise_classes(model, range(4), np.zeros((8, 8)), np.ones((8, 8)), jitter=0, **SHORT)
    assert pictures.shape == (4, 8, 8)
    assert (odds > 0).all()
    light = np.einsum("khw,qhw->kq", pictures, quarters)
    assert light.argmax(axis=1).tolist() == [0, 1, 2, 3]


def test_a_unit_that_is_silent_at_first_is_woken() -> None:
    model = edges()
    kernel, _bias = model.get_layer("edges").get_weights()
    model.get_layer("edges").set_weights([kernel, np.array([-0.8, -0.8], "float32")])  # faint noise does not reach it
    stage = stages_of(model)[0]
    _pictures, values = maximise_units(model, stage, [0, 1], np.zeros((12, 12, 1)), np.ones((12, 12, 1)), **SHORT)
    assert (values > 0).all()
    pictures, odds = maximise_classes(model, [0, 1], np.zeros((12, 12, 1)), np.ones((12, 12, 1)), **SHORT)
    assert (odds > 0).all() and pictures.any()


def test_a_seed_makes_the_same_picture() -> None:
    model, stage = edges(), stages_of(edges())[0]
    stage = stages_of(model)[0]
    low, high = np.zeros((12, 12, 1)), np.ones((12, 12, 1))
    one, again, other = (maximise_units(model, stage, [0], low, high, seed, steps=5)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


def test_variation_smooths() -> None:
    model = edges()
    stage = stages_of(model)[0]
    low, high = np.zeros((12, 12, 1)), np.ones((12, 12, 1))

    def roughness(variation: float) -> float:
        picture = maximise_units(model, stage, [0], low, high, variation=variation, octaves=1, **SHORT)[0]
        return float(np.abs(np.diff(picture, axis=1)).sum() + np.abs(np.diff(picture, axis=2)).sum())

    assert roughness(0.5) < roughness(0.0)


def test_colours_that_go_together_stay_together() -> None:
    rng = np.random.default_rng(0)
    grey = np.repeat(rng.integers(0, 256, (20, 8, 8, 1)), 3, axis=3)
    root = colour_spread(grey)
    np.testing.assert_allclose(root, np.full((3, 3), 1 / 3), atol=1e-6)
    model = branched()
    low, high = np.zeros((16, 16, 3)), np.ones((16, 16, 3))
    pictures, _odds = maximise_classes(model, [0], low, high, colours=root, variation=0.0, **SHORT)
    free, _odds = maximise_classes(model, [0], low, high, variation=0.0, **SHORT)
    assert np.ptp(pictures, axis=-1).mean() < 0.5 * np.ptp(free, axis=-1).mean()
