"""What loading says: which file it was, what is wrong with it, and what to do."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import neurona as keras
from neurona.errors import DTypeError, SavingError, UnknownNameError, UnsafeFileError
from neurona.saving.hdf5.fletcher import fletcher32
from neurona.saving.stored import open_stored


def _small() -> Any:
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name="dense")])


def _rewritten(path: Path, change: Callable[[Any], None]) -> Path:
    """A saved model whose description was changed."""
    _small().save(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    change(config["config"]["layers"][1])
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in {**members, "config.json": json.dumps(config).encode()}.items():
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize(("change", "kind", "words"), [
    (lambda dense: dense.update(module="subprocess", class_name="Popen"), UnknownNameError, "Unknown class"),
    (lambda dense: dense["config"].update(units=10**8), UnsafeFileError, "asks for a weight of shape"),
    (lambda dense: dense["config"].update(units=-1), ValueError, "units"),
    (lambda dense: dense["config"].update(nothing=1), ValueError, "nothing"),
    (lambda dense: dense["config"].update(activation={
        "class_name": "function", "config": {"a": 1}, "module": "builtins", "registered_name": "function"}),
     UnknownNameError, "Unknown function"),
])  # fmt: skip
def test_every_error_names_the_file(
    tmp_path: Path, change: Callable[[Any], None], kind: type[Exception], words: str
) -> None:
    path = _rewritten(tmp_path / "m.keras", change)
    with pytest.raises(kind, match=words) as caught:
        keras.models.load_model(path)
    assert str(caught.value).count(str(path)) == 1


@pytest.mark.parametrize(("name", "data", "words"), [
    ("", None, "File format not supported: filepath=''"),
    ("model.pkl", None, "File format not supported: filepath=model.pkl"),
    ("nowhere.keras", None, "File not found: filepath=nowhere.keras. Please ensure the file is an accessible `.keras` zip"),
    ("nowhere.h5", None, "File not found: filepath=nowhere.h5. Please ensure the file is an accessible `.h5` file"),
    ("t.h5", b"hello", "t.h5 is not a readable HDF5 file: it does not begin as one."),
    ("e.h5", b"", "e.h5 is not a readable HDF5 file: it is empty."),
    ("z.h5", b"PK\3\4", "z.h5 is not a readable HDF5 file: it is a zip file, as `.keras` files are."),
    ("h.keras", b"\x89HDF\r\n\x1a\n", "h.keras is not a readable `.keras` file: it is an HDF5 file. Let its name end in `.h5`"),
    ("t.keras", b"hello", "t.keras is not a readable `.keras` file: it has no table of its members."),
])  # fmt: skip
def test_what_is_no_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, data: bytes | None, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if data is not None:
        Path(name).write_bytes(data)
    with pytest.raises(SavingError, match="^" + re.escape(words)):
        keras.models.load_model(name)


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(SavingError, match=r"holds no model: config\.json is missing"):
        keras.models.load_model(tmp_path)


def test_endings_for_saving(tmp_path: Path) -> None:
    with pytest.raises(SavingError, match=r"Invalid filepath extension for saving.*`\.keras`"):
        _small().save(tmp_path / "m.png")
    with pytest.raises(SavingError, match="The `save_format` argument is deprecated"):
        _small().save(tmp_path / "m", save_format="keras")


@keras.saving.register_keras_serializable("told")
class Holder(keras.layers.Layer):
    """Gives a layer in its configuration, and forgets to make it again from there."""

    def __init__(self, inner: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.inner = inner

    def call(self, x: Any) -> Any:
        return self.inner(x)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "inner": self.inner}


@keras.saving.register_keras_serializable("told")
class Growth:
    def __call__(self, x: Any) -> Any:
        return x

    def get_config(self) -> dict[str, Any]:
        return {}


def test_objects_that_their_class_cannot_make_again(tmp_path: Path) -> None:
    x = keras.Input((2,))
    for name, y, words in [
        ("a.keras", Holder(keras.layers.ReLU())(x), "are explicitly deserialized in its `from_config"),
        ("b.keras", keras.layers.Dense(1, activation=Growth())(x), "Unable to reconstruct an instance of 'Growth'"),
    ]:
        keras.Model(x, y).save(tmp_path / name)
        with pytest.raises(DTypeError, match=words) as caught:
            keras.models.load_model(tmp_path / name)
        assert name in str(caught.value)


def test_a_compile_of_its_own_is_left_to_the_program(tmp_path: Path) -> None:
    @keras.saving.register_keras_serializable("told")
    class Own(keras.Sequential):
        def compile(self, alpha: float = 1.0, **kwargs: Any) -> None:
            super().compile("adam", "mse")

    for name in ("m.keras", "m.h5"):
        model = Own([keras.Input((2,)), keras.layers.Dense(1)])
        model.compile(alpha=2.0)
        model.fit(np.ones((2, 2)), np.ones((2, 1)), verbose=0)
        model.save(tmp_path / name)
        with pytest.warns(UserWarning, match=r"`compile\(\)` was not called as part of model loading") as caught:
            again = keras.models.load_model(tmp_path / name)
        assert not again.compiled
        assert caught[0].filename == __file__
        np.testing.assert_array_equal(again.layers[0].kernel, model.layers[0].kernel)


def _boxed(**settings: Any) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.create_dataset("x", data=np.arange(300, dtype="float32").reshape(20, 15), fletcher32=True, **settings)
    return buffer.getvalue()


@pytest.mark.parametrize("settings", [{}, {"compression": "gzip", "shuffle": True}, {"chunks": (7, 4)}])
def test_checksums_of_arrays_agree(settings: dict[str, Any]) -> None:
    with open_stored(_boxed(**settings), "w.h5") as stored:
        np.testing.assert_array_equal(stored.array("x"), np.arange(300).reshape(20, 15))


def test_a_checksum_finds_every_flipped_bit() -> None:
    whole = _boxed()
    start = whole.index(np.arange(8, dtype="float32").tobytes())
    for bit in range(0, 300 * 32, 97):
        data = bytearray(whole)
        data[start + bit // 8] ^= 1 << bit % 8
        with (
            open_stored(bytes(data), "w.h5") as stored,
            pytest.raises(SavingError, match="'x' does not agree with its"),
        ):
            stored.array("x")


def test_fletchers_sums_by_the_book() -> None:
    rng = np.random.default_rng(0)
    for size in (0, 1, 2, 7, 1000, 200_001):
        data = rng.integers(0, 256, size, dtype=np.uint8).tobytes()
        first = second = 0
        for k in range(0, size, 2):
            first = (first + int.from_bytes((data[k : k + 2] + b"\0")[:2], "big")) % 65535
            second = (second + first) % 65535
        found = fletcher32(data)
        assert ((found & 0xFFFF) % 65535, (found >> 16) % 65535) == (first, second)
    assert fletcher32(bytes(10)) == 0
    assert fletcher32(b"\xff\xff") == 0xFFFFFFFF
