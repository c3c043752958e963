"""The recurrent layers by hand: single steps, masks, states that stay, dropout, and one step of training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurona import Sequential, layers, ops
from neurona.errors import ArgumentError, NotBuiltError, ShapeError
from neurona.layers import (
    GRU,
    LSTM,
    RNN,
    Bidirectional,
    ConvLSTM2D,
    Dense,
    GRUCell,
    Input,
    Layer,
    LSTMCell,
    Masking,
    SimpleRNN,
    SimpleRNNCell,
    StackedRNNCells,
    TimeDistributed,
)
from neurona.layers.recurrent.conv_lstm_cell import ConvLSTMCell
from neurona.models import Model, load_model
from neurona.registry import CustomObjectScope
from neurona.tape import Tape
from neurona.tensor import Tensor

THREE = (SimpleRNN, LSTM, GRU)
each = pytest.mark.parametrize("cls", THREE, ids=lambda cls: cls.__name__)
X = np.random.default_rng(1).standard_normal((3, 4, 2)).astype("float32")


def summing(**settings: Any) -> SimpleRNN:
    """A layer whose output is the running sum of a single feature."""
    ones = {"kernel_initializer": "ones", "recurrent_initializer": "ones"}
    return SimpleRNN(1, activation=None, **ones, **settings)


def steps(*numbers: float) -> np.ndarray:
    return np.array(numbers, "float32").reshape(1, -1, 1)


# -- by hand ------------------------------------------------------------------------------------------------


def test_outputs_of_a_running_sum() -> None:
    x = steps(1, 2, 4)
    assert summing()(x).tolist() == [[7]]
    assert summing(return_sequences=True)(x).tolist() == [[[1], [3], [7]]]
    assert summing(return_sequences=True, go_backwards=True)(x).tolist() == [[[4], [6], [7]]]
    outputs, state = summing(return_sequences=True, return_state=True)(x, initial_state=[steps(10)[0]])
    assert outputs.tolist() == [[[11], [13], [17]]]
    assert state.tolist() == [[17]]


def test_masked_steps_keep_the_state_and_repeat_the_output() -> None:
    x, mask = steps(1, 2, 4, 8), np.array([[False, True, False, True]])
    start = [steps(10)[0]]
    y, state = summing(return_sequences=True, return_state=True)(x, initial_state=start, mask=mask)
    assert y[0, :, 0].tolist() == [0, 12, 12, 20]  # nothing was put out before the first step that counts
    assert state.tolist() == [[20]]
    zeros = summing(return_sequences=True, zero_output_for_mask=True)
    assert zeros(x, initial_state=start, mask=mask)[0, :, 0].tolist() == [0, 12, 0, 20]
    back = summing(return_sequences=True, go_backwards=True)
    assert back(x, mask=mask)[0, :, 0].tolist() == [8, 8, 10, 10]
    out, state = summing(return_state=True)(x, initial_state=start, mask=np.zeros((1, 4), bool))
    assert (out.tolist(), state.tolist()) == ([[0]], [[10]])


def test_lstm_step_by_hand() -> None:
    cell = LSTMCell(1, kernel_initializer="ones", recurrent_initializer="ones")
    h, (again, c) = cell(Tensor([[0.5]]), [Tensor([[-0.5]]), Tensor([[2.0]])])
    assert again is h
    half, forget = 0.5, 1 / (1 + np.exp(-1.0))  # all sums are 0, the forget gate's bias is 1
    np.testing.assert_allclose(c.numpy(), [[2 * forget]], rtol=1e-6)
    np.testing.assert_allclose(h.numpy(), [[half * np.tanh(2 * forget)]], rtol=1e-6)


@pytest.mark.parametrize("reset_after", [True, False])
def test_gru_step_by_hand(reset_after: bool) -> None:
    cell = GRUCell(1, kernel_initializer="ones", recurrent_initializer="ones", reset_after=reset_after)
    cell.build((None, 1))
    bias = np.arange(6.0).reshape(2, 3) if reset_after else np.arange(3.0)
    cell.bias.assign(bias)
    h = cell(Tensor([[0.5]]), Tensor([[2.0]]))[0].numpy()[0, 0]

    def sigmoid(z: float) -> float:
        return 1 / (1 + float(np.exp(-z)))

    one, other = bias if reset_after else (bias, np.zeros(3))
    z, r = sigmoid(0.5 + one[0] + 2 + other[0]), sigmoid(0.5 + one[1] + 2 + other[1])
    new = np.tanh(0.5 + one[2] + r * (2 + other[2]))
    assert h == pytest.approx(z * 2 + (1 - z) * new, rel=1e-6)


# -- one op, or step by step --------------------------------------------------------------------------------


class _Slow(Layer):
    """A cell around another: what it does is hidden from the ops over whole sequences."""

    def __init__(self, cell: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.inner, self.state_size = cell, cell.state_size

    def build(self, input_shape: Any) -> None:
        if not self.inner.built:
            self.inner.build(input_shape)

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        return self.inner(inputs, states, training=training)


CELLS: list[Any] = [
    lambda: SimpleRNNCell(3), lambda: SimpleRNNCell(3, "relu"), lambda: LSTMCell(3), lambda: GRUCell(3),
    lambda: GRUCell(3, reset_after=False), lambda: LSTMCell(3, use_bias=False),
]  # fmt: skip


@pytest.mark.parametrize("make", CELLS)
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
def test_the_op_is_the_loop(make: Any, masked: bool, backwards: bool) -> None:
    settings: dict[str, Any] = {"return_sequences": True, "return_state": True, "go_backwards": backwards}
    fast, slow = RNN(make(), **settings), RNN(_Slow(make()), **settings)
    for layer in (fast, slow):
        layer.build((None, 4, 2))
    slow.set_weights(fast.get_weights())
    mask = np.array([[1, 0, 1, 1], [0, 0, 1, 0], [0, 0, 0, 0]], bool) if masked else None
    found = []
    for layer in (fast, slow):
        x = Tensor(X)
        with Tape() as tape:
            tape.watch(x)
            outputs = layer(x, mask=mask)
            loss = sum(ops.sum(ops.square(y)) for y in outputs)
        found.append([*outputs, *tape.gradient(loss, [x, *layer.trainable_weights])])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("make", [lambda: SimpleRNNCell, lambda: LSTMCell, lambda: GRUCell])
def test_dropout_is_the_same_at_every_step(make: Any) -> None:
    settings = {"dropout": 0.4, "recurrent_dropout": 0.3, "seed": 5}
    fast, slow = (RNN(cell, return_sequences=True) for cell in (make()(3, **settings), _Slow(make()(3, **settings))))
    np.testing.assert_array_equal(fast(X).numpy().shape, slow(X).shape)
    slow.set_weights(fast.get_weights())
    one = fast(X, training=True).numpy()
    np.testing.assert_allclose(slow(X, training=True).numpy(), one, rtol=1e-5, atol=1e-6)
    assert not np.array_equal(fast(X, training=True).numpy(), one)  # the next batch has other masks
    np.testing.assert_array_equal(fast(X).numpy(), fast(X).numpy())


def test_dropout_of_one_drops_everything() -> None:
    layer = summing(dropout=1.0)
    assert layer(steps(1, 2), training=True).tolist() == [[0]]
    assert layer(steps(1, 2)).tolist() == [[3]]


def test_a_cell_keeps_its_mask_until_it_is_reset() -> None:
    cell = SimpleRNNCell(4, dropout=0.5, seed=1)
    one = cell.get_dropout_mask(Tensor(np.ones((2, 50), "float32")))
    assert cell.get_dropout_mask(Tensor(np.ones((2, 50), "float32"))) is one
    assert set(np.unique(one.numpy())) == {0.0, 2.0}
    cell.reset_dropout_mask()
    assert cell.get_dropout_mask(Tensor(np.ones((2, 50), "float32"))) is not one
    assert cell.get_recurrent_dropout_mask(one) is None


# -- cells of one's own -------------------------------------------------------------------------------------


class Counter(Layer):
    """Puts out how many steps there were, in a state without a list and without get_initial_state."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.state_size = 1

    def call(self, inputs: Any, states: Any) -> Any:
        count = ops.add(states[0], 1.0)
        return count, count


class Plain:
    """A cell that is no layer."""

    state_size = (2, 1)
    output_size = 2

    def call(self, inputs: Any, states: Any) -> Any:
        return inputs, [inputs, ops.add(states[1], 1.0)]


def test_cells_of_ones_own() -> None:
    outputs, state = RNN(Counter(), return_sequences=True, return_state=True)(X)
    assert outputs[0, :, 0].tolist() == [1, 2, 3, 4]
    assert state.tolist() == [[4]] * 3
    last, _, count = RNN(Plain(), return_state=True)(X)
    np.testing.assert_array_equal(last.numpy(), X[:, -1])
    assert count.tolist() == [[4]] * 3
    stacked = RNN([Plain(), Counter(), LSTMCell(2)], return_sequences=True)
    assert stacked(X).shape == (3, 4, 2)
    assert stacked.cell.state_size == [(2, 1), 1, [2, 2]]


def test_a_cell_of_ones_own_comes_back_from_its_configuration() -> None:
    layer = RNN([Counter(name="count"), GRUCell(2)], go_backwards=True)
    with CustomObjectScope({"Counter": Counter}):
        again = layers.deserialize(layers.serialize(layer))
    assert type(again.cell.cells[0]) is Counter
    assert again.get_config() == layer.get_config()


def test_a_subclass_of_a_cell_is_asked_itself() -> None:
    class Loud(LSTMCell):
        def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
            h, after = super().call(inputs, states, training=training)
            return ops.multiply(h, 100.0), after

    layer = RNN(Loud(2))
    plain = RNN(LSTMCell(2))
    plain(X)
    layer(X)
    layer.set_weights(plain.get_weights())
    np.testing.assert_allclose(layer(X).numpy(), 100 * plain(X).numpy(), rtol=1e-5)


# -- states that stay ---------------------------------------------------------------------------------------


@each
@pytest.mark.parametrize("activation", ["tanh", "softsign"])
def test_two_halves_make_a_whole(cls: Any, activation: str) -> None:
    whole = cls(2, activation=activation, return_sequences=True)
    whole.build((3, 4, 2))
    parts = cls(2, activation=activation, return_sequences=True, stateful=True)
    parts.build((3, 2, 2))
    parts.set_weights(whole.get_weights())
    expected = whole(X).numpy()
    first, second = parts(X[:, :2]).numpy(), parts(X[:, 2:]).numpy()
    np.testing.assert_allclose(np.concatenate([first, second], 1), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(parts.states[0].numpy(), second[:, -1])
    parts.reset_states()
    assert all(not v.numpy().any() for v in parts.states)
    np.testing.assert_array_equal(parts(X[:, :2]).numpy(), first)
    assert len(parts.weights) == 3
    assert whole.states is None


def test_states_of_a_stack_stay_and_can_be_reset() -> None:
    layer = RNN([LSTMCell(2), GRUCell(3)], stateful=True)
    one, two = layer(X).numpy(), layer(X).numpy()
    assert not np.array_equal(one, two)
    assert [[v.shape for v in states] for states in layer.states] == [[(3, 2), (3, 2)], [(3, 3)]]
    layer.reset_state()
    np.testing.assert_array_equal(layer(X).numpy(), one)


def test_a_stateful_layer_has_one_size_of_batch() -> None:
    with pytest.raises(ArgumentError, match=r"the batch size must be static.*Received|Found dynamic batch size"):
        LSTM(2, stateful=True)(Input((4, 2)))
    layer = LSTM(2, stateful=True)
    layer(X)
    with pytest.raises(ShapeError, match=r"Expected batch size: 3. Received batch size: 2."):
        layer(X[:2])
    drawn = LSTM(2, stateful=True)(Input(batch_shape=(3, None, 2)))
    assert drawn.shape == (3, 2)


def test_states_stay_in_a_model_that_trains() -> None:
    def model() -> Any:
        made = Sequential([Input(batch_shape=(4, 3, 2)), GRU(3, stateful=True, seed=1), Dense(1)])
        made.set_weights([np.linspace(-0.5, 0.5, w.size).reshape(w.shape) for w in made.weights])
        made.compile("sgd", "mse")
        return made

    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((12, 3, 2)).astype("float32"), rng.standard_normal((12, 1)).astype("float32")
    planned, eager = model(), model()
    eager.run_eagerly = True
    for one in (planned, eager):
        one.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    for a, b in zip(planned.get_weights(), eager.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    kept = planned.layers[0].states[0].numpy()
    np.testing.assert_allclose(kept, eager.layers[0].states[0].numpy(), rtol=1e-5, atol=1e-6)
    assert np.abs(kept).max() > 0
    planned.layers[0].reset_state()
    assert not planned.layers[0].states[0].numpy().any()


# -- drawn models, masks through models, fit ----------------------------------------------------------------


@each
def test_open_lengths_are_drawn(cls: Any) -> None:
    x = Input((None, 2))
    y, *states = cls(3, return_sequences=True, return_state=True)(x)
    assert y.shape == (None, None, 3)
    assert all(s.shape == (None, 3) for s in states)
    decoded = cls(3)(y, initial_state=states)
    model = Model(x, decoded)
    assert model(X).shape == (3, 3)
    assert model(X[:, :2]).shape == (3, 3)
    again = Model.from_config(model.get_config())
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again(X).numpy(), model(X).numpy())


def test_masking_reaches_the_layers_behind_it() -> None:
    x = np.array([[[1.0], [2.0], [9.0]], [[4.0], [9.0], [9.0]]], "float32")
    model = Sequential([Input((None, 1)), Masking(9.0), summing(return_sequences=True), summing()])
    assert model(x).tolist() == [[4], [4]]
    y = model.layers[1](model.layers[0](x))
    assert y[:, :, 0].tolist() == [[1, 3, 3], [4, 4, 4]]
    assert y._keras_mask.tolist() == [[True, True, False], [True, False, False]]
    assert model.layers[2](y)._keras_mask is None


@pytest.mark.parametrize("cls", [*THREE, ConvLSTM2D], ids=lambda cls: cls.__name__)
def test_fit_equals_fit_step_by_step(cls: Any) -> None:
    picture = cls is ConvLSTM2D
    shape = (6, 3, 3, 4, 1) if picture else (6, 4, 2)

    def model() -> Any:
        size = {"filters": 2, "kernel_size": 2} if picture else {"units": 3}
        first = cls(**size, return_sequences=True, dropout=0.2, recurrent_dropout=0.2, seed=3)
        first = first if picture or cls is SimpleRNN else Bidirectional(first)  # whose configuration holds no seed
        front = [Input(shape[1:]), first] if picture else [Input(shape[1:]), Masking(), first]
        made = Sequential([*front, TimeDistributed(layers.Flatten()), GRU(2, "softsign", seed=4), Dense(1)])
        made.set_weights([np.linspace(-0.5, 0.5, w.size).reshape(w.shape) for w in made.weights])
        return made

    rng = np.random.default_rng(0)
    x, y = rng.standard_normal(shape).astype("float32"), rng.standard_normal((6, 1)).astype("float32")
    planned, eager = model(), model()
    planned.compile("sgd", "mse")
    eager.compile("sgd", "mse", run_eagerly=True)
    for one in (planned, eager):
        one.fit(x, y, batch_size=3, epochs=2, shuffle=False, verbose=0)
    for a, b in zip(planned.get_weights(), eager.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Bidirectional(LSTM(3, return_sequences=True, dropout=0.1), merge_mode="sum"),
        lambda: RNN([LSTMCell(2), SimpleRNNCell(3)], return_sequences=True),
        lambda: TimeDistributed(Dense(3)),
        lambda: GRU(3, return_sequences=True, reset_after=False),
    ],
)
def test_a_model_comes_back_from_its_file(make: Any, tmp_path: Any) -> None:
    model = Sequential([Input((None, 2)), Masking(), make(), LSTM(2, go_backwards=True), Dense(1)])
    path = tmp_path / "m.keras"
    model.save(path)
    again = load_model(path)
    assert again.get_config() == model.get_config()
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))


# -- Bidirectional, TimeDistributed -------------------------------------------------------------------------


def test_both_directions_by_hand() -> None:
    x = steps(1, 2, 4)
    both = Bidirectional(summing(return_sequences=True))
    assert both(x).tolist() == [[[1, 7], [3, 6], [7, 4]]]
    assert Bidirectional(summing(return_sequences=True), "mul")(x)[0, :, 0].tolist() == [7, 18, 28]
    assert Bidirectional(summing(return_sequences=True), "ave")(x)[0, :, 0].tolist() == [4, 4.5, 5.5]
    one, other = Bidirectional(summing(), merge_mode=None)(x)
    assert (one.tolist(), other.tolist()) == ([[7]], [[7]])
    mask = np.array([[True, False, True]])
    assert both(x, mask=mask).tolist() == [[[1, 5], [0, 0], [5, 4]]]


def test_bidirectional_states_and_refusals() -> None:
    both = Bidirectional(LSTM(2, stateful=True))
    both(X)
    assert len(both.states) == 4
    both.reset_states()
    assert not both.states[3].numpy().any()
    with pytest.raises(NotBuiltError, match="must be stateful"):
        Bidirectional(LSTM(2)).reset_state()
    assert Bidirectional(LSTM(2)).states is None
    with pytest.raises(ArgumentError, match=r"expected a layer. Received: 3"):
        Bidirectional(3)
    with pytest.raises(ArgumentError, match="`backward_layer` to be a layer"):
        Bidirectional(LSTM(2), backward_layer=3)
    with pytest.raises(ArgumentError, match=r"Invalid merge mode. Received: 'x'"):
        Bidirectional(LSTM(2), merge_mode="x")
    with pytest.raises(ArgumentError, match="different `go_backwards` value"):
        Bidirectional(LSTM(2), backward_layer=LSTM(2))
    with pytest.raises(ArgumentError, match="same value for `return_sequences`"):
        Bidirectional(LSTM(2), backward_layer=LSTM(2, go_backwards=True, return_sequences=True))


def test_bidirectional_begins_with_given_weights() -> None:
    first = Bidirectional(GRU(2))
    first(X)
    again = Bidirectional(GRU(2), weights=first.get_weights())
    np.testing.assert_array_equal(again(X).numpy(), first(X).numpy())


def test_time_distributed_is_a_loop() -> None:
    x = np.random.default_rng(2).standard_normal((3, 4, 5, 2)).astype("float32")
    for inner in (layers.Conv1D(3, 2), layers.GRU(3), layers.LayerNormalization()):
        layer = TimeDistributed(inner)
        y = layer(x).numpy()
        for t in range(4):
            np.testing.assert_allclose(y[:, t], inner(x[:, t]).numpy(), rtol=1e-4, atol=1e-6)


def test_time_distributed_hands_masks_on() -> None:
    x = steps(1, 2, 4, 8).reshape(1, 2, 2, 1)
    mask = np.array([[[True, False], [False, True]]])
    assert TimeDistributed(summing())(x, mask=mask).tolist() == [[[1], [8]]]
    with pytest.raises(ShapeError, match=r"the batch and the steps of the input, \(1, 2\)"):
        TimeDistributed(summing())(x, mask=mask[:, :1])
    with pytest.raises(ShapeError, match=r"at least 3 axes, \(batch, time, ...\)"):
        TimeDistributed(Dense(2))(X[:, 0])
    with pytest.raises(ArgumentError, match="supplied to TimeDistributed isn't a supported layer type"):
        TimeDistributed(3)


# -- edges --------------------------------------------------------------------------------------------------


@each
def test_sequences_without_steps(cls: Any) -> None:
    layer = cls(3, return_sequences=True, return_state=True)
    y, *states = layer(X[:, :0], initial_state=[Tensor(np.ones((3, 3)))] * (2 if cls is LSTM else 1))
    assert y.shape == (3, 0, 3)
    assert all((s.numpy() == 1).all() for s in states)
    assert cls(3)(X[:, :0]).tolist() == [[0, 0, 0]] * 3
    assert TimeDistributed(Dense(2))(X[:, :0]).shape == (3, 0, 2)


@each
def test_mixed_precision(cls: Any) -> None:
    full, mixed = cls(3), cls(3, dtype="mixed_float16")
    mixed(X)
    full(X)
    mixed.set_weights(full.get_weights())
    y = mixed(X)
    assert y.dtype.name == "float16"
    np.testing.assert_allclose(y.numpy(), full(X).numpy(), atol=5e-3)
    slow = RNN(_Slow(mixed.cell, dtype="mixed_float16"), dtype="mixed_float16")
    np.testing.assert_allclose(slow(X).numpy(), full(X).numpy(), atol=5e-3)


def test_penalties_are_counted() -> None:
    layer = LSTM(2, activity_regularizer="l2", kernel_regularizer="l1")
    y = layer(X).numpy()
    activity, kernel = layer.losses
    assert float(activity) == pytest.approx(0.01 * (y**2).sum() / 3, rel=1e-5)
    assert float(kernel) == pytest.approx(0.01 * np.abs(layer.cell.kernel.numpy()).sum(), rel=1e-5)


def test_a_frozen_layer_has_a_frozen_cell() -> None:
    layer = LSTM(2, trainable=False)
    layer(X)
    assert layer.trainable_weights == []
    assert len(layer.weights) == 3
    layer.trainable = True
    assert len(layer.trainable_weights) == 3


def test_refusals() -> None:
    for cls in (*THREE, SimpleRNNCell, LSTMCell, GRUCell):
        with pytest.raises(ArgumentError, match="invalid value for argument `units`, expected a positive integer"):
            cls(0)
    with pytest.raises(ArgumentError, match=r"`use_cudnn`. Expected one of 'auto', True, False. Received: use_cudnn=3"):
        LSTM(2, use_cudnn=3)
    assert LSTM(2, use_cudnn=True)(X).shape == (3, 2)
    with pytest.raises(ArgumentError, match=r"should have a `call` method. Received: cell=3"):
        RNN(3)
    with pytest.raises(ArgumentError, match="should have a `state_size` attribute"):
        RNN(Dense(3))
    with pytest.raises(ArgumentError, match="All cells must have a `state_size`"):
        StackedRNNCells([Dense(3)])
    with pytest.raises(ArgumentError, match=r"at least one cell. Received: cells=\[\]"):
        RNN([])
    with pytest.raises(ShapeError, match=r"expected ndim=3, found ndim=2.*Begin with Embedding\(\)"):
        LSTM(2)(X[0])
    layer = GRU(2)
    layer(X)
    with pytest.raises(ShapeError, match=r"expected axis -1 .* to have value 2, .* shape \(3, 4, 1\)"):
        layer(X[..., :1])
    for states, received in ((np.zeros((3, 2), "float32"), 1), ([X[:, 0]] * 3, 3)):
        with pytest.raises(ShapeError, match=rf"`initial_state` with 2 state\(s\).*Received: {received}\."):
            LSTM(2)(X, initial_state=states)
    with pytest.raises(ArgumentError, match=r"return_sequences, return_state, stateful\. Received: <Dense"):
        Bidirectional(Dense(3))
    with pytest.raises(ShapeError, match="needs to know the length of the last axis"):
        LSTM(2)(Input((3, None)))
    with pytest.raises(ShapeError, match="need to know the size of a picture"):
        ConvLSTM2D(2, 3)(Input((3, None, 4, 1)))
    with pytest.raises(ShapeError, match=r"a mask of shape \(batch, time\).*Received: shape \(3, 4, 2\)"):
        LSTM(2)(X, mask=X > 0)
    with pytest.raises(ArgumentError, match=r"1 to 3 spatial axes. Received: rank=4"):
        ConvLSTMCell(4, 2, 3)


def test_channels_first() -> None:
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 5, 1)).astype("float32")
    last = ConvLSTM2D(2, 3, return_sequences=True, return_state=True, dropout=0.1)
    first = ConvLSTM2D(2, 3, return_sequences=True, return_state=True, data_format="channels_first")
    wanted = last(x)
    first.build((None, 3, 1, 4, 5))
    first.set_weights(last.get_weights())
    got = first(np.moveaxis(x, -1, 2))
    np.testing.assert_allclose(np.moveaxis(got[0].numpy(), 2, -1), wanted[0].numpy(), rtol=1e-5, atol=1e-6)
    for mine, theirs in zip(got[1:], wanted[1:], strict=True):
        np.testing.assert_allclose(np.moveaxis(mine.numpy(), 1, -1), theirs.numpy(), rtol=1e-5, atol=1e-6)
    one = RNN(_Slow2(last.cell), return_sequences=True)
    np.testing.assert_allclose(one(x).numpy(), wanted[0].numpy(), rtol=1e-5, atol=1e-6)


class _Slow2(Layer):
    """A ConvLSTM's cell, asked step by step."""

    state_size = -1

    def __init__(self, cell: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.inner = cell
        self.get_initial_state = cell.get_initial_state

    def call(self, inputs: Any, states: Any) -> Any:
        return self.inner(inputs, states)


def test_a_carried_mask_is_not_for_a_call_with_states() -> None:
    """As in Keras: beside initial states a layer only takes the mask that it is given."""
    x, start = steps(1, 2, 0, 4), [steps(10)[0]]
    layer = summing(bias_initializer="ones")
    masked = Masking()(x)
    assert layer(masked).tolist() == [[10]]
    assert layer(masked, initial_state=start).tolist() == [[21]]
    assert layer(masked, initial_state=start, mask=masked._keras_mask).tolist() == [[20]]


def test_build_configurations() -> None:
    layer = LSTM(3)
    layer(X, initial_state=[X[:, 0, :1].repeat(3, 1)] * 2)
    shapes = {"sequences_shape": (3, 4, 2), "initial_state_shape": [(3, 3), (3, 3)]}
    assert layer.get_build_config() == {"shapes_dict": shapes}
    for config in ({"shapes_dict": shapes}, {"input_shape": [None, 4, 2]}):
        other = LSTM(3)
        other.build_from_config(config)
        assert [w.shape for w in other.weights] == [w.shape for w in layer.weights]
    wrapped = layers.deserialize(layers.serialize(Bidirectional(LSTM(3))))
    wrapped(X)
    assert [w.path.split("/")[0] for w in wrapped.weights] == [wrapped.name] * 6
