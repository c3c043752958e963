"""A model read from a file draws no initial weights that the file replaces, and nobody can tell by its numbers."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import neurona as keras
from neurona import deferred
from neurona.errors import SavingError, ShapeError
from neurona.parts.initializers import GlorotUniform, Orthogonal, RandomInitializer


@keras.saving.register_keras_serializable("waits")
class Projection(keras.layers.Layer):
    """Its weights follow from the seed alone, so it leaves them out of the file."""

    def build(self, input_shape: Any) -> None:
        seeded = keras.initializers.RandomNormal(seed=5)
        self.fixed = self.add_weight(shape=(input_shape[-1], 3), initializer=seeded, trainable=False)
        self.bias = self.add_weight(shape=(3,), initializer="zeros")

    def call(self, x: Any) -> Any:
        return x @ self.fixed + self.bias

    def save_own_variables(self, store: Any) -> None:
        store["0"] = self.bias.numpy()

    def load_own_variables(self, store: Any) -> None:
        self.bias.assign(store["0"])


@keras.saving.register_keras_serializable("waits")
class Counting(keras.initializers.Initializer):
    calls = 0

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        type(self).calls += 1
        return keras.ops.ones(shape, dtype)


@keras.saving.register_keras_serializable("waits")
class Shifted(GlorotUniform):
    """A user's subclass may do anything when it is called, so it is called."""

    calls = 0

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        type(self).calls += 1
        return super().__call__(shape, dtype)


def _model() -> Any:
    model = keras.Sequential([keras.Input((5, 2)), keras.layers.LSTM(4), keras.layers.Dense(3), Projection()])
    model.compile("adam", "mse")
    model.fit(np.ones((2, 5, 2)), np.ones((2, 3)), verbose=0)
    return model


@pytest.mark.parametrize("name", ["m.keras", "m.h5"])
def test_nothing_is_drawn_that_the_file_brings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    if name == "m.h5":
        model = keras.Sequential([keras.Input((5, 2)), keras.layers.LSTM(4), keras.layers.Dense(3)])
    else:
        model = _model()
    model.save(tmp_path / name)

    def never(self: Any, shape: Any, dtype: Any = None) -> Any:
        raise AssertionError("drawn in vain")

    for kind in (Orthogonal, GlorotUniform.__mro__[1]):
        monkeypatch.setattr(kind, "__call__", never)
    again = keras.models.load_model(tmp_path / name)
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    if model.optimizer is not None:
        for one, other in zip(model.optimizer.variables, again.optimizer.variables, strict=True):
            np.testing.assert_array_equal(one, other)


def test_weights_that_the_file_leaves_out_are_drawn_after_all(tmp_path: Path) -> None:
    model = _model()
    expected = keras.initializers.RandomNormal(seed=5)((3, 3)).numpy()
    np.testing.assert_array_equal(model.layers[-1].fixed, expected)
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(again.layers[-1].fixed, expected)
    np.testing.assert_array_equal(
        again.predict(np.ones((1, 5, 2)), verbose=0), model.predict(np.ones((1, 5, 2)), verbose=0)
    )


def test_missing_weights_are_still_an_error(tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)]).save(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    file = tmp_path / "w.h5"
    file.write_bytes(members["model.weights.h5"])
    with h5py.File(file, "a") as opened:
        del opened["layers/dense/vars/0"]
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in {**members, "model.weights.h5": file.read_bytes()}.items():
            archive.writestr(name, data)
    with pytest.raises(SavingError, match="expected 2 variables, but received 1"):
        keras.models.load_model(path)


def test_random_numbers_afterwards_do_not_depend_on_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = keras.random.SeedGenerator(3)
    model = keras.Sequential([
        keras.Input((2,)),
        keras.layers.Dense(2, kernel_initializer=keras.initializers.RandomNormal(seed=generator)),
        keras.layers.Dropout(0.5), keras.layers.Dense(2, kernel_initializer=Shifted(), bias_initializer=Counting()),
    ])  # fmt: skip
    model.save(tmp_path / "m.keras")
    seen = []
    for waits in (True, False):
        if not waits:
            monkeypatch.setattr(RandomInitializer, "may_wait", False)
        keras.utils.set_random_seed(1)
        Counting.calls = Shifted.calls = 0
        again = keras.models.load_model(tmp_path / "m.keras")
        assert (Counting.calls, Shifted.calls) == (1, 1)
        source = again.layers[0].kernel_initializer.seed
        seen.append([
            source.state.numpy().tolist(), keras.random.normal((3,)).tolist(), keras.layers.Dense(2).kernel_initializer.seed,
            again(np.ones((4, 2)), training=True).tolist(),
        ])  # fmt: skip
    assert seen[0] == seen[1]
    assert seen[0][0][1] == 1  # the generator moved on as it was drawn from


def test_what_got_a_value_meanwhile_keeps_it() -> None:
    seeded = keras.initializers.RandomNormal(seed=1)
    with deferred.deferred():
        given, left = (keras.Variable(seeded, (2,)) for _ in range(2))
        within = keras.Variable(seeded, (2,))
        given.assign([1.0, 2.0])
        within.data[0] = 3.0
        assert type(left) is not keras.Variable and left.shape == (2,)  # still waiting
    np.testing.assert_array_equal(given, [1.0, 2.0])
    np.testing.assert_array_equal(within, [3.0, seeded((2,)).numpy()[1]])
    assert {type(variable) for variable in (given, within, left)} == {keras.Variable}
    np.testing.assert_array_equal(left, seeded((2,)))
    np.testing.assert_array_equal(keras.Variable(seeded, (2,)), left)


@keras.saving.register_keras_serializable("waits")
class Scaled(keras.layers.Layer):
    """It looks at its fresh weight, and at one of a layer of ours within it, while it is built."""

    def build(self, input_shape: Any) -> None:
        self.w = self.add_weight(shape=(3, 3), initializer=keras.initializers.RandomNormal(seed=2), trainable=False)
        self.inner = keras.layers.Dense(3, kernel_initializer=keras.initializers.Orthogonal(seed=1), use_bias=False)
        self.inner.build(input_shape)
        self.norm = float(np.linalg.norm(self.w.numpy()) + np.abs(self.inner.kernel).sum())

    def call(self, x: Any) -> Any:
        return self.inner(x) @ self.w / self.norm


@keras.saving.register_keras_serializable("waits")
class Emptied(keras.layers.Dense):
    def load_own_variables(self, store: Any) -> None:
        self.kernel.data[...] = 0
        self.bias.assign(np.ones(3))


def test_a_layer_that_reads_its_fresh_weights_sees_them(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((3,)), Scaled()])
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    assert again.layers[0].norm == model.layers[0].norm > 0
    x = np.ones((1, 3), "float32")
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))


def test_zeros_that_were_given_in_place_stay(tmp_path: Path) -> None:
    keras.Sequential([keras.Input((3,)), Emptied(3)]).save(tmp_path / "m.keras")
    kernel, bias = keras.models.load_model(tmp_path / "m.keras").get_weights()
    assert not kernel.any() and bias.tolist() == [1.0, 1.0, 1.0]


def test_what_does_not_fit_leaves_a_waiting_weight_as_it_would_be() -> None:
    seeded = keras.initializers.RandomNormal(seed=1)
    with deferred.deferred():
        wrong, itself = (keras.Variable(seeded, (2,)) for _ in range(2))
        with pytest.raises(ShapeError, match="keeps its shape"):
            wrong.assign([1.0, 2.0, 3.0])
        itself.assign(itself)
    np.testing.assert_array_equal(wrong, seeded((2,)))
    np.testing.assert_array_equal(itself, seeded((2,)))
