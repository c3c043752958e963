"""keras.utils' helpers, the registry's edges and the lazy package."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import neurona as keras
from neurona.errors import ArgumentError, UnknownNameError
from neurona.saving import custom_object_scope, deserialize_keras_object, serialize_keras_object


def test_seed_repeats_everything() -> None:
    def draw() -> list[Any]:
        keras.utils.set_random_seed(11)
        layer = keras.layers.Dense(3)
        layer.build((None, 2))
        return [np.random.random(), keras.random.normal((2,)).numpy().tolist(), layer.get_weights()[0].tolist()]

    assert draw() == draw()


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, "1", True])
def test_impossible_seeds(seed: Any) -> None:
    with pytest.raises(ArgumentError, match="seed"):
        keras.utils.set_random_seed(seed)


def test_to_categorical_and_its_errors() -> None:
    np.testing.assert_array_equal(keras.utils.to_categorical([[1], [0]]), [[0, 1], [1, 0]])
    assert keras.utils.to_categorical(np.zeros((2, 3), int), 4).shape == (2, 3, 4)
    with pytest.raises(ArgumentError, match="from 0 to 7"):
        keras.utils.to_categorical([0, 7], num_classes=3)


@pytest.mark.parametrize(
    "thing",
    [None, 1, "a", [1, 2.5], {"a": [1, 2]}, slice(1, None, 2), Ellipsis, b"bytes", np.arange(3), {"b": {"c": []}}],
)
def test_plain_values_come_back(thing: Any) -> None:
    again = deserialize_keras_object(serialize_keras_object(thing))
    if isinstance(thing, np.ndarray):
        np.testing.assert_array_equal(again, thing)
        assert again.dtype == thing.dtype
    else:
        assert again == thing


def test_a_tuple_comes_back_as_a_list_as_from_json() -> None:
    assert deserialize_keras_object(serialize_keras_object({"a": (1, (2, 3))})) == {"a": [1, [2, 3]]}


def test_functions_come_back_by_name_only() -> None:
    def mine(x: Any) -> Any:
        return x

    described = serialize_keras_object(mine)
    with pytest.raises(UnknownNameError, match="register"):
        deserialize_keras_object(described)
    with custom_object_scope({"mine": mine}):
        assert deserialize_keras_object(described) is mine
    assert deserialize_keras_object(serialize_keras_object(keras.activations.relu)) is keras.activations.relu


@pytest.mark.parametrize("module", ["os", "builtins", "subprocess", "neurona.registry", "keras.src.nowhere"])
def test_a_configuration_reaches_no_other_module(module: str) -> None:
    config = {"module": module, "class_name": "system", "config": {"command": "true"}, "registered_name": None}
    with pytest.raises(UnknownNameError):
        deserialize_keras_object(config)


def test_the_package_loads_its_parts_when_they_are_used() -> None:
    program = "import sys, neurona; print(sorted(m for m in sys.modules if m.split('.')[0] in " + (
        "('neurona', 'h5py', 'rich', 'PIL', 'click', 'platformdirs')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['neurona']"


def test_building_and_training_needs_numpy_alone() -> None:
    program = (
        "import sys, numpy as np, neurona as keras\n"
        "m = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]); m.compile('adam', 'mse')\n"
        "m.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)\n"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'h5py', 'rich', 'PIL', 'click'}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_unknown_names_of_the_package() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Sequentiall'"):
        keras.Sequentiall  # noqa: B018
    assert {"Sequential", "layers", "ops"} <= set(dir(keras))


def test_gradients_flow_through_normalize() -> None:
    from neurona import ops, utils
    from neurona.tape import Tape
    from neurona.tensor import Tensor

    x = Tensor([[3.0, 4.0]])
    with Tape() as tape:
        tape.watch(x)
        y = ops.sum(utils.normalize(x) * Tensor([[1.0, 0.0]]))
    assert np.allclose(tape.gradient(y, x), [[0.128, -0.096]])  # 4²/5³ and -3·4/5³
