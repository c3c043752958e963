"""Limits for a trial run: epochs and steps, by a setting or by the environment."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest

import neurona
from neurona import config


@pytest.fixture(autouse=True)
def _no_limits_after() -> Iterator[None]:
    yield
    config.set_max_epochs(None)
    config.set_max_steps_per_epoch(None)


def model() -> neurona.Sequential:
    made = neurona.Sequential([neurona.Input((2,)), neurona.layers.Dense(1)])
    made.compile("sgd", "mse")
    return made


def test_epochs() -> None:
    x, y = np.ones((8, 2)), np.ones((8, 1))
    config.set_max_epochs(2)
    assert config.max_epochs() == 2
    with pytest.warns(UserWarning, match="Limiting epochs to 2"):
        assert len(model().fit(x, y, epochs=5, verbose=0).epoch) == 2
    assert len(model().fit(x, y, epochs=1, verbose=0).epoch) == 1


def test_steps() -> None:
    x, y = np.ones((8, 2)), np.ones((8, 1))
    config.set_max_steps_per_epoch(3)
    assert config.max_steps_per_epoch() == 3
    made = model()
    with pytest.warns(UserWarning, match="Limiting steps_per_epoch to 3"):
        made.fit(x, y, batch_size=1, verbose=0)
    assert int(made.optimizer.iterations.numpy()) == 3
    with pytest.warns(UserWarning, match="Limiting steps_per_epoch to 3"):
        assert made.predict(x, batch_size=2, verbose=0).shape == (6, 1)
    made.fit(x, y, batch_size=1, steps_per_epoch=2, verbose=0)
    assert int(made.optimizer.iterations.numpy()) == 5


def test_the_environment() -> None:
    told = {**os.environ, "KERAS_MAX_EPOCHS": "4", "KERAS_MAX_STEPS_PER_EPOCH": "7"}
    code = "from neurona import config; print(config.max_epochs(), config.max_steps_per_epoch())"
    done = subprocess.run([sys.executable, "-c", code], env=told, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["4", "7"]
