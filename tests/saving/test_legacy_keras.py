"""Real Keras opens the older whole-model files that are written here."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neurona
from neurona import layers

keras = pytest.importorskip("keras", reason="needs real Keras: pip install 'neurona[keras]'")

PACKED = Path(__file__).parent / "files" / "3.15.0.zip"


@pytest.mark.parametrize("name", ["dense", "graph", "pictures", "sequences", "operations", "augment"])
def test_a_model_opens_in_keras(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(PACKED) as archive:
        for ending in ("keras", "npz"):
            archive.extract(f"{name}.{ending}", tmp_path)
    neurona.saving.load_model(tmp_path / f"{name}.keras").save(tmp_path / "m.h5")
    model = keras.models.load_model(tmp_path / "m.h5")
    with np.load(tmp_path / f"{name}.npz") as arrays:
        x, y = ([arrays[key] for key in sorted(arrays) if key[0] == kind] for kind in "xy")
    outputs = model(x if len(x) > 1 else x[0], training=False)
    for found, expected in zip(outputs if isinstance(outputs, list) else [outputs], y, strict=True):
        np.testing.assert_allclose(np.asarray(found), expected, rtol=1e-5, atol=1e-5)
    assert model.compiled == (name not in ("operations", "augment"))


def test_lists_of_names_that_are_too_long_for_an_attribute(tmp_path: Path) -> None:
    stack: list[Any] = [layers.Dense(1, name=f"{'d' * 700}{i}") for i in range(100)]
    model = neurona.Sequential([neurona.Input((1,)), *stack])
    model.save(tmp_path / "m.h5")
    for found, expected in zip(
        keras.models.load_model(tmp_path / "m.h5").get_weights(), model.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


def test_weights_by_order_and_by_name(tmp_path: Path) -> None:
    def build(k: Any) -> Any:
        return k.Sequential([k.layers.Input((3,)), k.layers.Dense(2, name="a"), k.layers.BatchNormalization(name="b")])

    ours, theirs = build(neurona), build(keras)
    ours.save(tmp_path / "m.h5")
    for options in ({}, {"by_name": True}):
        theirs.set_weights([w + 1 for w in theirs.get_weights()])
        theirs.load_weights(tmp_path / "m.h5", **options)
        for found, expected in zip(theirs.get_weights(), ours.get_weights(), strict=True):
            np.testing.assert_array_equal(found, expected)
