"""Weights in .safetensors files: what others read, what comes back, and what is told when they do not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurona import layers
from neurona.errors import ArgumentError, NotBuiltError, SavingError
from neurona.models import Sequential

library = pytest.importorskip("safetensors.numpy", reason="the extra neurona[safetensors] is not installed")


def network(units: int = 4, **settings: Any) -> Sequential:
    return Sequential(
        [
            layers.Input((3,)), layers.Dense(units, name="first", **settings), layers.BatchNormalization(name="norm"),
            layers.Dense(2, name="last"),
        ],
        name="net",
    )  # fmt: skip


def drawn(model: Sequential, seed: int = 0) -> Sequential:
    rng = np.random.default_rng(seed)
    model.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in model.weights])
    return model


def test_any_program_reads_the_weights_by_their_paths(tmp_path: Path) -> None:
    model = drawn(network())
    model.save_weights(tmp_path / "m.safetensors")
    found = library.load_file(tmp_path / "m.safetensors")
    assert set(found) == {
        "net/first/kernel", "net/first/bias", "net/norm/gamma", "net/norm/beta", "net/norm/moving_mean",
        "net/norm/moving_variance", "net/last/kernel", "net/last/bias",
    }  # fmt: skip
    for weight in model.weights:
        np.testing.assert_array_equal(found[weight.path], weight.numpy())


def test_weights_come_back(tmp_path: Path) -> None:
    model, other = drawn(network()), drawn(network(), seed=1)
    model.save_weights(tmp_path / "m.safetensors")
    other.load_weights(tmp_path / "m.safetensors")
    for ours, its in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, its)


def test_files_of_other_programs_are_read(tmp_path: Path) -> None:
    model = drawn(network())
    arrays = {w.path: w.numpy() + 1 for w in model.weights}
    library.save_file(dict(reversed(arrays.items())), tmp_path / "m.safetensors")
    model.load_weights(tmp_path / "m.safetensors")
    for weight in model.weights:
        np.testing.assert_array_equal(weight.numpy(), arrays[weight.path])


def test_automatic_numbers_in_names_do_not_matter(tmp_path: Path) -> None:
    def unnamed() -> Sequential:
        return Sequential([layers.Input((3,)), layers.Dense(3), layers.Dense(3)])

    model, other = drawn(unnamed()), drawn(unnamed(), seed=1)
    assert model.weights[0].path != other.weights[0].path
    model.save_weights(tmp_path / "m.safetensors")
    other.load_weights(tmp_path / "m.safetensors")
    for ours, its in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, its)


def test_what_does_not_fit_is_named_and_nothing_changes(tmp_path: Path) -> None:
    model = drawn(network())
    before = model.get_weights()
    good = {w.path: w.numpy() + 1 for w in model.weights}
    for change, told in (
        ({"net/first/kernel": None}, "'net/first/kernel' is missing"),
        ({"net/more/kernel": np.ones(2)}, "the model has no 'net/more/kernel'"),
        ({"net/last/bias": np.ones((5,), "float32")}, r"'net/last/bias' has shape \(5,\) instead of \(2,\)"),
        ({"net/last/bias": np.ones((2,), "int32")}, "'net/last/bias' is of type int32 instead of float32"),
    ):
        arrays = {name: a for name, a in {**good, **change}.items() if a is not None}
        library.save_file(arrays, tmp_path / "m.safetensors")
        with pytest.raises(SavingError, match=told):
            model.load_weights(tmp_path / "m.safetensors")
        for weight, old in zip(model.get_weights(), before, strict=True):
            np.testing.assert_array_equal(weight, old)


def test_what_does_not_fit_can_be_skipped(tmp_path: Path) -> None:
    drawn(network(units=4)).save_weights(tmp_path / "m.safetensors")
    model = drawn(network(units=5), seed=1)
    kernel = model.get_layer("first").get_weights()[0]
    with pytest.warns(UserWarning, match=r"'net/first/kernel' has shape \(3, 4\) instead of \(3, 5\)"):
        model.load_weights(tmp_path / "m.safetensors", skip_mismatch=True)
    np.testing.assert_array_equal(model.get_layer("first").get_weights()[0], kernel)
    np.testing.assert_array_equal(
        model.get_layer("last").get_weights()[1], library.load_file(tmp_path / "m.safetensors")["net/last/bias"]
    )


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    model = drawn(network())
    model.save_weights(tmp_path / "good.safetensors")
    data = (tmp_path / "good.safetensors").read_bytes()
    huge = (1 << 62).to_bytes(8, "little") + data[8:]
    rng = np.random.default_rng(0)
    mutated = [bytearray(data) for _ in range(100)]
    for other in mutated:
        other[rng.integers(0, 600)] = rng.integers(0, 256)
    for bad in (b"", data[:7], data[:100], data[:-1], data + b"x", huge, b"{}" * 50, *map(bytes, mutated)):
        (tmp_path / "bad.safetensors").write_bytes(bad)
        try:
            model.load_weights(tmp_path / "bad.safetensors")
        except SavingError:
            continue
        assert bad in map(bytes, mutated)  # a byte changed within the numbers is no damage that can be seen


def test_an_unbuilt_model_has_no_weights_to_store(tmp_path: Path) -> None:
    model = Sequential([layers.Dense(2)])
    with pytest.raises(NotBuiltError, match="Build it first"):
        model.save_weights(tmp_path / "m.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_equal_paths_are_refused(tmp_path: Path) -> None:
    class Twins(layers.Layer):
        def build(self, input_shape: Any) -> None:
            self.a = self.add_weight(shape=(2,), name="w")
            self.b = self.add_weight(shape=(2,), name="w")

        def call(self, x: Any) -> Any:
            return x

    model = Sequential([layers.Input((2,)), Twins(name="twins")], name="net")
    with pytest.raises(SavingError, match=r"the same path.*'net/twins/w'"):
        model.save_weights(tmp_path / "m.safetensors")


def test_an_existing_file_is_kept_when_asked(tmp_path: Path) -> None:
    model = drawn(network())
    model.save_weights(tmp_path / "m.safetensors")
    with pytest.raises(SavingError, match="exists"):
        model.save_weights(tmp_path / "m.safetensors", overwrite=False)


def test_all_weights_go_or_none(tmp_path: Path) -> None:
    model = drawn(network())
    with pytest.raises(ArgumentError, match="objects_to_skip"):
        model.save_weights(tmp_path / "m.safetensors", objects_to_skip=[model.get_layer("last")])
    model.save_weights(tmp_path / "m.safetensors")
    with pytest.raises(ArgumentError, match="objects_to_skip"):
        model.load_weights(tmp_path / "m.safetensors", objects_to_skip=[model.get_layer("last")])
