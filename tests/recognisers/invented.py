"""Made-up film reviews that a small network can learn in seconds."""

from __future__ import annotations

import numpy as np

from neurona.datasets import Data, Texts

_SUBJECTS = ("the film", "this story", "the plot", "her acting", "the music", "the ending", "every scene")
_GOOD = ("wonderful", "moving", "great", "charming", "funny", "a joy")
_BAD = ("dull", "awful", "boring", "clumsy", "tedious", "a mess")
_LINKS = ("and", "while", "but in the end", "so", "because")


def reviews(count: int, seed: int = 0) -> tuple[Texts, np.ndarray]:
    """Reviews of one to seven clauses; most clauses agree with the class."""
    rng = np.random.default_rng(seed)
    texts, classes = [], np.arange(count) % 2
    for k in classes:
        clauses = []
        for _ in range(rng.integers(1, 8)):
            agrees = rng.random() < 0.9
            clauses.append(f"{rng.choice(_SUBJECTS)} was {rng.choice(_GOOD if bool(k) == agrees else _BAD)}")
        texts.append(f" {rng.choice(_LINKS)} ".join(clauses).capitalize() + ".")
    return Texts.of(texts), classes.astype("uint8")


def data(train: int = 240, test: int = 80) -> Data:
    """A data set of them, under the name of the real one."""
    x, y = reviews(train)
    x_test, y_test = reviews(test, 1)
    labels = {"en": ("negative", "positive"), "es": ("negativa", "positiva")}
    return Data("imdb", "IMDB", x, y, x_test, y_test, labels, "full", "path", "here", "f", False, "")
