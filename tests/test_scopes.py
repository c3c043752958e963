"""Names, scopes, types and settings under Keras's names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neurona as keras
from neurona import backend, config, dtype_policies, names, scopes
from neurona.errors import ArgumentError, DTypeError


def test_name_scopes_stand_in_paths() -> None:
    with keras.name_scope("encoder"), keras.name_scope("block"):
        assert keras.Variable([1.0], name="w").path == "encoder/block/w"
        with keras.name_scope("apart", override_parent="/root"):
            assert names.current_path() == "root/apart"
    with keras.name_scope("a", caller=1), keras.name_scope("a", caller=1):
        assert names.current_path() == "a"
    for name in ("a/b", 3):
        with pytest.raises(ArgumentError, match="must be a string"):
            keras.name_scope(name)  # type: ignore[arg-type]
        with pytest.raises(ArgumentError, match="must be a string"):
            keras.Variable(1.0, name=name)  # type: ignore[arg-type]


def test_what_happens_in_a_stateless_scope_stays_there() -> None:
    weight, count = keras.Variable([1.0, 2.0]), keras.Variable(0)
    with keras.StatelessScope([(weight, [5.0, 6.0])]) as scope:
        count.assign_add(3)
        inner = weight * 1.0
        with scopes.StatelessScope() as deeper:
            count.assign(9)
        assert int(count) == 3 and int(deeper.get_current_value(count)) == 9
    assert inner.numpy().tolist() == [5.0, 6.0] and weight.numpy().tolist() == [1.0, 2.0] and int(count) == 0
    assert int(scope.get_current_value(count)) == 3 and scope.get_current_value(keras.Variable(1)) is None
    with pytest.raises(ArgumentError, match="must be KerasVariable"):
        keras.StatelessScope([("x", 1)])  # type: ignore[list-item]
    with pytest.raises(ArgumentError, match="must be tensors with"):
        keras.StatelessScope([(weight, [1.0])])


def test_device_and_remat_change_nothing() -> None:
    with keras.device("gpu:0"):
        assert keras.remat(lambda x, y=1: x + y)(2, y=5) == 7
    with pytest.raises(ArgumentError, match="device_name"), keras.device(0):  # type: ignore[arg-type]
        pass


@pytest.mark.parametrize(
    ("given", "met"),
    [
        (("int8", "uint8"), "int16"), (("int64", float), "float32"), (("float16", float), "float16"),
        (("bool", int), "int32"), (("int8", int), "int8"), ((None,), "float32"), ((), "float32"), ((int, float), "float32"),
    ],
)  # fmt: skip
def test_types_that_meet(given: Any, met: str) -> None:
    assert backend.result_type(*given) == met


def test_types_and_policies_by_name() -> None:
    assert [backend.standardize_dtype(d) for d in (None, int, float, bool, str, np.int8)] == [
        "float32", "int32", "float32", "bool", "string", "int8",
    ]  # fmt: skip
    with pytest.raises(ArgumentError, match="Invalid dtype"):
        backend.standardize_dtype("bfloat16")
    assert backend.is_float_dtype("float16") and backend.is_int_dtype("uint8") and not backend.is_int_dtype("bool")
    assert config.dtype_policy().name == dtype_policies.DTypePolicy().name == "float32"
    mixed = dtype_policies.get("mixed_float16")
    assert dtype_policies.deserialize(dtype_policies.serialize(mixed)) == mixed
    for bad, error in (("mixed_bfloat16", ArgumentError), (3, DTypeError), ("floot", ArgumentError)):
        with pytest.raises(error):
            dtype_policies.DTypePolicy(bad)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="Invalid `policy`"):
        config.set_dtype_policy(3)


def test_switches_and_the_only_engine() -> None:
    config.disable_interactive_logging()
    assert not config.is_interactive_logging_enabled()
    config.enable_interactive_logging()
    config.set_backend("neurona")
    with pytest.raises(ArgumentError, match="one engine here"):
        config.set_backend("jax")
    assert backend.get_uid("fresh prefix") == 1 and backend.get_uid("fresh prefix") == 2
    assert keras.Variable("ones", shape=(2,)).numpy().tolist() == [1, 1]
