"""Layers of several inputs keep the shapes that they were built for as Keras's files do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurona import layers, models

SHAPES = {"query_shape": (None, 3, 4), "value_shape": (None, 5, 4)}


def test_several_shapes_stand_in_a_dict_of_their_own() -> None:
    layer = layers.MultiHeadAttention(2, 3)
    layer.build(**SHAPES)
    assert layer.get_build_config() == {"shapes_dict": SHAPES}
    again = layers.deserialize(layers.serialize(layer))
    assert [w.path for w in again.weights] == [w.path for w in layer.weights]
    plain = layers.MultiHeadAttention(2, 3)
    plain.build_from_config(SHAPES)  # as files of earlier versions have them
    assert [w.shape for w in plain.weights] == [w.shape for w in layer.weights]
    dense = layers.Dense(2)
    dense.build((None, 4))
    assert dense.get_build_config() == {"input_shape": (None, 4)}


def test_the_parts_lie_where_keras_looks_for_them() -> None:
    from neurona.saving.tree import saveables

    layer = layers.MultiHeadAttention(2, 3, use_gate=True)
    layer(np.ones((1, 3, 4), "float32"), np.ones((1, 5, 4), "float32"))
    held = [path for path, thing in saveables(layer) if getattr(thing, "weights", None)]
    assert held == ["", "key_dense", "output_dense", "query_dense", "value_dense", "_gate_dense"]


def _symbol(maker: str, shape: tuple[int | None, ...], dtype: str) -> dict[str, Any]:
    config = {"shape": list(shape), "dtype": dtype, "keras_history": [maker, 0, 0]}
    return {"class_name": "__keras_tensor__", "config": config}


def _op(module: str, kind: str, name: str, args: list[Any], **settings: Any) -> dict[str, Any]:
    """An op's entry in a functional model's configuration, as Keras writes it."""
    return {
        "module": f"keras.src.ops.{module}", "class_name": kind, "config": {"name": name, **settings},
        "registered_name": kind, "name": name, "inbound_nodes": [{"args": args, "kwargs": {}}],
    }  # fmt: skip


@pytest.mark.parametrize(("kind", "dtype"), [("Attention", None), ("AdditiveAttention", "bool")])
def test_the_mask_that_keras_attention_hands_on_as_a_node(kind: str, dtype: str | None) -> None:
    ids = layers.Input((3,), dtype="int32", name="ids")
    words = layers.Embedding(5, 4, mask_zero=True, name="words")(ids)
    seen = getattr(layers, kind)(name="seen")([words, words])
    model = models.Model(ids, layers.GRU(2, name="read")(seen))
    config = model.get_config()
    words_mask = _symbol("not_equal", (None, 3), "bool")
    entries = {entry["name"]: entry for entry in config["layers"]}
    # Keras's files hold the masks as ops: Embedding's comparison, and what Attention.compute_mask makes of it
    config["layers"] += [
        _op("numpy", "NotEqual", "not_equal", [_symbol("ids", (None, 3), "int32"), 0]),
        _op("core", "ConvertToTensor", "to_tensor", [words_mask], dtype=dtype, sparse=None, ragged=None),
    ]
    entries["seen"]["inbound_nodes"][0]["kwargs"] = {"mask": [words_mask, words_mask]}
    entries["read"]["inbound_nodes"][0]["kwargs"] = {"mask": _symbol("to_tensor", (None, 3), "bool")}
    again = models.Model.from_config(config)
    again.set_weights(model.get_weights())
    x = np.array([[1, 2, 0], [3, 0, 0]], "int32")
    np.testing.assert_array_equal(again(x).numpy(), model(x).numpy())
    assert models.Model.from_config(again.get_config()).count_params() == model.count_params()
