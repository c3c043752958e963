"""Models are pickled and copied whole: what they compute, and how they go on training."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from neurona import layers
from neurona.errors import NeuronaError
from neurona.models import Sequential
from neurona.utils import set_random_seed


def network(**settings: Any) -> Sequential:
    set_random_seed(1)
    model = Sequential([layers.Input((3,)), layers.Dense(4, activation="relu"), layers.Dense(1)], **settings)
    model.compile("adam", "mse")
    return model


def pickled(model: Any) -> Any:
    return pickle.loads(pickle.dumps(model))


@pytest.mark.parametrize("again", [pickled, copy.deepcopy])
def test_copies_compute_and_train_alike(again: Callable[[Any], Any]) -> None:
    model, rng = network(name="net"), np.random.default_rng(0)
    x, y = rng.random((8, 3)), rng.random((8, 1))
    model.fit(x, y, epochs=2, shuffle=False, verbose=0)
    other = again(model)
    assert other is not model and other.name == "net"
    np.testing.assert_array_equal(model.predict(x, verbose=0), other.predict(x, verbose=0))
    for one in (model, other):  # with the optimizer's state
        one.fit(x, y, epochs=2, shuffle=False, verbose=0)
    np.testing.assert_array_equal(model.predict(x, verbose=0), other.predict(x, verbose=0))


def test_models_that_never_trained_are_copied_without_a_word() -> None:
    model = network()
    other = copy.deepcopy(model)
    for ours, its in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, its)
    assert other.compiled


def test_code_is_not_pickled() -> None:
    model = Sequential([layers.Input((3,)), layers.Lambda(lambda x: x * 2)])
    with pytest.raises(NeuronaError):
        pickled(model)
