"""Objects with several names or places in a model: each comes back as one, with its weights."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neurona as keras


@keras.saving.register_keras_serializable("shared")
class Around(keras.layers.Wrapper):
    def call(self, x: Any) -> Any:
        return self.layer(x)


def _with_a_wrapped_layer() -> Any:
    a, b = keras.Input((2,)), keras.Input((2,))
    dense = keras.layers.Dense(1)
    return keras.Model([a, b], [dense(a), Around(dense)(b)])


def test_a_layer_that_another_one_wraps_too(tmp_path: Path) -> None:
    model = _with_a_wrapped_layer()
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    assert again.layers[2] is again.layers[3].layer
    x = [np.ones((1, 2)), np.full((1, 2), 2.0)]
    for one, other in zip(model.predict(x, verbose=0), again.predict(x, verbose=0), strict=True):
        np.testing.assert_array_equal(one, other)


def test_both_places_carry_its_number(tmp_path: Path) -> None:
    """Keras looks for the number in the first place as well."""
    _with_a_wrapped_layer().save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        layers = json.loads(archive.read("config.json"))["config"]["layers"]
    assert isinstance(layers[2]["shared_object_id"], int)
    assert layers[2]["shared_object_id"] == layers[3]["config"]["layer"]["shared_object_id"]


def test_keras_reads_it_as_one_layer(tmp_path: Path) -> None:
    real = pytest.importorskip("keras", reason="compares with Keras")
    model = _with_a_wrapped_layer()
    model.save(tmp_path / "m.keras")

    class Theirs(real.layers.Wrapper):  # type: ignore[name-defined, misc]
        def call(self, x: Any) -> Any:
            return self.layer(x)

    again = real.saving.load_model(tmp_path / "m.keras", custom_objects={"Around": Theirs, "shared>Around": Theirs})
    assert again.layers[2] is again.layers[3].layer
    np.testing.assert_array_equal(np.asarray(again.layers[2].kernel), model.layers[2].kernel)


class Plain(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.dense = keras.layers.Dense(3)
        self.inner = keras.Sequential([keras.layers.Dense(2)])

    def call(self, x: Any) -> Any:
        return self.inner(self.dense(x))


class Renamed(keras.Model):
    """Met first as `a_dense` and `b_inner`; the file knows the names of the properties."""

    def __init__(self) -> None:
        super().__init__()
        self.a_dense = keras.layers.Dense(3)
        self.b_inner = keras.Sequential([keras.layers.Dense(2)])

    @property
    def dense(self) -> Any:
        return self.a_dense

    @property
    def inner(self) -> Any:
        return self.b_inner

    def call(self, x: Any) -> Any:
        return self.b_inner(self.a_dense(x))


def test_weights_under_another_name_of_a_layer(tmp_path: Path) -> None:
    x = np.ones((2, 2), "float32")
    one, other = Plain(), Renamed()
    expected = one(x)
    other(x)
    one.save_weights(tmp_path / "m.weights.h5")
    other.load_weights(tmp_path / "m.weights.h5")
    np.testing.assert_array_equal(other(x), expected)


def test_a_drawn_model_of_a_class_of_its_own(tmp_path: Path) -> None:
    @keras.saving.register_keras_serializable("shared")
    class Drawn(keras.Model):
        pass

    x = keras.Input((2,))
    model = Drawn(x, keras.layers.Dense(1)(x))
    assert set(model.get_config()) >= {"layers", "input_layers", "output_layers"}
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    assert type(again) is Drawn
    np.testing.assert_array_equal(again.layers[1].kernel, model.layers[1].kernel)
