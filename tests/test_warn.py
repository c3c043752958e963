"""Warnings point at the line of the user's program, however deep in the package they arise."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neurona as keras
from neurona.warn import warn_caller


class Own(keras.layers.Conv2D):
    """A user's layer on top of ours: the line that calls ours is the program's."""

    def __init__(self) -> None:
        super().__init__(1, 2, input_shape=(3, 3, 1))


def _fitted() -> None:
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(
        np.ones((4, 1)), np.ones((4, 1)), epochs=2, verbose=0, callbacks=[keras.callbacks.EarlyStopping("val_loss")]
    )


@pytest.mark.parametrize("act", [
    lambda: keras.layers.Dense(1, input_shape=(1,)), lambda: keras.layers.Conv2D(1, 2, input_shape=(3, 3, 1)), Own,
    lambda: keras.layers.LSTM(1, input_shape=(3, 1)), lambda: keras.layers.Embedding(2, 2, input_length=3),
    lambda: keras.optimizers.Adam(decay=0.1), lambda: keras.ops.softmax(np.ones((2, 1))), _fitted,
])  # fmt: skip
def test_a_warning_points_at_the_program(act: Callable[[], Any]) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        act()
    lines, start = inspect.getsourcelines(act.__init__ if inspect.isclass(act) else act)
    assert caught
    assert all(w.filename == __file__ for w in caught), [(w.filename, w.lineno) for w in caught]
    assert start <= caught[0].lineno < start + len(lines)


def test_weights_left_out_are_told_at_the_line_that_loads(tmp_path: Path) -> None:
    path = tmp_path / "m.weights.h5"
    keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]).save_weights(path)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(2)])
    with pytest.warns(UserWarning, match="left as they were") as caught:
        model.load_weights(path, skip_mismatch=True)
    assert caught[0].filename == __file__


def test_a_category_of_its_own() -> None:
    with pytest.warns(DeprecationWarning, match="old") as caught:
        warn_caller("old", DeprecationWarning)
    assert caught[0].filename == __file__
