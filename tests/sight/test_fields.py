"""Receptive fields by arithmetic are those that gradients show."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurona import layers, ops
from neurona.models import Sequential
from neurona.sight import Field, Probe, stages_of
from neurona.sight.fields import fields_of
from neurona.tensor import Array
from tests.sight.nets import branched


def seen(model: Any, symbol: Any, place: tuple[int, int]) -> Array:
    """Whether each pixel changes a place of some maps, by the gradient, with all weights positive."""
    probe = Probe(model, [symbol])
    for weight in probe._model.trainable_weights:
        weight.assign(np.abs(weight.numpy()) + 0.1)
    shape = (1, *(int(n or 1) for n in symbol.shape[1:]))
    mask = np.zeros(shape, "float32")
    mask[0, place[0], place[1]] = 1.0
    found = np.zeros(tuple(model.inputs[0].shape[1:3]), bool)
    for seed in range(6):  # a maximum shows only the pixel that won
        x = np.random.default_rng(seed).random((1, *model.inputs[0].shape[1:]), "float32")
        _values, g = probe.gradient(x, lambda tensors: ops.sum(tensors[0] * mask))
        found |= np.abs(g).reshape(*found.shape, -1).max(axis=-1) > 0
    return found


STACKS = {
    "valid": [layers.Conv2D(2, 3), layers.Conv2D(3, 2)],
    "same and strides": [layers.Conv2D(2, 3, strides=2, padding="same"), layers.Conv2D(2, 5, padding="same")],
    "even kernel, same": [layers.Conv2D(2, 4, strides=2, padding="same"), layers.Conv2D(2, 2, padding="same")],
    "oblong": [layers.Conv2D(2, (1, 3)), layers.Conv2D(2, (4, 2), strides=(2, 1))],
    "dilation": [layers.Conv2D(2, 3, dilation_rate=2), layers.Conv2D(2, 3, dilation_rate=(1, 3), padding="same")],
    "average pooling": [layers.Conv2D(2, 3), layers.AveragePooling2D(2), layers.Conv2D(2, 3)],
    "overlapping pooling": [layers.AveragePooling2D(3, strides=2, padding="same"), layers.Conv2D(2, 3)],
    "normalised": [layers.Conv2D(2, 3), layers.BatchNormalization(), layers.ReLU(), layers.Dropout(0.5), layers.Conv2D(2, 2)],
    "dense on channels": [layers.Conv2D(2, 3), layers.Dense(4), layers.LayerNormalization()],
}  # fmt: skip


@pytest.mark.parametrize("name", STACKS)
def test_field_is_where_gradients_are(name: str) -> None:
    model = Sequential([layers.Input((19, 17, 2)), *[type(x).from_config(x.get_config()) for x in STACKS[name]]])
    symbol = model.outputs[0]
    field = fields_of(model._graph)[id(symbol)]
    assert field is not None
    height, width = symbol.shape[1:3]
    for place in [(0, 0), (height // 2, width // 2), (height - 1, width - 1)]:
        top, left, bottom, right = field.window(place)
        found = seen(model, symbol, place)
        rows, columns = np.flatnonzero(found.any(axis=1)), np.flatnonzero(found.any(axis=0))
        assert (max(top, 0), min(bottom, 19)) == (rows[0], rows[-1] + 1)
        assert (max(left, 0), min(right, 17)) == (columns[0], columns[-1] + 1)


def test_branches_see_the_union() -> None:
    model = branched()
    stages = {stage.name: stage for stage in stages_of(model)}
    assert stages["first"].field == Field((3, 3), (2, 2), (0, 0))  # TensorFlow pads an even side at its end
    assert stages["second"].field == Field((7, 7), (2, 2), (-2, -2))
    assert stages["third"].field == Field((17, 17), (4, 4), (-2, -2))
    assert stages["out"].field is None
    for name in ("second", "third"):
        stage = stages[name]
        place = (1, 1)
        found = seen(model, stage.answers, place)
        top, left, bottom, right = stage.field.window(place)
        inside = np.zeros_like(found)
        inside[max(top, 0) : bottom, max(left, 0) : right] = True
        assert found.any() and not (found & ~inside).any()


def test_max_pooling_sees_its_window() -> None:
    model = Sequential([layers.Input((12, 12, 1)), layers.Conv2D(2, 3), layers.MaxPooling2D(2), layers.Conv2D(2, 3)])
    field = fields_of(model._graph)[id(model.outputs[0])]
    assert field == Field((8, 8), (2, 2), (0, 0))
    assert not seen(model, model.outputs[0], (0, 0))[8:, :].any()


@pytest.mark.parametrize("layer", [layers.Flatten, layers.GlobalAveragePooling2D, lambda: layers.Reshape((6, 24, 2))])
def test_what_mixes_all_places_sees_everything(layer: Any) -> None:
    model = Sequential([layers.Input((12, 12, 2)), layers.Conv2D(2, 3, padding="same"), layer()])
    assert fields_of(model._graph)[id(model.outputs[0])] is None


def test_dense_on_rows_mixes_them() -> None:
    model = Sequential([layers.Input((5, 6)), layers.Dense(6)])
    assert fields_of(model._graph)[id(model.outputs[0])] is None
