"""The trap that tutorials fell into (keras issue 20898): an LSTM cannot learn from sequences that end in padding.

One word of a short text says yes or no; then padding follows, ten times as long. Read to the end without a mask, nothing
of the word is left. With the padding masked, or in front, the same network learns the task in a few steps. Should the
first ever learn too, or one of the others not, this test wants to know.
"""

from __future__ import annotations

import numpy as np
import pytest

from neurona import layers, models, optimizers, utils
from neurona.training.lint import LintWarning

LENGTH, SAMPLES = 80, 128


def texts() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Word numbers padded at the end, the same padded in front, and the answers."""
    rng = np.random.default_rng(3)
    answers = rng.integers(0, 2, SAMPLES)
    end, front = np.zeros((2, SAMPLES, LENGTH), "int32")
    for i, (count, answer) in enumerate(zip(rng.integers(3, 7, SAMPLES), answers, strict=True)):
        words = rng.integers(3, 9, count)
        words[rng.integers(0, count)] = 1 + answer
        end[i, :count] = front[i, LENGTH - count :] = words
    return end, front, answers.astype("float32")


def accuracy(x: np.ndarray, y: np.ndarray, mask_zero: bool) -> float:
    utils.set_random_seed(1)
    model = models.Sequential(
        [
            layers.Input((LENGTH,), dtype="int32"),
            layers.Embedding(9, 8, mask_zero=mask_zero),
            layers.LSTM(8),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(optimizers.Adam(0.02), "binary_crossentropy", metrics=["accuracy"])
    return float(model.fit(x, y, epochs=10, verbose=0).history["accuracy"][-1])


def test_an_lstm_learns_only_where_it_does_not_read_padding_last() -> None:
    end, front, y = texts()
    with pytest.warns(LintWarning, match="padded-ends"):
        assert accuracy(end, y, mask_zero=False) < 0.65
    assert accuracy(end, y, mask_zero=True) > 0.95  # warnings are errors: the lint has nothing to say
    assert accuracy(front, y, mask_zero=False) > 0.95
