"""Pipeline: the same as its layers by hand, alone, in a model, over a data set and out of a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import neurona
from neurona import layers
from neurona.errors import ArgumentError
from neurona.utils import Dataset


def test_it_is_its_layers_one_after_the_other() -> None:
    first, second = layers.Dense(3, activation="tanh"), layers.Dense(2)
    chain = layers.Pipeline([first, second])
    x = np.random.default_rng(0).standard_normal((4, 5)).astype("float32")
    np.testing.assert_array_equal(chain(x), second(first(x)))
    assert list(chain.layers) == [first, second] and len(chain.trainable_weights) == 4
    assert chain.compute_output_spec(neurona.Input((5,))).shape == (None, 2)


def test_training_and_masks_reach_the_layers() -> None:
    chain = layers.Pipeline([layers.Dropout(0.5, seed=1), layers.Rescaling(2.0)])
    ones = np.ones((8, 8), "float32")
    np.testing.assert_array_equal(chain(ones, training=False), 2 * ones)
    assert set(np.unique(chain(ones, training=True))) == {0.0, 4.0}
    words = layers.Pipeline([layers.Embedding(5, 3, mask_zero=True), layers.LSTM(2)])
    alone = [layers.Embedding(5, 3, mask_zero=True), layers.LSTM(2)]
    words(np.array([[1, 2, 0]]))
    alone[1](alone[0](np.array([[1, 2, 0]])))
    for made, layer in zip(words.layers, alone, strict=True):
        layer.set_weights(made.get_weights())
    np.testing.assert_array_equal(words(np.array([[1, 2, 0]])), alone[1](alone[0](np.array([[1, 2, 0]]))))
    np.testing.assert_allclose(words(np.array([[1, 2, 0]])), words(np.array([[1, 2]])), rtol=1e-6)


def test_over_a_data_set_and_out_of_a_file(tmp_path: Path) -> None:
    pictures = np.random.default_rng(0).random((4, 6, 6, 3)).astype("float32")
    vary = layers.Pipeline([layers.RandomFlip(seed=1), layers.RandomContrast(0.2, (0, 1), seed=2)], name="vary")
    assert [batch.shape for batch in Dataset.from_tensor_slices(pictures).batch(2).map(vary)] == [(2, 6, 6, 3)] * 2
    model = neurona.Sequential([neurona.Input((6, 6, 3)), vary, layers.Flatten(), layers.Pipeline([layers.Dense(1)])])
    model.compile("sgd", "mse")
    model.fit(pictures, np.ones((4, 1)), verbose=0)
    model.save(tmp_path / "m.keras")
    again = neurona.models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(model.predict(pictures, verbose=0), again.predict(pictures, verbose=0))
    assert again.get_layer("vary").get_config() == vary.get_config()


def test_it_is_made_of_layers() -> None:
    with pytest.raises(ArgumentError, match=r"'text' among them. Put a function into `Lambda`"):
        layers.Pipeline([layers.ReLU(), "text"])
    with pytest.raises(ArgumentError, match="Received: <function"):
        layers.Pipeline([lambda x: x * 2])
    doubled = layers.Pipeline([layers.Lambda(lambda x: x * 2), layers.ReLU()])
    np.testing.assert_array_equal(doubled(np.array([[1.0, -1.0]])), [[2.0, 0.0]])


def test_a_configuration_holds_layers() -> None:
    with pytest.raises(ArgumentError, match="must contain a `layers` key"):
        layers.Pipeline.from_config({"name": "x"})


@pytest.mark.filterwarnings("ignore")  # Keras's and TensorFlow's own
@pytest.mark.parametrize("writer", ["keras", "neurona"])
def test_keras_reads_and_writes_the_same_files(writer: str, tmp_path: Path) -> None:
    keras = pytest.importorskip("keras", reason="compares with real Keras")
    A, B = (keras, neurona) if writer == "keras" else (neurona, keras)
    x = np.random.default_rng(0).standard_normal((4, 5)).astype("float32")
    chain = A.layers.Pipeline([A.layers.Dense(3, activation="tanh"), A.layers.Dropout(0.5), A.layers.Dense(2)])
    model = A.Sequential([A.Input((5,)), chain])
    model.save(tmp_path / "m.keras")
    again = B.models.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(again.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-6)
