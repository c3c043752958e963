"""FeatureSpace: every kind of feature, crosses, models that begin with one, files, and real Keras's answers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neurona
from neurona import layers
from neurona.errors import ArgumentError, DTypeError, NotBuiltError
from neurona.utils import Dataset, FeatureSpace

TABLE: dict[str, list[Any]] = {
    "plain": [0.0, 0.1, 0.2, 0.3, 0.4, 0.5],
    "normal": [3.0, 1.0, 4.0, 1.0, 5.0, 9.0],
    "bins": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
    "class": [1, 2, 3, 1, 2, 1],
    "hash": [5, 6, 7, 8, 9, 5],
    "word": ["a", "b", "c", "a", "b", "a"],
    "text": ["x", "y", "z", "x", "y", "w"],
    "scaled": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
}
NEW: dict[str, list[Any]] = {
    "plain": [0.7, 0.1], "normal": [2.0, 4.0], "bins": [2.5, 9.0], "class": [3, 99], "hash": [5, 1000],
    "word": ["b", "zz"], "text": ["q", "x"], "scaled": [0.0, 1.0],
}  # fmt: skip


def space(M: Any = neurona, mode: str = "concat") -> Any:
    F = M.utils.FeatureSpace
    kind = "int" if mode == "dict" else "one_hot"
    return F(
        {
            "plain": "float", "normal": "float_normalized", "bins": F.float_discretized(4, output_mode=kind),
            "class": "integer_categorical", "hash": F.integer_hashed(7), "word": F.string_categorical(num_oov_indices=2),
            "text": "string_hashed", "scaled": F.float_rescaled(2.0, 1.0),
        },
        crosses=[("bins", "word"), F.cross(("class", "hash"), 9, output_mode=kind)], output_mode=mode, hashing_dim=5,
        name="space",
    )  # fmt: skip


@pytest.mark.parametrize("mode", ["concat", "dict"])
def test_whole_numbers_may_stand_for_floats(mode: str) -> None:
    small = FeatureSpace({"size": "float", "scaled": FeatureSpace.float_rescaled(2.0)}, output_mode=mode)

    def told(size: Any, scaled: Any) -> Any:
        found = small({"size": size, "scaled": scaled})
        together = np.concatenate([found["scaled"], found["size"]], -1) if mode == "dict" else found.numpy()
        assert together.dtype == "float32"
        return together.tolist()

    assert told([1, 2], np.array([3, 4], "uint8")) == [[6.0, 1.0], [8.0, 2.0]]
    assert told([True, False], [0.5, 1]) == [[1.0, 1.0], [2.0, 0.0]]
    assert told(60, 2) == [4.0, 60.0]  # single values
    symbols = {name: neurona.Input((1,), dtype="int32") for name in ("size", "scaled")}
    given = small(symbols)
    assert {part.dtype for part in (given.values() if mode == "dict" else [given])} == {"float32"}


def test_numbers_worked_by_hand() -> None:
    F = FeatureSpace
    small = F(
        {
            "size": F.float_rescaled(0.5, 1.0), "weight": "float_normalized", "kind": "integer_categorical",
            "colour": F.string_categorical(output_mode="int"), "height": F.float_discretized(None, [1.0, 2.0]),
        },
        output_mode="dict",
    )  # fmt: skip
    small.adapt({
        "size": [1.0, 2.0], "weight": [1.0, 3.0], "kind": [7, 7], "colour": ["red", "red"], "height": [0.0, 0.0],
    })  # fmt: skip
    found = small({"size": 4.0, "weight": 4.0, "kind": 7, "colour": "blue", "height": 1.5})
    told = {name: value.numpy().tolist() for name, value in found.items()}
    assert told == {"colour": [0], "height": [0, 1, 0], "kind": [0, 1], "size": [3], "weight": [2]}


@pytest.mark.parametrize("mode", ["concat", "dict"])
def test_columns_values_and_data_sets(mode: str) -> None:
    one, other, third = space(mode=mode), space(mode=mode), space(mode=mode)
    one.adapt(TABLE)
    other.adapt(Dataset.from_tensor_slices(TABLE))
    third.adapt(Dataset.from_tensor_slices(TABLE).batch(4))
    whole = one(NEW)
    for again in (other(NEW), third(NEW)):
        for a, b in zip(neurona.tree.flatten(whole), neurona.tree.flatten(again), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)
    first = one({name: column[0] for name, column in NEW.items()})
    for a, b in zip(neurona.tree.flatten(whole), neurona.tree.flatten(first), strict=True):
        np.testing.assert_allclose(a[0], b)
    if mode == "concat":
        assert whole.shape == (2, 1 + 1 + 4 + 4 + 7 + 5 + 5 + 1 + 32 + 9)
    else:
        assert list(whole) == [*sorted(TABLE), "bins_X_word", "class_X_hash"]
        assert whole["bins"].dtype.kind == whole["class_X_hash"].dtype.kind == "i"


def test_a_model_begins_with_one() -> None:
    numbers = {name: column for name, column in TABLE.items() if name not in ("word", "text")}
    F = FeatureSpace({"plain": "float", "normal": "float_normalized", "class": "integer_categorical", "hash": "integer_hashed",
                      "bins": "float_rescaled", "scaled": "float"}, crosses=[("class", "hash")])  # fmt: skip
    F.adapt(numbers)
    model = neurona.Model(F.get_inputs(), layers.Dense(1)(F.get_encoded_features()))
    model.compile("sgd", "mse")
    rows = Dataset.from_tensor_slices((numbers, [[0.0], [1.0]] * 3))
    assert np.isfinite(model.fit(rows.batch(3), verbose=0).history["loss"][0])
    behind = neurona.Model(F.get_encoded_features(), layers.Dense(1)(F.get_encoded_features()))
    behind.compile("sgd", "mse")
    mapped = rows.map(lambda x, y: (F(x), y)).batch(3)
    assert np.isfinite(behind.fit(mapped, verbose=0).history["loss"][0])


@pytest.mark.parametrize("mode", ["concat", "dict"])
def test_it_comes_back_from_a_file(mode: str, tmp_path: Path) -> None:
    one = space(mode=mode)
    one.adapt(TABLE)
    one.save(tmp_path / "space.keras")
    again = neurona.models.load_model(tmp_path / "space.keras")
    assert again.get_config().keys() == one.get_config().keys()
    for a, b in zip(neurona.tree.flatten(one(NEW)), neurona.tree.flatten(again(NEW)), strict=True):
        np.testing.assert_array_equal(a, b)
    model = neurona.Model(one.get_inputs(), one.get_encoded_features())
    model.save(tmp_path / "model.keras")
    columns = {name: np.array(column, dtype=object if isinstance(column[0], str) else None)[:, None]
               for name, column in NEW.items()}  # fmt: skip
    loaded = neurona.models.load_model(tmp_path / "model.keras")(columns)
    for a, b in zip(neurona.tree.flatten(one(NEW)), neurona.tree.flatten(loaded), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_layer_of_ones_own() -> None:
    words = layers.TextVectorization(output_mode="tf_idf")
    F = FeatureSpace({"text": FeatureSpace.feature("string", words, "float")})
    F.adapt({"text": ["red fish", "blue fish"]})
    assert (F({"text": "fish fish red"}).numpy() > 0).tolist() == [False, True, True, False]
    with_own = FeatureSpace(
        {"x": FeatureSpace.feature("float32", layers.Rescaling(2.0), "one_hot")}, output_mode="dict"
    )
    with pytest.raises(ArgumentError, match=r"integer dtype\. Instead it returns a float32"):
        with_own({"x": 1.0})


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: FeatureSpace({}), ArgumentError, "cannot be None or empty"),
        (lambda: FeatureSpace({"a": "number"}), ArgumentError, "Invalid feature type: number"),
        (lambda: FeatureSpace({"a": "float"}, output_mode="list"), ArgumentError, "output_mode=list"),
        (lambda: FeatureSpace({"a": "float"}, crosses=[("a", "b")]), ArgumentError, "unknown features: \\('a', 'b'\\)"),
        (lambda: FeatureSpace({"a": "float"}, crosses=[("a",)], crossing_dim=0), ArgumentError, "crossing_dim"),
        (lambda: FeatureSpace.cross(("a",), 3, "float"), ArgumentError, "output_mode=float"),
        (lambda: FeatureSpace({"a": "float_normalized"})({"a": 1.0}), NotBuiltError, "You need to call `.adapt"),
        (lambda: FeatureSpace({"a": "float"})([1.0]), ArgumentError, "can only be called with a dict"),
        (lambda: FeatureSpace({"a": "float"})({"b": 1.0}), ArgumentError, "Expected the features"),
        (lambda: FeatureSpace({"a": "float"}).adapt([1.0]), DTypeError, "can only be called on a tf.data.Dataset"),
        (
            lambda: FeatureSpace({"a": "float_normalized"}).adapt(Dataset.from_tensor_slices(({"a": [1.0]}, [1]))),
            ArgumentError, "data set of dicts with the key 'a'",
        ),
        (
            lambda: FeatureSpace({"a": FeatureSpace.integer_hashed(3, "int")})({"a": 1}),
            ArgumentError, "feature 'a' has not been encoded",
        ),
    ],
)  # fmt: skip
def test_what_is_refused(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()


@pytest.mark.filterwarnings("ignore")  # Keras's and TensorFlow's own
@pytest.mark.parametrize("mode", ["concat", "dict"])
def test_keras_says_the_same_and_reads_the_files(mode: str, tmp_path: Path) -> None:
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    keras = pytest.importorskip("keras", reason="compares with real Keras")
    tf = pytest.importorskip("tensorflow", reason="Keras's FeatureSpace needs it")
    theirs, ours = space(keras, mode), space(neurona, mode)
    theirs.adapt(tf.data.Dataset.from_tensor_slices(TABLE))
    ours.adapt(TABLE)
    theirs.save(tmp_path / "theirs.keras")
    ours.save(tmp_path / "ours.keras")
    expected = theirs(NEW)
    others = [ours(NEW), neurona.models.load_model(tmp_path / "theirs.keras")(NEW),
              keras.models.load_model(tmp_path / "ours.keras")(NEW)]  # fmt: skip
    for found in others:
        if mode == "concat":
            np.testing.assert_allclose(found, expected, atol=1e-6)
        else:
            assert list(found) == list(expected)
            for name, values in expected.items():
                np.testing.assert_allclose(found[name], values, atol=1e-6)
