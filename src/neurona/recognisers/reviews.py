"""Film reviews: is a review in English for or against its film (IMDB), by networks that read it word after word.

`tutorial` is the network of Keras's example: two bidirectional LSTMs on the last 200 words. `lstm` is one LSTM in plain
sight. `best` reads more of each review in both directions, knows the frequent pairs of words besides the words, keeps of
every unit its largest and its mean output over all words, and drops words and their features while it learns.

All networks end in one number, the probability that the review is positive.

Source of the data: Maas et al., "Learning Word Vectors for Sentiment Analysis" (2011).
"""

from __future__ import annotations

from typing import Any

from neurona import layers, ops, optimizers
from neurona.datasets.tokens import FIRST, Tokens
from neurona.errors import ArgumentError, UnknownNameError
from neurona.i18n import _
from neurona.models import Model, Sequential
from neurona.optimizers.schedules import PolynomialDecay
from neurona.recognisers.baselines import baselines
from neurona.recognisers.lengths import Lengths
from neurona.recognisers.of_texts import Texts
from neurona.recognisers.recipe import Recipe, Recogniser
from neurona.recognisers.word_pairs import FIRST_PAIR, WordPairs

__all__ = ["REVIEWS"]

_CELLS: dict[str, Any] = {"lstm": layers.LSTM, "gru": layers.GRU}
_FEWEST_WORDS = FIRST + 1  # the special ones, and one


def tutorial(steps_per_epoch: int, epochs: int, seed: int, *, words: int = 20_000, width: int = 64) -> Any:
    """20,000 words, two bidirectional LSTMs of 64 units: 2,757,761 weights."""
    _must_be_from(_FEWEST_WORDS, words=words)
    _must_be_from(1, width=width)
    model = Sequential(
        [
            layers.Input((None,), dtype="int32"),
            layers.Embedding(words, 128),
            layers.Bidirectional(layers.LSTM(width, return_sequences=True)),
            layers.Bidirectional(layers.LSTM(width)),
            layers.Dense(1, activation="sigmoid"),
        ],
        name="reviews_tutorial",
    )
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model


def lstm(
    steps_per_epoch: int, epochs: int, seed: int, *, words: int = 20_000, features: int = 32, width: int = 64
) -> Any:
    """One LSTM of 64 units, whose last state is the judgement."""
    _must_be_from(_FEWEST_WORDS, words=words)
    _must_be_from(1, features=features, width=width)
    model = Sequential(
        [
            layers.Input((None,), dtype="int32"),
            layers.Embedding(words, features, mask_zero=True),
            layers.LSTM(width),
            layers.Dense(1, activation="sigmoid"),
        ],
        name="reviews_lstm",
    )
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model


def best(
    steps_per_epoch: int,
    epochs: int,
    seed: int,
    *,
    words: int = 30_000,
    pairs: int = 200_000,
    features: int = 64,
    width: int = 64,
    cell: str = "lstm",
    feature_dropout: float = 0.5,
    word_dropout: float = 0.3,
    recurrent_dropout: float = 0.0,
    dropout: float = 0.5,
    rate: float = 2e-3,
    averaged: float = 0.0,
) -> Any:
    """A bidirectional recurrence on words and pairs of words, read out at every word.

    Args:
        words: numbers for words, the three special ones included.
        pairs: pairs of neighbouring words that have features of their own, added to the word's; 0 for none.
        features: of a word.
        width: units in each direction.
        cell: "lstm" or "gru".
        feature_dropout: the share of the features that is dropped, the same ones at all words of a review.
        word_dropout: the share of the words that is dropped.
        recurrent_dropout: the share of the state that is dropped on its way to the next word.
        dropout: before the last layer.
        rate: of learning at the beginning; it falls to 0 in a straight line.
        averaged: how slowly the average of the weights follows them; 0 keeps no average.
    """
    if cell not in _CELLS:
        raise UnknownNameError.among("cell", cell, _CELLS)
    _must_be_from(_FEWEST_WORDS, words=words)
    _must_be_from(1, features=features, width=width)
    _must_be_from(0, pairs=pairs, rate=rate)
    _must_be_share(
        feature_dropout=feature_dropout, word_dropout=word_dropout, recurrent_dropout=recurrent_dropout,
        dropout=dropout, averaged=averaged,
    )  # fmt: skip
    ids = layers.Input((None,), dtype="int32")
    x = layers.Embedding(words, features, mask_zero=True)(ids)
    if pairs:
        # rare pairs are hardly ever moved: what they begin with must not be noise
        zeros = layers.Embedding(pairs + FIRST_PAIR, features, embeddings_initializer="zeros", mask_zero=True)
        x = layers.Add()([x, zeros(WordPairs(pairs, words, name="pairs")(ids))])
    x = layers.SpatialDropout1D(feature_dropout)(x)
    x = layers.Dropout(word_dropout, noise_shape=(None, None, 1))(x)
    x = layers.Bidirectional(_CELLS[cell](width, return_sequences=True, recurrent_dropout=recurrent_dropout))(x)
    mean = layers.GlobalAveragePooling1D()(x)
    # a state lies within -1 and 1, so that padding set to -1 is never the largest
    is_word = ops.expand_dims(ops.not_equal(ids, 0), -1)
    largest = ops.max(ops.where(is_word, x, -1.0), axis=1)  # (N, T, 2 U) -> (N, 2 U)
    x = layers.Dropout(dropout)(layers.Concatenate()([largest, mean]))
    model = Model(ids, layers.Dense(1, activation="sigmoid")(x), name="reviews_best")
    optimizer = optimizers.Adam(
        PolynomialDecay(rate, steps_per_epoch * epochs, 0.0), use_ema=averaged > 0, ema_momentum=averaged or 0.99
    )
    model.compile(optimizer, "binary_crossentropy", metrics=["accuracy"])
    return model


def learn_pairs(model: Any, tokens: Tokens) -> None:
    """Give `best` the pairs of its training texts."""
    for layer in model.layers:
        if isinstance(layer, WordPairs):
            layer.learn(tokens)


def _must_be_from(least: int, **settings: float) -> None:
    """Refuse settings below `least`, and those that are no number."""
    for name, value in settings.items():
        if not value >= least:
            raise ArgumentError(
                _("The setting '{name}' must be at least {least}. Received: {value}.").format(
                    name=name, least=least, value=value
                )
            )


def _must_be_share(**settings: float) -> None:
    """Refuse settings that are not from 0 to below 1."""
    for name, value in settings.items():
        if not 0 <= value < 1:
            raise ArgumentError(
                _("The setting '{name}' must be from 0 to below 1. Received: {value}.").format(name=name, value=value)
            )


def compile_plainly(model: Any) -> Any:
    """The trained model without its optimizer's state, which would make its file three times as large; the same model."""
    model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
    return model


REVIEWS = Recogniser(
    name="reviews",
    aliases=("reseñas", "críticas", "imdb"),
    dataset="imdb",
    about={
        "en": "film reviews in English, for or against (IMDB), with recurrent networks",
        "es": "reseñas de cine en inglés, a favor o en contra (IMDB), con redes recurrentes",
    },
    limits={
        "en": "It knows reviews of films, in English, that people wrote of what they loved or hated: praise and blame in "
        "balance, irony, other subjects and other languages are hard for it. Words that its training reviews seldom had "
        "it reads as one and the same unknown word, and of a long review it reads a part.",
        "es": "Conoce reseñas de películas, en inglés, de lo que a la gente le encantó o detestó: le cuestan el elogio y la "
        "crítica a partes iguales, la ironía, otros temas y otras lenguas. Las palabras que sus reseñas de "
        "entrenamiento apenas tenían las lee todas como una misma palabra desconocida, y de una reseña larga lee una "
        "parte.",
    },
    kind=Texts(baselines),
    recipes={
        "best": Recipe(
            "best", best, epochs=2, batch_size=64, validation=0.1, adapt=learn_pairs, finish=compile_plainly,
            lengths=Lengths(longest=400, keep="both"),
            about={
                "en": "a bidirectional LSTM on words and pairs of words, its largest and mean outputs over all words, dropout",
                "es": "una LSTM bidireccional sobre palabras y parejas de palabras, sus salidas máximas y medias sobre "
                "todas las palabras, dropout",
            },
        ),
        "tutorial": Recipe(
            "tutorial", tutorial, epochs=2, batch_size=32, validation=0, finish=compile_plainly,
            lengths=Lengths(longest=200, keep="end", padding="front", fixed=True),
            about={
                "en": "two bidirectional LSTMs on the last 200 words: the network of Keras's example",
                "es": "dos LSTM bidireccionales sobre las últimas 200 palabras: la red del ejemplo de Keras",
            },
        ),
        "lstm": Recipe(
            "lstm", lstm, epochs=4, batch_size=32, validation=0.1, finish=compile_plainly,
            lengths=Lengths(longest=400, keep="both"),
            about={
                "en": "one LSTM in plain sight",
                "es": "una sola LSTM, a la vista",
            },
        ),
    },
)  # fmt: skip
