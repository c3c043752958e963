"""Files: written whole or not at all, read back equal, and never believed blindly."""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neurona as keras
from neurona.errors import NeuronaError, SavingError, UnknownNameError, UnsafeFileError
from neurona.layers import BatchNormalization, Dense, Dropout, Input, Lambda, Layer
from neurona.layers.operation import Operation

h5py = pytest.importorskip("h5py", reason="model files are HDF5")
X = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
Y = np.random.default_rng(1).normal(size=(32, 1)).astype("float32")


def trained() -> Any:
    keras.utils.clear_session()
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [Input((4,)), Dense(3, activation="relu", name="hello"), BatchNormalization(), Dropout(0.2), Dense(1)]
    )
    model.compile(keras.optimizers.Adam(0.01), "mse", metrics=["mae"])
    model.fit(X, Y, epochs=2, verbose=0)
    return model


def test_a_model_comes_back_and_goes_on(tmp_path: Path) -> None:
    model = trained()
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    assert int(again.optimizer.iterations) == int(model.optimizer.iterations) == 2
    for a, b in zip(model.optimizer.variables, again.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    for m in (model, again):
        keras.utils.set_random_seed(9)
        m.layers[2].seed_generator = keras.random.SeedGenerator(1)
        m.compile(m.optimizer, "mse") if m is model else None
        m.fit(X, Y, epochs=1, shuffle=False, verbose=0)
    np.testing.assert_array_equal(model.get_weights()[0], again.get_weights()[0])


def test_layout_is_that_of_keras(tmp_path: Path) -> None:
    trained().save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        assert archive.namelist() == ["metadata.json", "config.json", "model.weights.h5"]
        weights = io.BytesIO(archive.read("model.weights.h5"))
        config = json.loads(archive.read("config.json"))
    assert config["module"] == "keras" and config["class_name"] == "Sequential"
    with h5py.File(weights) as file:
        found: list[str] = []
        file.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
        assert file["layers/dense/vars"].attrs["name"] == "hello"
    layers = {name for name in found if name.startswith("layers")}
    assert layers == {
        *(f"layers/dense/vars/{i}" for i in range(2)), *(f"layers/dense_1/vars/{i}" for i in range(2)),
        *(f"layers/batch_normalization/vars/{i}" for i in range(4)),
    }  # fmt: skip
    assert sum(name.startswith("optimizer/vars/") for name in found) == 2 + 2 * 6


def test_a_functional_model_is_named_as_keras_names_it(tmp_path: Path) -> None:
    """Keras has no public name for this class and refuses any other module than the one it lies in."""
    x = Input((4,))
    keras.Model(x, Dense(2)(x)).save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        told = json.loads(archive.read("config.json"))
    assert (told["module"], told["class_name"]) == ("keras.src.models.functional", "Functional")
    assert type(keras.models.load_model(tmp_path / "m.keras")) is keras.models.Functional
    told["module"] = "keras.models"  # as files of earlier versions have it
    assert type(keras.models.model_from_json(json.dumps(told))) is keras.models.Functional


def test_weights_alone(tmp_path: Path) -> None:
    model = trained()
    model.save_weights(tmp_path / "w.weights.h5")
    other = trained()
    other.layers[0].set_weights([np.zeros((4, 3)), np.zeros(3)])
    other.load_weights(tmp_path / "w.weights.h5")
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@keras.saving.register_keras_serializable("test")
class Scale(Layer):
    def __init__(self, factor: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, x: Any) -> Any:
        return x * self.factor

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor}


def test_registered_layers_come_back(tmp_path: Path) -> None:
    model = keras.Sequential([Input((4,)), Scale(3.0)])
    model.save(tmp_path / "m.keras")
    np.testing.assert_allclose(keras.models.load_model(tmp_path / "m.keras").predict(X, verbose=0), 3 * X)


class Stranger(Scale):
    pass


def test_unknown_classes_and_lambdas_are_refused(tmp_path: Path) -> None:
    keras.Sequential([Input((4,)), Stranger(3.0)]).save(tmp_path / "stranger.keras")
    with pytest.raises(UnknownNameError, match="register_keras_serializable"):
        keras.models.load_model(tmp_path / "stranger.keras")
    assert keras.models.load_model(tmp_path / "stranger.keras", custom_objects={"Stranger": Stranger})
    with pytest.raises(SavingError, match="lambda"):
        keras.Sequential([Input((4,)), Lambda(lambda x: x)]).save(tmp_path / "l.keras")
    with pytest.raises(UnsafeFileError, match="Lambda layer is never"):
        Lambda.from_config({"function": "anything"})


def tampered(path: Path, **members: bytes) -> Path:
    """A copy of an archive with other contents for some members ("config_json" for config.json)."""
    target = path.with_name("tampered.keras")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w") as copy:
        for name in source.namelist():
            copy.writestr(name, members.pop(name.replace(".", "_"), source.read(name)))
        for name, data in members.items():
            copy.writestr(name, data)
    return target


def test_an_unknown_op_is_told_without_the_whole_table() -> None:
    with pytest.raises(UnknownNameError, match=r"Received: 'softmaxx'. Did you mean 'softmax'\?") as caught:
        Operation.from_config({"name": "s", "operation": "softmaxx"})
    assert len(str(caught.value)) < 300
    assert "_get_item" not in str(UnknownNameError.among("op", "get_item", ["_get_item", "take"]))


def test_damaged_files_give_our_errors_and_change_nothing(tmp_path: Path) -> None:
    model = trained()
    path = tmp_path / "m.keras"
    model.save(path)
    data = path.read_bytes()
    before = model.get_weights()
    broken = tmp_path / "broken.keras"
    rng = np.random.default_rng(0)
    for _ in range(150):
        mutated = bytearray(data)
        for _ in range(int(rng.integers(1, 4))):
            mutated[int(rng.integers(len(mutated)))] ^= int(rng.integers(1, 256))
        broken.write_bytes(mutated[: int(rng.integers(len(mutated)))] if rng.random() < 0.3 else mutated)
        try:
            model.load_weights(broken)
        except NeuronaError:
            for a, b in zip(before, model.get_weights(), strict=True):
                np.testing.assert_array_equal(a, b)
        model.set_weights(before)
    for contents in (b"", b"PK", b"not a zip at all" * 100):
        broken.write_bytes(contents)
        with pytest.raises(SavingError, match="not a readable"):
            keras.models.load_model(broken)


def test_bombs_and_extra_members_are_refused(tmp_path: Path) -> None:
    trained().save(tmp_path / "m.keras")
    with pytest.raises(UnsafeFileError, match="exactly"):
        keras.models.load_model(tampered(tmp_path / "m.keras", extra=b"x"))
    with pytest.raises(SavingError, match="JSON"):
        keras.models.load_model(tampered(tmp_path / "m.keras", config_json=b"[" * 100_000))
    bomb = io.BytesIO()
    with h5py.File(bomb, "w") as file:
        file.create_dataset("layers/dense/vars/0", shape=(1 << 34,), dtype="float32", chunks=(1024,))
    with pytest.raises(UnsafeFileError, match=r"out of proportion|does not hold"):
        keras.models.load_model(tampered(tmp_path / "m.keras", model_weights_h5=bomb.getvalue()))


def test_links_out_of_the_file_are_never_followed(tmp_path: Path) -> None:
    model = trained()
    model.save_weights(tmp_path / "w.weights.h5")
    with h5py.File(tmp_path / "w.weights.h5", "a") as file:
        del file["layers/dense/vars/0"]
        file["layers/dense/vars/0"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/x")
    with pytest.raises(UnsafeFileError, match="link"):
        model.load_weights(tmp_path / "w.weights.h5")


def test_wrong_models_are_named_and_stay_as_they_were(tmp_path: Path) -> None:
    trained().save_weights(tmp_path / "w.weights.h5")
    other = keras.Sequential([Input((4,)), Dense(5), BatchNormalization(), Dropout(0.1), Dense(1)])
    before = other.get_weights()
    with pytest.raises(SavingError, match="layers/dense"):
        other.load_weights(tmp_path / "w.weights.h5")
    for a, b in zip(before, other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = trained()
    path = tmp_path / "m.keras"
    model.save(path)
    old = path.read_bytes()

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SavingError, match="disk is full"):
        model.save(path)
    assert path.read_bytes() == old
    assert [p.name for p in tmp_path.iterdir()] == ["m.keras"], "nothing half-written stays"


@pytest.mark.parametrize(("name", "words"), [("m.h5x", "extension `.keras`"), ("m", "extension `.keras`")])
def test_endings(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(SavingError, match=words):
        trained().save(tmp_path / name)
    with pytest.raises(SavingError, match="File not found"):
        keras.models.load_model(tmp_path / "none.keras")
    trained().save(tmp_path / "m.keras")
    with pytest.raises(SavingError, match="exists"):
        trained().save(tmp_path / "m.keras", overwrite=False)


def test_a_subclassed_model_is_built_from_its_file_and_by_shape(tmp_path: Path) -> None:
    @keras.saving.register_keras_serializable("reviewed")
    class Written(keras.Model):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.first, self.norm = Dense(4), BatchNormalization()

        def call(self, x: Any, training: bool | None = None) -> Any:
            return self.norm(self.first(x), training=training)

    model, x = Written(), np.ones((5, 6), "float32")
    expected = model.predict(x, verbose=0)
    model.save(tmp_path / "m.keras")
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "m.keras").predict(x, verbose=0), expected)
    built = Written()
    built.build((None, 6))
    assert [w.shape for w in built.weights] == [w.shape for w in model.weights]
