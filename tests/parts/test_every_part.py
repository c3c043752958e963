"""Walked from the tables: doctests, names as Keras has them, and the way back from a configuration."""

from __future__ import annotations

import doctest
import inspect
import json
from typing import Any

import numpy as np
import pytest

import neurona
from neurona import ops
from neurona.errors import ArgumentError, UnknownNameError
from neurona.parts import activations, constraints, initializers, lookup, regularizers
from neurona.registry import register_keras_serializable, table

MODULES = {
    "keras.activations": activations,
    "keras.constraints": constraints,
    "keras.initializers": initializers,
    "keras.regularizers": regularizers,
}
BASES = (constraints.Constraint, initializers.Initializer, regularizers.Regularizer)
CLASSES = [
    (module, cls)
    for module in MODULES
    for cls in dict.fromkeys(table(module).values())
    if inspect.isclass(cls) and cls not in BASES
]
# settings other than the defaults, for a round trip that proves something
OTHER: dict[str, dict[str, Any]] = {
    "Constant": {"value": 2.5},
    "Identity": {},  # Keras does not save its gain
    "L1": {"l1": 0.3},
    "L1L2": {"l1": 0.3, "l2": 0.2},
    "L2": {"l2": 0.3},
    "MaxNorm": {"max_value": 3, "axis": 1},
    "MinMaxNorm": {"min_value": 0.1, "max_value": 3.0, "rate": 0.5, "axis": [0, 1]},
    "Orthogonal": {"gain": 2.0, "seed": 3},
    "OrthogonalRegularizer": {"factor": 0.2, "mode": "columns"},
    "RandomNormal": {"mean": 1.0, "stddev": 0.2, "seed": 3},
    "RandomUniform": {"minval": -1.0, "maxval": 0.2, "seed": 3},
    "TruncatedNormal": {"mean": 1.0, "stddev": 0.2, "seed": 3},
    "UnitNorm": {"axis": 1},
    "VarianceScaling": {
        "scale": 2.0, "mode": "fan_out", "distribution": "uniform", "seed": 3,
        "input_axes": [0], "output_axes": [1, 2],
    },
}  # fmt: skip


@pytest.mark.parametrize("module", [*MODULES.values(), lookup], ids=lambda m: m.__name__)
def test_doctests(module: Any) -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize(("module", "cls"), CLASSES, ids=lambda x: getattr(x, "__name__", x))
def test_config_round_trip(module: str, cls: Any) -> None:
    family = MODULES[module]
    for config in ({}, OTHER.get(cls.__name__, {})):
        made = cls(**config)
        described = json.loads(json.dumps(family.serialize(made)))
        assert described["module"] == module
        assert described["class_name"] == cls.__name__
        assert described["registered_name"] is None
        again = family.deserialize(described)
        assert type(again) is cls
        assert again.get_config() == made.get_config()
        assert {k: v for k, v in made.get_config().items() if k in config} == config
        assert type(family.get(described)) is cls
        bare = {"class_name": cls.__name__, "config": described["config"]}
        assert type(family.deserialize(bare)) is cls


@pytest.mark.parametrize("module", MODULES)
def test_names_find_their_object(module: str) -> None:
    family = MODULES[module]
    for name, thing in table(module).items():
        found = family.get(name)
        assert (type(found) if inspect.isclass(thing) else found) is thing
        assert getattr(family, thing.__name__) is thing
    public = {name for name in family.__all__ if name not in ("get", "serialize", "deserialize", "compute_fans")}
    assert public >= {t.__name__ for t in table(module).values()}


@pytest.mark.parametrize("module", MODULES)
def test_unknown_names_get_a_suggestion(module: str) -> None:
    family = MODULES[module]
    known = next(name for name in table(module) if name.islower() and len(name) > 4)
    with pytest.raises(UnknownNameError, match=f"Did you mean '{known}'"):
        family.get(known[:-1] + "w")
    with pytest.raises(ArgumentError, match="Received: 3"):
        family.get(3)


def test_none_and_objects_pass_through() -> None:
    for family in (constraints, initializers, regularizers):
        assert family.get(None) is None
    assert activations.get(None) is activations.linear
    penalty = regularizers.L2(0.1)
    assert regularizers.get(penalty) is penalty
    assert activations.get(np.tanh) is np.tanh


def test_users_function_comes_back() -> None:
    @register_keras_serializable("mine")
    def leap(x: Any) -> Any:
        return ops.add(x, 1.0)

    described = activations.serialize(leap)
    assert described["class_name"] == "function"
    assert described["config"] == "mine>leap"
    assert activations.deserialize(described) is leap
    assert activations.get("mine>leap") is leap


def test_public_names_are_reachable_from_the_package() -> None:
    assert neurona.initializers is initializers
    assert neurona.activations is activations
    assert neurona.Initializer is initializers.Initializer
    assert neurona.Regularizer is regularizers.Regularizer
