"""Stages: what belongs together, what cannot be looked into, and names that do not exist."""

from __future__ import annotations

import numpy as np
import pytest

from neurona import layers, ops
from neurona.errors import ArgumentError, UnknownNameError
from neurona.i18n import set_language
from neurona.models import Model, Sequential
from neurona.sight import Probe, find_stage, stages_of
from neurona.sight.stages import scores
from neurona.tensor import wrap
from tests.sight.nets import branched, edges


def test_normalisation_pooling_and_activation_belong_to_their_layer() -> None:
    model = Sequential(
        [
            layers.Input((20, 20, 3)), layers.Rescaling(0.1),
            layers.Conv2D(4, 3, name="a"), layers.MaxPooling2D(), layers.BatchNormalization(), layers.Activation("relu"),
            layers.Conv2D(5, 3, activation="relu", name="b"), layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(6, name="c"), layers.Dropout(0.5), layers.Rescaling(0.5),
        ]
    )  # fmt: skip
    a, b, c = stages_of(model)
    assert [(s.name, s.units, s.map_size, s.final) for s in (a, b, c)] == [
        ("a", 4, (9, 9), False), ("b", 5, (7, 7), False), ("c", 6, None, True),
    ]  # fmt: skip
    by_type = {type(n.operation).__name__: n.outputs for n in model._graph.nodes}
    assert a.answers is by_type["Activation"] and a.sums is by_type["BatchNormalization"]
    assert a.kernel_field.size == (3, 3) and a.field.size == a.sums_field.size == (4, 4)
    assert b.sums is b.kernel and b.sums is not b.answers and b.kernel_field == b.field
    assert c.answers is model.outputs[0]


def test_sums_of_a_layer_are_those_before_its_own_activation() -> None:
    model = edges()
    kernel, _bias = model.get_layer("edges").get_weights()
    stage = stages_of(model)[0]
    model.get_layer("edges").set_weights([-kernel, np.array([0.5, 0.5], "float32")])  # the twin shares the weights
    x = np.random.default_rng(0).random((2, 12, 12, 1), "float32")
    sums, answers = Probe(model, [stage.sums, stage.answers]).arrays(x)
    assert sums.min() < 0
    np.testing.assert_allclose(np.maximum(sums, 0), answers, rtol=1e-6)
    assert model.get_layer("edges").activation.__name__ == "relu" and len(model.get_layer("edges")._nodes) == 1
    softmax = stages_of(branched())[-1]
    assert softmax.sums is not softmax.answers


def test_stages_of_a_graph_with_branches() -> None:
    model = branched()
    assert [s.name for s in stages_of(model)] == ["first", "second", "third", "out"]
    assert [s.final for s in stages_of(model)] == [False, False, False, True]


def test_a_probe_shares_weights_and_computes_as_in_use() -> None:
    model = branched()
    x = np.random.default_rng(0).random((3, 16, 16, 3), "float32")
    probe = Probe(model, [find_stage(stages_of(model), "second").answers, model.outputs[0]])
    maps, shares = probe.arrays(x)
    assert maps.shape == (3, 8, 8, 4)
    np.testing.assert_allclose(shares, model.predict(x, verbose=0), rtol=1e-5)
    tracked = [v.tracked for v in model.variables]
    probe.gradient(x, lambda tensors: ops.sum(tensors[1]))
    assert [v.tracked for v in model.variables] == tracked and any(tracked)


def test_gradients_are_those_of_differences() -> None:
    model = branched()
    probe = Probe(model, [find_stage(stages_of(model), "third").answers])
    x = np.random.default_rng(1).random((1, 16, 16, 3))
    direction = np.random.default_rng(2).normal(size=x.shape)
    _values, g = probe.gradient(x, lambda tensors: ops.sum(tensors[0]))

    def value(t: float) -> float:
        return float(probe.arrays((x + t * direction).astype("float32"))[0].sum(dtype="float64"))

    assert float((g * direction).sum()) == pytest.approx((value(1e-3) - value(-1e-3)) / 2e-3, rel=0.02)


def test_scores_are_raw() -> None:
    model = branched()
    shares = np.array([[0.7, 0.2, 0.1]], "float32")
    np.testing.assert_allclose(scores(model, wrap(shares)).data, np.log(shares), rtol=1e-5)
    np.testing.assert_array_equal(scores(edges(), wrap(shares)).data, shares)


def test_unknown_layers_are_told_with_the_known_ones() -> None:
    stages = stages_of(branched())
    with pytest.raises(
        UnknownNameError, match=r"no layer of weights 'secnd'. Did you mean 'second'\? Its layers: first, sec"
    ):
        find_stage(stages, "secnd")
    set_language("es")
    try:
        with pytest.raises(UnknownNameError, match="¿Querías decir 'second'"):
            find_stage(stages, "secnd")
    finally:
        set_language(None)


def test_what_cannot_be_looked_into_is_told() -> None:
    class Own(Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = layers.Dense(2)

        def call(self, inputs: object) -> object:
            return self.dense(inputs)

    own = Own()
    own(np.zeros((1, 3), "float32"))
    a, b = layers.Input((2,)), layers.Input((2,))
    for model in (own, Sequential([layers.Dense(2)]), Model([a, b], layers.Dense(1)(layers.Add()([a, b])))):
        with pytest.raises(ArgumentError, match="Only networks of one input"):
            stages_of(model)
    first = Sequential([layers.Input((3, 8, 8)), layers.Conv2D(2, 3, data_format="channels_first")])
    with pytest.raises(ArgumentError, match="channels last"):
        stages_of(first)
