"""The unzipped form of a model: what replaces it, and what does not belong in it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

import neurona as keras
from neurona.errors import SavingError, UnsafeFileError


def saved(path: Path) -> keras.Model:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.save(path, zipped=False)
    return model


def same(path: Path, model: keras.Model) -> bool:
    loaded = keras.saving.load_model(path)
    return all(np.array_equal(a, b) for a, b in zip(loaded.get_weights(), model.get_weights(), strict=True))


def test_a_replacement_that_fails_leaves_the_old_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m"
    old, replace = saved(path), os.replace

    def failing(source: Path, target: Path) -> None:
        if str(source).endswith(".part") and Path(target) == path:
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(SavingError, match="Cannot write the folder"):
        saved(path)
    monkeypatch.undo()
    assert same(path, old) and [entry.name for entry in tmp_path.iterdir()] == ["m"]


def test_a_saver_killed_between_the_two_renames_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "m"
    old = saved(path)
    os.replace(path, tmp_path / ".m.00112233.old")
    assert same(path, old)
    os.replace(path, tmp_path / ".m.00112233.old")
    new = saved(path)
    assert same(path, new) and [entry.name for entry in tmp_path.iterdir()] == ["m"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_below_the_assets_is_refused(tmp_path: Path) -> None:
    saved(tmp_path / "m")
    (tmp_path / "m" / "assets").mkdir(exist_ok=True)
    os.mkfifo(tmp_path / "m" / "assets" / "words.txt")
    with pytest.raises(UnsafeFileError, match="no plain file"):
        keras.saving.load_model(tmp_path / "m")


def test_a_layer_that_fails_half_way_is_as_it_was(tmp_path: Path) -> None:
    class Fragile(keras.layers.Dense):
        def load_own_variables(self, store: dict[str, np.ndarray]) -> None:
            self.kernel.assign(np.asarray(store["0"]))
            if float(np.asarray(store["0"])[0, 0]) == 7:
                raise IndexError("half way")
            self.bias.assign(np.asarray(store["1"]))

    model = keras.Sequential([keras.Input((1,)), Fragile(1)])
    before = model.get_weights()
    model.layers[0].kernel.assign([[7.0]])
    model.save_weights(tmp_path / "m.weights.h5")
    model.layers[0].kernel.assign(before[0])
    with pytest.raises(SavingError, match=r"m\.weights\.h5 do not fit .*'layers/fragile': IndexError: half way"):
        model.load_weights(tmp_path / "m.weights.h5")
    np.testing.assert_array_equal(model.layers[0].kernel, before[0])
