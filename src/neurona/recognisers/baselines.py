"""Simpler readers of the same reviews, beside which one sees what an LSTM buys.

`bag_of_words` is logistic regression on which words a review has, their order forgotten. `simple_rnn` reads them in
order, but with the plainest recurrence there is. Both use the vocabulary of the network beside them.
"""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from neurona import layers, ops, optimizers
from neurona.datasets.tokens import PAD, Tokens
from neurona.models import Model, Sequential
from neurona.optimizers.schedules import CosineDecay
from neurona.recognisers.judging import wilson_interval
from neurona.recognisers.lengths import ByLength, InOrder, Lengths
from neurona.recognisers.showing import Turn
from neurona.runs import Run
from neurona.tensor import Array, as_array

__all__ = ["bag_of_words", "baselines", "distinct", "simple_rnn"]


def baselines(run: Run, x: Tokens, y: Array, x_test: Tokens, y_test: Array) -> list[dict[str, Any]]:
    """Train the simpler readers and judge them.

    Args:
        run: of the network beside them; its words and its seed are theirs.
        x, y: the training reviews and their classes.
        x_test, y_test: those to judge by.

    Returns:
        for each: name, accuracy, accuracy_interval, parameters, epochs, seconds.
    """
    words, seed = run.info["settings"]["words"], run.info["seed"]
    return [
        _tried("bag_of_words", bag_of_words, (distinct(x), y), (distinct(x_test), y_test), words, seed),
        _tried("simple_rnn", simple_rnn, (x, y), (x_test, y_test), words, seed),
    ]


def bag_of_words(steps: int, words: int) -> Any:
    """p = 1 / (1 + exp(-sum of w[k] over the words k that the review has)).

    Every review begins with the same mark, whose weight is the bias.
    """
    ids = layers.Input((None,), dtype="int32")
    weights = layers.Embedding(words, 1, embeddings_initializer="zeros")(ids)  # (N, T, 1)
    is_word = ops.expand_dims(ops.cast(ops.not_equal(ids, PAD), "float32"), -1)
    total = ops.sum(ops.multiply(weights, is_word), axis=1)  # (N, 1)
    model = Model(ids, layers.Activation("sigmoid")(total), name="bag_of_words")
    model.compile(optimizers.Adam(CosineDecay(0.02, steps)), "binary_crossentropy")
    return model


def simple_rnn(steps: int, words: int) -> Any:
    """A SimpleRNN of 32 units, on 32 features of each word."""
    model = Sequential(
        [
            layers.Input((None,), dtype="int32"),
            layers.Embedding(words, 32, mask_zero=True),
            layers.SimpleRNN(32),
            layers.Dense(1, activation="sigmoid"),
        ],
        name="simple_rnn",
    )
    model.compile(optimizers.Adam(CosineDecay(1e-3, steps), clipnorm=1.0), "binary_crossentropy")
    return model


# batch size, epochs, and how much of a review is read
_PLANS = {"bag_of_words": (256, 5, Lengths(longest=1000, keep="beginning")), "simple_rnn": (64, 3, Lengths(150, "end"))}


def distinct(tokens: Tokens) -> Tokens:
    """Every word of a text once, by number.

    >>> [row.tolist() for row in distinct(Tokens.of([[1, 5, 3, 5], [1]]))]
    [[1, 3, 5], [1]]
    """
    text = np.repeat(np.arange(len(tokens)), tokens.lengths)
    span = int(tokens.flat.max(initial=0)) + 1
    pairs = np.unique(text * span + tokens.flat)
    offsets = np.searchsorted(pairs, np.arange(len(tokens) + 1) * span)
    return Tokens((pairs % span).astype("int32"), offsets.astype("int64"))


def _tried(
    name: str, build: Any, train: tuple[Tokens, Array], test: tuple[Tokens, Array], words: int, seed: int
) -> dict[str, Any]:
    began = time.perf_counter()
    batch_size, epochs, lengths = _PLANS[name]
    model = build(math.ceil(len(train[1]) / batch_size) * epochs, words)
    shown = ByLength(*train, batch_size, seed, lengths)
    model.fit(shown, epochs=epochs, verbose=0, callbacks=[Turn(shown)])
    batches = InOrder(test[0], lengths)
    parts = [as_array(model(batch, training=False))[:, 0] for (batch,) in batches]
    right = int(((batches.restored(np.concatenate(parts)) > 0.5) == test[1]).sum())
    return {
        "name": name,
        "accuracy": right / len(test[1]),
        "accuracy_interval": list(wilson_interval(right, len(test[1]))),
        "parameters": model.count_params(),
        "epochs": epochs,
        "seconds": round(time.perf_counter() - began, 3),
    }
