"""States, cells and gates are those of the layers, worked out in loops; shares of units add up to the log-odds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurona import layers, utils
from neurona.errors import ArgumentError
from neurona.models import Model, Sequential
from neurona.sight import Trace, recurrences, traces, unit_shares
from neurona.tensor import as_array

IDS = np.array([[1, 4, 3, 5, 2, 4], [1, 5, 5, 0, 0, 0], [1, 3, 0, 0, 0, 0]], "int32")
FEATURES, UNITS = 4, 3


def net(*recurrent: Any, mask_zero: bool = True) -> Any:
    utils.set_random_seed(3)
    model = Sequential(
        [
            layers.Input((None,), dtype="int32"),
            layers.Embedding(6, FEATURES, mask_zero=mask_zero, name="words"),
            *recurrent,
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.8, w.shape).astype("float32") for w in model.get_weights()])
    return model


def outputs(model: Any, name: str) -> np.ndarray:
    probe = Model(model.inputs[0], model.get_layer(name).output)
    return as_array(probe(IDS, training=False))


def sigmoid(z: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-z)))


def looped_lstm(cell: Any, x: np.ndarray, on: np.ndarray, backwards: bool) -> dict[str, np.ndarray]:
    """One text, word by word, in float64."""
    kernel, recurrent, bias = (as_array(w).astype("float64") for w in (cell.kernel, cell.recurrent_kernel, cell.bias))
    h, c = np.zeros(UNITS), np.zeros(UNITS)
    names = ("input", "forget", "candidate", "output", "cell", "state")
    found = {name: np.zeros((len(x), UNITS)) for name in names}
    for t in range(len(x))[:: -1 if backwards else 1]:
        if on[t]:
            i, f, g, o = np.split(x[t] @ kernel + h @ recurrent + bias, 4)
            i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
            c = f * c + i * g
            h = o * np.tanh(c)
            for name, value in zip(names, (i, f, g, o), strict=False):
                found[name][t] = value
        found["cell"][t], found["state"][t] = c, h
    return found


def looped_gru(cell: Any, x: np.ndarray, on: np.ndarray, backwards: bool) -> dict[str, np.ndarray]:
    kernel, recurrent, (b, b2) = (
        as_array(w).astype("float64") for w in (cell.kernel, cell.recurrent_kernel, cell.bias)
    )
    h = np.zeros(UNITS)
    names = ("update", "reset", "candidate", "state")
    found = {name: np.zeros((len(x), UNITS)) for name in names}
    for t in range(len(x))[:: -1 if backwards else 1]:
        if on[t]:
            (xz, xr, xn), (hz, hr, hn) = np.split(x[t] @ kernel + b, 3), np.split(h @ recurrent + b2, 3)
            z, r = sigmoid(xz + hz), sigmoid(xr + hr)
            new = np.tanh(xn + r * hn)
            h = z * h + (1 - z) * new
            for name, value in zip(names, (z, r, new), strict=False):
                found[name][t] = value
        found["state"][t] = h
    return found


def arrays(trace: Trace) -> dict[str, np.ndarray]:
    return {**trace.gates, "state": trace.state, **({} if trace.cell is None else {"cell": trace.cell})}


@pytest.mark.parametrize("mask_zero", [True, False])
@pytest.mark.parametrize(("kind", "looped"), [(layers.LSTM, looped_lstm), (layers.GRU, looped_gru)])
def test_both_directions_are_those_of_a_loop_over_the_words(kind: Any, looped: Any, mask_zero: bool) -> None:
    model = net(layers.Bidirectional(kind(UNITS, return_sequences=True), name="both"),
                layers.GlobalAveragePooling1D(), mask_zero=mask_zero)  # fmt: skip
    found = recurrences(model)
    assert [(one.name, one.backwards) for one in found] == [("both", False), ("both", True)]
    vectors = as_array(model.get_layer("words").embeddings)[IDS]
    on = IDS != 0 if mask_zero else np.ones(IDS.shape, bool)
    for one, trace in zip(found, traces(model, found, IDS), strict=True):
        for row in range(len(IDS)):
            expected = looped(one.layer.cell, vectors[row].astype("float64"), on[row], one.backwards)
            assert set(expected) == set(arrays(trace))
            for name, values in arrays(trace).items():
                np.testing.assert_allclose(values[row], expected[name], atol=2e-6, err_msg=name)
        columns = outputs(model, "both")[:, :, one.columns]
        np.testing.assert_allclose(trace.state[on], columns[on], atol=1e-6)


@pytest.mark.parametrize("kind", [layers.LSTM, layers.GRU, layers.SimpleRNN])
@pytest.mark.parametrize("backwards", [False, True])
def test_the_last_state_is_what_the_layer_gives(kind: Any, backwards: bool) -> None:
    model = net(kind(UNITS, go_backwards=backwards, name="read"))
    (one,) = recurrences(model)
    (trace,) = traces(model, [one], IDS)
    np.testing.assert_allclose(trace.state[:, 0 if backwards else -1], outputs(model, "read"), atol=1e-6)
    assert bool(trace.gates) == (kind is not layers.SimpleRNN) and (trace.cell is None) == (kind is not layers.LSTM)


def test_other_activations_and_cells_show_their_states() -> None:
    plain = layers.RNN(layers.GRUCell(UNITS, activation="relu"), return_sequences=True, name="cells")
    model = net(layers.LSTM(UNITS, recurrent_activation="hard_sigmoid", return_sequences=True, name="hard"), plain,
                layers.GRU(UNITS, reset_after=False, name="before"))  # fmt: skip
    found = recurrences(model)
    hard, cells, before = traces(model, found, IDS)
    on = IDS != 0
    np.testing.assert_allclose(hard.state[on], outputs(model, "hard")[on], atol=1e-6)
    assert hard.cell is not None and hard.gates == {} and cells.cell is None
    assert hard.cell.shape == hard.state.shape == (3, 6, UNITS)
    # the cell stays where the mask is False
    np.testing.assert_array_equal(hard.cell[1, 2], hard.cell[1, 5])
    np.testing.assert_allclose(cells.state[on], outputs(model, "cells")[on], atol=1e-6)
    np.testing.assert_allclose(before.state[:, -1], outputs(model, "before"), atol=1e-6)
    assert set(before.gates) == {"update", "reset", "candidate"}


@pytest.mark.parametrize("pooled", [False, True])
def test_shares_and_the_last_bias_add_up_to_the_log_odds(pooled: bool) -> None:
    layer = layers.Bidirectional(layers.LSTM(UNITS, return_sequences=pooled), name="both")
    model = net(layer, *([layers.GlobalMaxPooling1D()] if pooled else []), mask_zero=not pooled)
    shares = np.concatenate([unit_shares(model, one, IDS) for one in recurrences(model)], axis=1)
    p = as_array(model(IDS, training=False))[:, 0].astype("float64")
    assert shares.shape == (3, 2 * UNITS)
    bias = float(model.get_weights()[-1][0])
    np.testing.assert_allclose(shares.sum(axis=1) + bias, np.log(p / (1 - p)), atol=2e-5)


def test_shares_where_the_last_layer_is_no_sigmoid_and_where_directions_are_mixed() -> None:
    utils.set_random_seed(0)
    model = Sequential([layers.Input((None, 2)), layers.GRU(UNITS), layers.Dense(1), layers.Activation("sigmoid")])
    x = np.random.default_rng(0).normal(size=(2, 4, 2)).astype("float32")
    p = as_array(model(x, training=False))[:, 0]
    shares = unit_shares(model, recurrences(model)[0], x)
    np.testing.assert_allclose(shares.sum(axis=1), np.log(p / (1 - p)), atol=1e-5)
    model = net(layers.Bidirectional(layers.GRU(UNITS), merge_mode="sum"))
    assert not unit_shares(model, recurrences(model)[1], IDS).any()


def test_models_without_recurrence_are_refused() -> None:
    model = Sequential([layers.Input((3,)), layers.Dense(1)])
    with pytest.raises(ArgumentError, match="no recurrent layer"):
        recurrences(model)
    with pytest.raises(ArgumentError, match="one input"):
        recurrences(Sequential([layers.Dense(1)]))
    x, state = layers.Input((None, 2)), layers.Input((UNITS,))
    given = layers.GRU(UNITS)(x, initial_state=state)
    with pytest.raises(ArgumentError, match="one input"):
        recurrences(Model([x, state], given))
