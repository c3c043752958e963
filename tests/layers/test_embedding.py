"""Embedding: words to vectors, padding, what it refuses; and Keras's own answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neurona
from neurona import config, layers
from neurona.errors import ArgumentError
from neurona.layers import Embedding
from neurona.symbolic import KerasTensor
from neurona.tensor import Tensor
from tests.golden import reader
from tests.golden.bridge import BRIDGE
from tests.golden.specs import embedding, embedding_training

TABLE = np.array([[0, 1], [2, 3], [4, 5], [6, 7]], "float32")


@pytest.fixture
def rows_alone() -> Iterator[None]:
    config.set_sparse_updates(True)
    yield
    config.set_sparse_updates(False)


@pytest.mark.parametrize("case", reader.family("embedding"), ids=str)
def test_it_equals_keras(case: reader.Case) -> None:
    reader.compare(case, embedding.run(BRIDGE, case.setup))


@pytest.mark.parametrize("case", reader.family("embedding_training"), ids=str)
def test_training_equals_keras(case: reader.Case) -> None:
    reader.compare(case, embedding_training.run(BRIDGE, case.setup))


def test_with_some_rows_moving_only_the_unused_rows_differ(rows_alone: None) -> None:
    """The first step is Keras's; by the end Keras has moved words on that no batch has named since the fifth."""
    case = next(c for c in reader.family("embedding_training") if c.id == "Adam(learning_rate=0.01)")
    got = embedding_training.run(BRIDGE, case.setup)
    np.testing.assert_allclose(got["1"][0], case.expected["1"][0], rtol=1e-5, atol=1e-6)
    apart = np.abs(got["100"][0] - case.expected["100"][0]).max(axis=1)
    assert apart[20:].max() > 0.01
    np.testing.assert_array_equal(got["100"][0][20:], got["10"][0][20:])


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8", "int8", "float32", "float64"])
@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 0), (2, 1, 2), ()])
def test_any_shape_and_type_of_ids(dtype: str, shape: tuple[int, ...]) -> None:
    ids = np.random.default_rng(0).integers(0, 4, shape).astype(dtype)
    y = Embedding(4, 2, weights=TABLE)(Tensor(ids))
    assert y.dtype == np.float32 and y.shape == (*shape, 2)
    np.testing.assert_array_equal(y.numpy(), TABLE[ids.astype(int)])


def test_large_numbers_of_words_keep_their_digits() -> None:
    """Float ids would lose digits above 2^24 in float32 and above 2048 in float16."""
    layer = Embedding(5000, 1, dtype="float16")
    layer.build()
    layer.set_weights([np.arange(5000, dtype="float16")[:, None]])
    assert layer(np.array([4097.0])).numpy().tolist() == [[float(np.float16(4097))]]
    assert layer(np.array([3001])).numpy().tolist() == [[float(np.float16(3001))]]


@pytest.mark.parametrize(("wrong", "place"), [(4, (1, 0)), (-1, (0, 1)), (2**33, (1, 1))])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_word_outside_the_table_is_named(wrong: int, place: tuple[int, int], dtype: str) -> None:
    ids = np.ones((2, 2), "int64")
    ids[place] = wrong
    told = (
        rf"Expected ids from 0 to 3 \(a table of 4 rows\). Received: id {wrong} at position \({place[0]}, {place[1]}\)"
    )
    with pytest.raises(ArgumentError, match=told):
        Embedding(4, 2, weights=TABLE, dtype=dtype)(ids)


def test_masks() -> None:
    plain, masking = Embedding(4, 2, weights=TABLE), Embedding(4, 2, weights=[TABLE], mask_zero=True)
    ids = np.array([[3, 0], [0, 1]])
    assert plain.compute_mask(ids) is None and not plain.supports_masking
    assert masking.compute_mask(ids).numpy().tolist() == [[True, False], [False, True]]
    assert masking.supports_masking
    assert plain(ids)._keras_mask is None
    assert masking(ids)._keras_mask.numpy().tolist() == [[True, False], [False, True]]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (
            {"input_dim": 0, "output_dim": 2},
            r"`input_dim` must be a positive integer. Received: input_dim=0 \(of type int",
        ),
        ({"input_dim": True, "output_dim": 2}, r"Received: input_dim=True \(of type bool\)"),
        ({"input_dim": 3, "output_dim": 2.0}, r"`output_dim` must be a positive integer. Received: output_dim=2.0"),
        ({"input_dim": 3, "output_dim": 2, "quantization_config": 8}, "does not support quantization"),
    ],
)
def test_settings_that_are_refused(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ArgumentError, match=told):
        Embedding(**settings)


def test_old_programs_name_the_length() -> None:
    with pytest.warns(UserWarning, match="`input_length` is deprecated"):
        Embedding(3, 2, input_length=7)


def test_given_weights() -> None:
    layer = Embedding(4, 2, weights=TABLE)
    assert layer.built
    np.testing.assert_array_equal(layer.embeddings.numpy(), TABLE)
    with pytest.raises(ValueError, match="shape"):
        Embedding(4, 3, weights=TABLE)


def test_placeholders() -> None:
    for length in (None, 7):
        y = Embedding(1, 5)(KerasTensor((None, length), "int32"))
        assert y.shape == (None, length, 5) and y.dtype == "float32"


def test_frozen_it_is_not_trained() -> None:
    model = neurona.Sequential([Embedding(4, 2, weights=TABLE, trainable=False), layers.Flatten(), layers.Dense(1)])
    model.compile("adam", "mse")
    model.fit(np.array([[1, 2], [3, 0]]), np.ones((2, 1)), verbose=0)
    np.testing.assert_array_equal(model.layers[0].embeddings.numpy(), TABLE)


@pytest.mark.parametrize("weights", [None, TABLE])
def test_saved_and_loaded(tmp_path: Path, weights: Any) -> None:
    model = neurona.Sequential(
        [layers.Input((3,), dtype="int32"), Embedding(4, 2, mask_zero=True, weights=weights), layers.Dense(2)]
    )
    x = np.array([[1, 2, 0]], "int32")
    model.save(tmp_path / "words.keras")
    again = neurona.saving.load_model(tmp_path / "words.keras")
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
    assert again.layers[0].get_config() == model.layers[0].get_config()
    assert again.layers[0].get_config()["mask_zero"] is True
