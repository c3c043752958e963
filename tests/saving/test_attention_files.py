"""Layers of several inputs keep the shapes that they were built for as Keras's files do."""

from __future__ import annotations

import numpy as np

from neurona import layers

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
    assert held == ["", "_gate_dense", "key_dense", "output_dense", "query_dense", "value_dense"]
