"""Weights alone: in one file, in several, in a folder; what does not fit is named, and the model stays as it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neurona as keras
from neurona import ops
from neurona.errors import ArgumentError, NotBuiltError, SavingError, UnknownNameError, UnsafeFileError
from neurona.layers import Dense, Embedding, Input, keras_operations
from neurona.saving.tree import saveables

h5py = pytest.importorskip("h5py", reason="model files are HDF5")
X = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")


def stack(*units: int) -> Any:
    keras.utils.clear_session()
    return keras.Sequential([Input((4,)), *(Dense(n) for n in units)])


def unchanged(model: Any, before: list[Any]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize(
    ("units", "told"),
    [
        ((3, 2, 2), r"'layers/dense_2'.*expected 2 variables, but received 0"),
        ((3,), "the file has weights for 'layers/dense_1', which the model lacks"),
        ((3, 5), r"'layers/dense_1'.*shape \(3, 5\)"),
    ],
)
def test_what_is_missing_extra_or_wrong_is_named(units: tuple[int, ...], told: str, tmp_path: Path) -> None:
    stack(3, 2).save_weights(tmp_path / "w.weights.h5")
    model = stack(*units)
    before = model.get_weights()
    with pytest.raises(SavingError, match=told):
        model.load_weights(tmp_path / "w.weights.h5")
    assert unchanged(model, before)
    with pytest.warns(UserWarning, match="left as they were"):
        model.load_weights(tmp_path / "w.weights.h5", skip_mismatch=True)
    assert not unchanged(model, before), "what fits is taken"


def test_objects_can_be_skipped(tmp_path: Path) -> None:
    model, other = stack(3, 2), stack(3, 2)
    model.save_weights(tmp_path / "part.weights.h5", objects_to_skip=[model.layers[1]])
    kept = other.layers[1].get_weights()
    other.load_weights(tmp_path / "part.weights.h5", objects_to_skip=[other.layers[1]])
    np.testing.assert_array_equal(model.layers[0].get_weights()[0], other.layers[0].get_weights()[0])
    np.testing.assert_array_equal(other.layers[1].get_weights()[0], kept[0])
    with pytest.raises(SavingError, match="layers/dense_1"):
        other.load_weights(tmp_path / "part.weights.h5")
    model.save_weights(tmp_path / "all.weights.h5")
    other.load_weights(tmp_path / "all.weights.h5", objects_to_skip=[other.layers[1]])
    np.testing.assert_array_equal(other.layers[1].get_weights()[0], kept[0])
    model.save(tmp_path / "m.keras")
    with pytest.raises(ArgumentError, match="objects_to_skip"):
        other.load_weights(tmp_path / "m.keras", objects_to_skip=[])
    with pytest.raises(ArgumentError, match="by_name"):
        other.load_weights(tmp_path / "all.weights.h5", by_name=True)


def test_an_unbuilt_model_has_no_weights_to_save_or_load(tmp_path: Path) -> None:
    stack(3).save_weights(tmp_path / "w.weights.h5")
    unbuilt = keras.Sequential([Dense(3)])
    with pytest.raises(NotBuiltError, match="not yet been built"):
        unbuilt.save_weights(tmp_path / "v.weights.h5")
    with pytest.raises(NotBuiltError, match="not yet been built"):
        unbuilt.load_weights(tmp_path / "w.weights.h5")


def test_an_optimizer_in_the_file_is_no_extra_weight(tmp_path: Path) -> None:
    model = stack(3)
    model.compile("adam", "mse")
    model.fit(X, X[:, :3], verbose=0)
    model.save(tmp_path / "m.keras")
    other = stack(3)
    other.load_weights(tmp_path / "m.keras")
    assert unchanged(other, model.get_weights())


# -- several files ---------------------------------------------------------------------------------------------------------


def test_weights_are_spread_over_files_of_a_bounded_size(tmp_path: Path) -> None:
    model, path = stack(8, 8), tmp_path / "w.weights.json"
    model.save_weights(path, max_shard_size=300 / 2**30)
    told = json.loads(path.read_text())
    assert told["metadata"]["total_size"] == sum(w.nbytes for w in model.get_weights())
    assert told["weight_map"] == {
        "/layers/dense/vars": "w_00000.weights.h5",
        "/layers/dense_1/vars": "w_00001.weights.h5",
    }
    other = stack(8, 8)
    other.load_weights(path)
    assert unchanged(other, model.get_weights())
    model.save_weights(path, max_shard_size=256 / 2**30)  # a kernel fills a file, its bias goes into the next
    assert len(json.loads(path.read_text())["weight_map"]["/layers/dense_1/vars"]) == 2
    other.set_weights([w * 0 for w in other.get_weights()])
    other.load_weights(path)
    assert unchanged(other, model.get_weights())
    with pytest.raises(SavingError, match=r"layers/dense_1/vars/0. takes 256 bytes, which exceeds"):
        model.save_weights(path, max_shard_size=200 / 2**30)
    other.load_weights(path)  # the files that were there are whole


@pytest.mark.parametrize("name", ["../w_00000.weights.h5", "/etc/w.weights.h5", "a/w.weights.h5", "w.h5", 3])
def test_a_map_names_only_files_beside_it(name: Any, tmp_path: Path) -> None:
    model, path = stack(3), tmp_path / "w.weights.json"
    model.save_weights(path, max_shard_size=1)
    path.write_text(json.dumps({"weight_map": {"/layers/dense/vars": name}}))
    with pytest.raises(UnsafeFileError, match="beside it"):
        model.load_weights(path)


def test_damaged_maps_are_told(tmp_path: Path) -> None:
    model, path = stack(3), tmp_path / "w.weights.json"
    model.save_weights(path, max_shard_size=1)
    whole = path.read_text()
    for text, told in (("[]", "no map of weights"), ("{", "JSON"), (whole.replace("dense", "dance"), "does not hold")):
        path.write_text(text)
        with pytest.raises(SavingError, match=told):
            model.load_weights(path)
    path.write_text(whole)
    (tmp_path / "w_00000.weights.h5").unlink()
    with pytest.raises(SavingError, match=r"w_00000.weights.h5.* is missing"):
        model.load_weights(path)


# -- a folder --------------------------------------------------------------------------------------------------------------


def test_a_model_in_a_folder(tmp_path: Path) -> None:
    model = stack(3)
    for _ in range(2):  # the second time in place of the first
        model.save(tmp_path / "model", zipped=False)
    assert {p.name for p in (tmp_path / "model").iterdir()} == {"metadata.json", "config.json", "model.weights.h5"}
    assert [p.name for p in tmp_path.iterdir()] == ["model"]
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "model").predict(X), model.predict(X))
    (tmp_path / "model" / "notes.txt").write_text("mine")
    with pytest.raises(SavingError, match=r"not replaced. Found: notes.txt"):
        model.save(tmp_path / "model", zipped=False)
    (tmp_path / "model" / "model.weights.h5").unlink()
    with pytest.raises(SavingError, match=r"model.weights.h5 missing"):
        keras.models.load_model(tmp_path / "model")
    (tmp_path / "model" / "model.weights.h5").symlink_to("/etc/hostname")
    with pytest.raises(UnsafeFileError, match="never followed"):
        keras.models.load_model(tmp_path / "model")
    with pytest.raises(SavingError, match="zipped=False"):
        model.save(tmp_path / "m.keras", zipped=False)


# -- the places of the parts -------------------------------------------------------------------------------------------------


class Parts(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.zeta, self._hidden, self.Upper = Dense(2), Dense(2), Dense(2)
        self.alpha = [Dense(2), [Dense(2)], {"b": Dense(2), "a": [Dense(2)]}]


def test_parts_lie_where_keras_looks_for_them() -> None:
    """Attributes by name, private ones last, ``layers`` among them; lists within lists are containers."""
    assert [path for path, _ in saveables(Parts())] == [
        "", "Upper", "alpha/dense", "alpha/container/dense", "alpha/container_1/dense",
        "alpha/container_1/container/dense", "layers/dense", "layers/dense_1",
    ]  # fmt: skip


def test_ops_are_described_as_keras_describes_them() -> None:
    x = Input((4,), name="x")
    h = Dense(3, name="d")(x)
    model = keras.Model(x, ops.concatenate([h[:, :1] * 2, ops.sum(h, axis=-1, keepdims=True)], axis=1))
    told = {entry["class_name"]: entry for entry in model.get_config()["layers"]}
    assert told["Sum"]["module"] == "keras.src.ops.numpy"
    assert {k: v for k, v in told["Sum"]["config"].items() if k != "name"} == {"axis": -1, "keepdims": True}
    assert told["Multiply"]["inbound_nodes"][0]["args"][1] == 2
    assert told["GetItem"]["inbound_nodes"][0]["args"][1][1]["config"] == {"start": None, "stop": 1, "step": None}
    assert told["Concatenate"]["config"]["axis"] == 1
    again = keras.Model.from_config(json.loads(json.dumps(model.get_config())))
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert [one.name for one in again.operations] == [one.name for one in model.operations]
    with pytest.raises(UnknownNameError, match=r"Received: 'ExpandDim'. Did you mean 'ExpandDims'\?"):
        keras_operations.find("keras.src.ops.numpy", "ExpandDim")


def test_one_layer_in_two_models_comes_back_as_one(tmp_path: Path) -> None:
    dense, x, a = Dense(4), Input((4,)), Input((4,))
    encoder = keras.Model(x, dense(x), name="encoder")
    model = keras.Model(a, Dense(1)(encoder(a) + dense(a)))
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    assert again.get_layer("encoder").layers[1] is again.get_layer(dense.name)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_ops_of_a_model_with_masks_have_names_of_their_own() -> None:
    """Keras draws "not_equal" itself for the mask and refuses a second op of that name."""
    words = Input((None,), dtype="int32")
    known = ops.expand_dims(ops.not_equal(words, 0), -1)
    x = ops.where(known, Embedding(5, 2, mask_zero=True)(words), -1.0)
    config = keras.Model(words, ops.max(x, axis=1, keepdims=False)).get_config()
    names = [entry["name"] for entry in config["layers"] if entry["module"].startswith("keras.src.ops")]
    assert [name.endswith("_op") for name in names] == [True, True, True, False], "what the model gives keeps its name"
    assert all(entry["config"]["name"] == entry["name"] for entry in config["layers"])
    again = keras.Model.from_config(config).get_config()
    assert [entry["name"] for entry in again["layers"]] == [entry["name"] for entry in config["layers"]]


def groups_of(path: Path) -> list[str]:
    """All groups and arrays in a file of weights, in HDF5's order."""
    found: list[str] = []
    with h5py.File(path) as file:
        file.visititems(lambda name, thing: found.append(name))
    return found


def test_a_file_has_keras_groups_and_no_others(tmp_path: Path) -> None:
    model = stack(3)
    model.add(keras.layers.Dropout(0.5))
    model.compile("sgd", "mse")
    model.fit(X, np.ones((8, 3)), verbose=0)
    model.save_weights(tmp_path / "a.weights.h5")
    # as Keras 3.15 writes them: no group for what only runs the model
    assert groups_of(tmp_path / "a.weights.h5") == [
        "layers", "layers/dense", "layers/dense/vars", "layers/dense/vars/0", "layers/dense/vars/1", "layers/dropout",
        "layers/dropout/vars", "optimizer", "optimizer/vars", "optimizer/vars/0", "optimizer/vars/1", "vars",
    ]  # fmt: skip


@pytest.mark.filterwarnings("ignore")  # Keras's and TensorFlow's own
@pytest.mark.parametrize("kind", ["sequential", "functional", "subclass"])
def test_groups_beside_keras(kind: str, tmp_path: Path) -> None:
    real = pytest.importorskip("keras", reason="compares with real Keras")

    def made(k: Any) -> Any:
        layers = k.layers
        if kind == "sequential":
            return k.Sequential([k.Input((4,)), layers.Dropout(0.5), layers.BatchNormalization(), layers.Dense(1)])
        if kind == "functional":
            x = symbol = k.Input((4, 2))
            x = layers.Bidirectional(layers.LSTM(2, return_sequences=True))(x)
            x = layers.LayerNormalization()(layers.MultiHeadAttention(2, 2)(x, x))
            inner = k.Sequential([k.Input((4,)), layers.Dense(2)])
            return k.Model(symbol, inner(layers.GlobalAveragePooling1D()(x)))

        class Own(k.Model):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__()
                self.some = [layers.Dense(2), layers.Conv1D(2, 1)]
                self.last = k.Sequential([layers.RNN([layers.LSTMCell(2), layers.GRUCell(2)]), layers.Dense(1)])

            def call(self, x: Any) -> Any:
                return self.last(self.some[1](self.some[0](x)))

        model = Own()
        model(np.zeros((1, 4, 2), "float32"))
        return model

    found = []
    for k, name in ((keras, "ours"), (real, "theirs")):
        k.utils.clear_session()
        made(k).save_weights(tmp_path / f"{name}.weights.h5")
        found.append(groups_of(tmp_path / f"{name}.weights.h5"))
    assert found[0] == found[1]
