"""Which names are answered, and what `install` and `uninstall` leave behind."""

from __future__ import annotations

import importlib
import sys
import types

import pytest

import neurona
from neurona import layers
from neurona.errors import ArgumentError, UnansweredError, UnansweredImportError, UnansweredNameError
from neurona.programs import install, uninstall
from neurona.programs.answers import FACES, HINTS, canonical
from neurona.programs.face import Face, find, is_installed


@pytest.mark.parametrize("path", sorted(FACES))
def test_every_name_of_the_tables_is_there(path: str) -> None:
    face = find(path)
    for name in dir(face):
        assert getattr(face, name, self := object()) is not self, f"{path}.{name}"


@pytest.mark.parametrize(
    ("path", "name", "where"),
    [
        ("keras.layers", "Dense", "neurona.layers:Dense"),
        ("tensorflow.keras.layers", "Dense", "neurona.layers:Dense"),
        ("keras.src.layers.core.dense", "Dense", "neurona.layers:Dense"),
        ("tensorflow.python.keras.layers", "Dense", "neurona.layers:Dense"),
        ("keras.layers.experimental.preprocessing", "Rescaling", "neurona.layers:Rescaling"),
        ("keras.src", "Model", "neurona.models:Model"),
        ("keras.layers.advanced_activations", "LeakyReLU", "neurona.layers:LeakyReLU"),
        ("keras.layers.convolutional", "Conv2D", "neurona.layers:Conv2D"),
        ("keras.engine.topology", "Layer", "neurona.layers:Layer"),
        ("keras.preprocessing.image", "ImageDataGenerator", "neurona.programs.picture_generator:ImageDataGenerator"),
        ("tensorflow.nest", "flatten", "neurona.tree:flatten"),
        ("tensorflow.bitwise", "left_shift", "neurona.ops:bitwise_left_shift"),
        ("tensorflow.keras", "Sequential", "neurona.models:Sequential"),
        ("tensorflow.keras.losses", "mse", "neurona.losses:mean_squared_error"),
        ("tensorflow.losses", "MeanSquaredError", "neurona.losses:MeanSquaredError"),
        ("tensorflow.keras.backend", "square", "neurona.ops:square"),
        ("keras.ops", "einsum", "neurona.ops:einsum"),
        ("tensorflow.math", "exp", "neurona.ops:exp"),
        ("tensorflow", "GradientTape", "neurona.programs.tf.tape:GradientTape"),
        ("tensorflow.data.experimental", "AUTOTUNE", "neurona.training.dataset:AUTOTUNE"),
        ("tensorflow.config.experimental", "set_memory_growth", "neurona.programs.tf.settings:nothing"),
        ("tensorflow.io.gfile", "exists", "neurona.programs.tf.files:exists"),
    ],
)
def test_names_stand_for_ours(path: str, name: str, where: str) -> None:
    module, _, attribute = where.partition(":")
    assert getattr(find(path), name) is getattr(importlib.import_module(module), attribute)


def test_modules_that_are_ours_keep_their_own_names(apart: None) -> None:
    install()
    module = importlib.import_module("tensorflow.keras.datasets.mnist")
    assert module is importlib.import_module("neurona.datasets.mnist")
    assert module.__name__ == module.__spec__.name == "neurona.datasets.mnist"


def test_imports_of_every_kind(apart: None) -> None:
    install()
    names: dict[str, object] = {}
    exec(
        "import keras, tensorflow as tf, tensorflow.keras.backend as K\n"
        "from tensorflow import keras as k2\nfrom keras import layers, ops\nfrom keras.layers import *\n"
        "from keras.src.utils import set_random_seed\nimport keras.datasets.mnist as mnist\n"
        "from tensorflow.keras.layers import LSTM as L\n",
        names,
    )
    assert names["keras"] is names["k2"] and names["Dense"] is layers.Dense and names["L"] is layers.LSTM
    assert isinstance(names["keras"], types.ModuleType)
    assert names["tf"].keras is names["keras"]  # type: ignore[attr-defined]


def test_installing_twice_and_leaving_no_trace(apart: None) -> None:
    before = set(sys.modules)
    install()
    install()
    importlib.import_module("keras.layers")
    assert is_installed()
    uninstall()
    uninstall()
    assert not is_installed() and not {n for n in set(sys.modules) - before if n.partition(".")[0] == "keras"}
    assert neurona.layers.Dense is layers.Dense


def test_two_kerases_cannot_live_under_one_name(apart: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keras", types.ModuleType("keras"))
    with pytest.raises(ArgumentError, match=r"before the first import.*\['keras'\]"):
        install()


def test_what_is_missing_is_both_our_error_and_pythons() -> None:
    with pytest.raises(
        UnansweredNameError, match=r"does not answer `keras.layers.Dens`. Did you mean 'Dense'"
    ) as caught:
        find("keras.layers").Dens  # noqa: B018
    assert isinstance(caught.value, AttributeError) and isinstance(caught.value, UnansweredError)
    with pytest.raises(UnansweredImportError, match=r"keras.applications.vgg16.*no trained networks") as refused:
        find("keras.applications.vgg16")
    assert isinstance(refused.value, ImportError)
    with pytest.raises(UnansweredImportError, match="no module"):
        find("keras.layers.Dense")


@pytest.mark.parametrize("path", sorted(HINTS))
def test_hints_are_for_what_is_missing(path: str) -> None:
    above, _, name = path.rpartition(".")
    try:
        face = find(above)
    except UnansweredImportError:
        return
    assert not hasattr(face, name) or isinstance(getattr(face, name), (Face, type))  # some of it is there
    assert canonical(path) == path
