"""scripts/keras_tests.py runs tests written for Keras against neurona, and counts what they find."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / "scripts" / "keras_tests.py"
pytest.importorskip("absl", reason="Keras's tests need absl's parameterized")

FILES = {
    "testing/__init__.py": "from keras.src.testing.test_case import TestCase\n",
    "testing/test_case.py": """
import unittest
from keras.src import backend

class TestCase(unittest.TestCase):
    def assertAllClose(self, a, b):
        assert abs(backend.convert_to_numpy(a) - backend.convert_to_numpy(b)).max() < 1e-6

    def run_class_serialization_test(self, instance, custom_objects=None):
        from keras.src.saving import custom_object_scope, deserialize_keras_object, serialize_keras_object
        with custom_object_scope(custom_objects):
            return deserialize_keras_object(serialize_keras_object(instance))
""",
    "layers/core/dense.py": "",
    "backend/__init__.py": "",
    "ops/numpy.py": "",
    "layers/core/dense_test.py": """
import flax
import keras
from keras.src import layers, ops, testing
from keras.src.layers.core import dense
from keras.src.ops import numpy as knp

class Mine(layers.Layer):
    pass

class DenseTest(testing.TestCase):
    def test_passes(self):
        layer = dense.Dense(2, kernel_initializer="ones")
        self.assertAllClose(layer(ops.ones((1, 3))), ops.full((1, 2), 3.0))
        self.assertAllClose(knp.Clip(0, 1)(ops.full((2,), 9.0)), keras.ops.ones((2,)))
        assert isinstance(self.run_class_serialization_test(Mine()), Mine)

    def test_fails(self):
        assert layers.Dense(2).units == 3

    def test_absent(self):
        layers.NoSuchLayer(2)

    def test_quantize_int8(self):
        raise AssertionError("never run")

    def test_needs_another_package(self):
        flax.linen.Dense(3)
""",
    "losses/loss_test.py": "raise AssertionError('not selected')\n",
}


def test_it_counts_what_the_tests_find(tmp_path: Path) -> None:
    source = tmp_path / "keras.whl"
    with zipfile.ZipFile(source, "w") as wheel:
        for name, text in FILES.items():
            wheel.writestr(f"keras/src/{name}", text)
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(source), "layers/core", "--failures", "--json", str(tmp_path / "found.json")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    found = json.loads((tmp_path / "found.json").read_text("utf-8"))
    assert found["total"] == {"passed": 1, "failed": 2, "newer": 0, "skipped": 1, "out": 1}, done.stdout
    told = " ".join(found["failures"].values())
    assert "keras.src.layers.NoSuchLayer" in told
    assert "FAILED layers__core__dense_test.py::DenseTest::test_fails" in done.stdout
    assert "quantisation" in " ".join(found["out"].values())
