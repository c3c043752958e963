"""A model file opens in a process that has used nothing of the package before."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

import neurona as keras


def test_a_model_loads_as_the_first_thing_of_a_process(tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((6, 6, 1)), keras.layers.Conv2D(2, 3, activation="relu"), keras.layers.Flatten(),
         keras.layers.Dense(3)]
    )  # fmt: skip
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    model.save(tmp_path / "model.keras")
    x = np.random.default_rng(0).normal(size=(2, 6, 6, 1)).astype("float32")
    np.save(tmp_path / "x.npy", x)
    program = (
        "import sys, numpy, neurona\n"
        "model = neurona.saving.load_model(sys.argv[1] + '/model.keras')\n"
        "x = numpy.load(sys.argv[1] + '/x.npy')\n"
        "numpy.save(sys.argv[1] + '/y.npy', model.predict(x, verbose=0))\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True, timeout=120)
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), model.predict(x, verbose=0))
