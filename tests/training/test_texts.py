"""Texts as a model's inputs: fit, evaluate, predict, plans, and what cannot be computed with them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import neurona as keras
from neurona import ops
from neurona.datasets.texts import Texts
from neurona.errors import DTypeError
from neurona.layers import (
    Dense,
    Embedding,
    GlobalAveragePooling1D,
    HashedCrossing,
    Input,
    StringLookup,
    TextVectorization,
)
from neurona.training.batches import make_batches

WORDS = ["good film", "a bad film", "bad bad", "so good", "good", "film bad"] * 4
LABELS = np.array([1, 0, 0, 1, 1, 0] * 4)
FORMS: dict[str, Any] = {
    "list": WORDS,
    "column": [[text] for text in WORDS],
    "array": np.array(WORDS),
    "bytes": np.array([text.encode() for text in WORDS]),
    "objects": np.array(WORDS, object),
    "texts": Texts.of(WORDS),
    "tensor": keras.Tensor(WORDS),
}


def reader(**settings: Any) -> Any:
    keras.utils.set_random_seed(1)
    vectorize = TextVectorization(vocabulary=["good", "bad", "film"], **settings)
    model = keras.Sequential(
        [
            Input((), dtype="string"),
            vectorize,
            Embedding(5, 4),
            GlobalAveragePooling1D(),
            Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.1), "binary_crossentropy", metrics=["accuracy"])
    return model


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_texts_trains_alike(form: str) -> None:
    expected, model = reader(output_sequence_length=4), reader(output_sequence_length=4)
    wanted = expected.fit(WORDS, LABELS, epochs=6, batch_size=8, shuffle=False, verbose=0).history
    found = model.fit(FORMS[form], LABELS, epochs=6, batch_size=8, shuffle=False, verbose=0).history
    assert found == wanted
    assert wanted["accuracy"][-1] == 1.0
    assert model._why_eager is None, "the step was recorded once and repeated"
    np.testing.assert_array_equal(model.predict(FORMS[form], verbose=0), expected.predict(WORDS, verbose=0))
    assert model.evaluate(FORMS[form], LABELS, verbose=0)[1] == 1.0
    np.testing.assert_allclose(model(FORMS[form]).numpy(), expected.predict(WORDS, verbose=0), rtol=1e-6)


def test_repeated_steps_see_their_own_texts() -> None:
    """Shuffled batches through a plan give the weights of the same batches op by op."""
    planned, eager = reader(output_sequence_length=4), reader(output_sequence_length=4)
    eager.run_eagerly = True
    for model in (planned, eager):
        keras.utils.set_random_seed(2)
        model.fit(WORDS, LABELS, epochs=3, batch_size=8, verbose=0)
    for a, b in zip(planned.get_weights(), eager.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_an_open_length_is_not_repeated_wrongly() -> None:
    model = reader()
    texts = ["good", "bad film", "good film good film", "bad", "film"] * 2
    y = np.array([1, 0, 1, 0, 1] * 2)
    model.fit(texts, y, epochs=2, batch_size=2, shuffle=False, verbose=0)
    assert "output_sequence_length" in model._why_eager
    alone = np.concatenate([model(texts[i : i + 2]).numpy() for i in range(0, 10, 2)])
    np.testing.assert_allclose(model.predict(texts, batch_size=2, verbose=0), alone, rtol=1e-6)


def test_a_new_vocabulary_counts_from_the_next_step_on() -> None:
    entry = Input((1,), dtype="string")
    lookup = StringLookup()
    lookup.set_vocabulary(["a", "b"])
    model = keras.Model(entry, lookup(entry))
    assert model.predict([["b"], ["a"]], verbose=0).tolist() == [[2], [1]]
    lookup.set_vocabulary(["b", "a"])
    assert model.predict([["b"], ["a"]], verbose=0).tolist() == [[1], [2]]


def test_several_inputs_and_text_outputs() -> None:
    words, numbers = Input((1,), dtype="string", name="words"), Input((1,), dtype="int64", name="numbers")
    back = StringLookup(vocabulary=["x", "y"], invert=True)(numbers)
    model = keras.Model([words, numbers], [HashedCrossing(num_bins=9)([words, numbers]), back])
    given = {"words": np.array(["a", "b", "a"]), "numbers": np.array([1, 2, 1])}
    crossed, texts = model.predict(given, batch_size=2, verbose=0)
    assert crossed[0] == crossed[2]
    assert texts.ravel().tolist() == ["x", "y", "x"]


def test_generators_of_batches() -> None:
    def batches() -> Iterator[Any]:
        for i in range(0, 24, 6):
            yield WORDS[i : i + 6], LABELS[i : i + 6]

    model = reader(output_sequence_length=4)
    history = model.fit(batches(), verbose=0).history
    assert np.isfinite(history["loss"]).all()


def test_batches_of_texts_keep_every_letter() -> None:
    texts = ["a\x00", "", "\ud800", "é" * 1000]
    ((x, _, _),) = make_batches(texts, batch_size=4).epoch()
    assert x.tolist() == texts
    ((x, _, _),) = make_batches(np.array(["ab", "c"]), batch_size=2, shuffle=True, seed=1).epoch()
    assert sorted(x.tolist()) == ["ab", "c"]
    assert x.dtype == object


def test_what_cannot_be_computed_with_texts_is_told() -> None:
    model = reader(output_sequence_length=4)
    with pytest.raises(DTypeError, match="expected string, received float32"):
        model.predict(np.zeros((2,)), verbose=0)
    plain = keras.Sequential([Input((3,)), Dense(2)])
    with pytest.raises(DTypeError, match="expected float32, received string"):
        plain.predict(np.array([["a", "b", "c"]]), verbose=0)
    with pytest.raises(DTypeError, match="'exp' expected numbers"):
        ops.exp(np.array(["a"]))
    with pytest.raises(DTypeError, match="expected numbers"):
        Dense(2)(np.array([["a", "b"]]))
    with pytest.raises(DTypeError, match="of numbers or of texts"):
        make_batches(np.array([{}, "a"], object))
