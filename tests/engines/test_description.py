"""What the other engine needs of a model before it comes into play: it runs without Keras."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import neurona
from neurona import engines, layers
from neurona.errors import MissingPackageError
from neurona.recognisers import RECOGNISERS

DRAWN = {
    "clothes/best": ["random_flip", "dropout", "dropout_1", "dropout_2"],
    "clothes/tutorial": [],
    "digits/best": ["random_rotation", "random_translation"],
    "digits/tutorial": ["dropout"],
    "objects/tutorial": [],
    "objects/quick": ["random_translation"],
    "reviews/lstm": [],
    "reviews/best": ["spatial_dropout1d", "dropout", "dropout_1"],
}


@pytest.mark.parametrize("name", DRAWN)
def test_layers_that_draw_are_known_and_can_be_left_out(name: str) -> None:
    neurona.utils.clear_session()
    recogniser, recipe = name.split("/")
    few = {"words": 60, "pairs": 40} if name == "reviews/best" else {}
    model = RECOGNISERS[recogniser].recipes[recipe].build(3, 1, 0, **few)
    assert engines.drawn_by_lot(model) == DRAWN[name]
    quiet = engines.without_chance(model)
    assert engines.drawn_by_lot(quiet) == []
    assert [layer.name for layer in quiet.layers] == [layer.name for layer in model.layers]
    for mine, its in zip(model.get_weights(), quiet.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, its)


def test_dropout_within_a_wrapped_layer_is_found() -> None:
    inner = layers.LSTM(2, recurrent_dropout=0.2)
    model = neurona.Sequential([layers.Input((3, 2)), layers.Bidirectional(inner, name="both"), layers.Dense(1)])
    model.compile("sgd", "mse")
    assert engines.drawn_by_lot(model) == ["both"]
    assert engines.drawn_by_lot(engines.without_chance(model)) == []


def test_without_chance_trains_as_it_applies() -> None:
    model = neurona.Sequential([layers.Input((4,)), layers.Dropout(0.5), layers.GaussianNoise(1.0), layers.Dense(2)])
    model.compile("sgd", "mse")
    x = np.ones((3, 4), "float32")
    assert not np.array_equal(model(x, training=True), model(x, training=False))
    quiet = engines.without_chance(model)
    np.testing.assert_array_equal(quiet(x, training=True), model(x, training=False))


def test_without_keras_the_command_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keras", None)
    model = neurona.Sequential([layers.Input((2,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(MissingPackageError, match=r"pip install 'neurona\[keras\]'"):
        engines.OnKeras(model)
    assert model.engine is None
