"""Gradients of which only some rows are kept: what they are, how they travel, and what the optimizers make of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import neurona
from neurona import config, kernels, layers, ops, optimizers
from neurona.errors import ShapeError
from neurona.ops.fused import embedding
from neurona.optimizers.arrays import ArrayOptimizer
from neurona.registry import table
from neurona.row_gradient import RowGradient, added
from neurona.tape import Tape, value_and_grad
from neurona.tensor import Tensor
from neurona.training.plan import Plan


@pytest.fixture(autouse=True)
def sparse() -> Iterator[None]:
    config.set_sparse_updates(True)
    yield
    config.set_sparse_updates(False)


def some(rows: list[int], shape: tuple[int, int] = (7, 3), seed: int = 0, dtype: str = "float32") -> RowGradient:
    values = np.random.default_rng(seed).standard_normal((len(rows), shape[1])).astype(dtype)
    return RowGradient(np.array(rows, "int64"), values, shape)


# -- what it is -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compiled", [True, False])
@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    count=st.integers(0, 60),
    columns=st.integers(0, 20),
    length=st.sampled_from([1, 2, 9, 3000, 5_000_000, 2**40]),
    dtype=st.sampled_from(["float32", "float64", "float16"]),
    ids_dtype=st.sampled_from(["int32", "int64", "uint8"]),
)
def test_values_of_one_row_are_added_up(
    compiled: bool, count: int, columns: int, length: int, dtype: str, ids_dtype: str
) -> None:
    rng = np.random.default_rng(count * 1000 + columns)
    ids = rng.integers(0, min(length, np.iinfo(ids_dtype).max), count).astype(ids_dtype)
    ids[: count // 2] = ids[:1]  # many of one word
    values = rng.integers(-8, 8, (count, columns)).astype(dtype)  # small whole numbers: their sums are exact
    if compiled:
        got = RowGradient.summed(ids, values, length)
    else:
        with kernels.disabled():
            got = RowGradient.summed(ids, values, length)
    sums: dict[int, np.ndarray] = {}
    for place, value in zip(ids.tolist(), values, strict=True):
        sums[place] = sums.get(place, np.zeros(columns, dtype)) + value
    assert got.shape == (length, columns) and got.dtype == dtype and got.rows.dtype == np.int64
    assert got.rows.tolist() == sorted(sums)
    np.testing.assert_array_equal(
        got.values, np.array([sums[r] for r in sorted(sums)], dtype).reshape(len(sums), columns)
    )


def test_it_behaves_like_a_tensor() -> None:
    g = some([1, 4])
    whole = np.zeros((7, 3), "float32")
    whole[[1, 4]] = g.values
    assert isinstance(g, Tensor)
    assert (g.shape, g.dtype, g.ndim, g.size, len(g)) == ((7, 3), np.float32, 2, 21, 7)
    np.testing.assert_array_equal(np.asarray(g), whole)
    np.testing.assert_array_equal(g.numpy(), whole)
    np.testing.assert_array_equal((g * 2 + 1).numpy(), whole * 2 + 1)
    np.testing.assert_array_equal(g[4].numpy(), whole[4])
    assert float(ops.norm(g)) == pytest.approx(float(np.linalg.norm(g.values)))
    assert g.data is g.data  # laid out once
    assert repr(g) == "<RowGradient of 2 rows, shape=(7, 3), dtype=float32>"


def test_parts_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"expected values of shape \(R, 3\).*Received: values of shape \(2, 4\)"):
        RowGradient(np.array([0, 1]), np.zeros((2, 4)), (7, 3))
    with pytest.raises(ShapeError, match=r"for rows of shape \(1,\)"):
        RowGradient(np.array([0]), np.zeros((2, 3)), (7, 3))


def test_sums() -> None:
    a, b, dense = some([1, 4]), some([0, 4, 6], seed=1), np.ones((7, 3), "float32")
    both = added(a, b)
    assert isinstance(both, RowGradient) and both.rows.tolist() == [0, 1, 4, 6]
    np.testing.assert_allclose(both.data, a.data + b.data, rtol=1e-6)
    for total in (added(a, dense), added(dense, a)):
        assert type(total) is np.ndarray
        np.testing.assert_array_equal(total, a.data + 1)
    assert (dense == 1).all()
    np.testing.assert_array_equal(added(dense, dense), dense + 1)


# -- how it travels ---------------------------------------------------------------------------------------------------


def weight(rows: int = 6, columns: int = 2, dtype: str = "float32") -> neurona.Variable:
    values = np.random.default_rng(5).standard_normal((rows, columns)).astype(dtype)
    return neurona.Variable(values, name="embeddings")


def gradient(function: Any, w: neurona.Variable) -> Any:
    with Tape() as tape:
        loss = function(w)
    return tape.gradient(loss, w)


def test_a_tape_gives_the_rows_that_were_read() -> None:
    w = weight()
    g = gradient(lambda w: ops.sum(embedding([[4, 1], [4, 4]], w) * Tensor([1.0, 10.0])), w)
    assert isinstance(g, RowGradient)
    assert g.rows.tolist() == [1, 4]
    np.testing.assert_array_equal(g.values, [[1, 10], [3, 30]])
    value, slope = value_and_grad(lambda t: ops.sum(embedding([2, 2], t)))(w)
    assert float(value) == pytest.approx(2 * float(w.data[2].sum()), rel=1e-6)
    assert isinstance(slope, RowGradient) and slope.values.tolist() == [[2.0, 2.0]]


def test_a_table_read_twice_adds_up() -> None:
    w = weight()
    g = gradient(lambda w: ops.sum(embedding([0, 3], w)) + 2 * ops.sum(embedding([3, 5], w)), w)
    assert isinstance(g, RowGradient)
    assert g.rows.tolist() == [0, 3, 5] and g.values[:, 0].tolist() == [1, 3, 2]


def test_a_table_that_is_also_read_whole_has_a_whole_gradient() -> None:
    w = weight()

    def tied(w: Any) -> Any:  # the same numbers turn words to vectors and vectors to words
        return ops.sum(ops.matmul(embedding([0, 3], w), ops.transpose(w)))

    g = gradient(tied, w)
    assert not isinstance(g, RowGradient)
    rows = w.data[[0, 3]]
    wanted = np.broadcast_to(rows.sum(axis=0), w.shape).copy()
    wanted[[0, 3]] += w.data.sum(axis=0)
    np.testing.assert_allclose(g.numpy(), wanted, rtol=1e-5)


def test_a_table_made_of_others_passes_it_on() -> None:
    w = weight()
    g = gradient(lambda w: ops.sum(embedding([1, 1], ops.multiply(w, 3.0))), w)
    assert not isinstance(g, RowGradient)
    wanted = np.zeros(w.shape)
    wanted[1] = 6
    np.testing.assert_array_equal(g.numpy(), wanted)
    first, second = ops.split(Tensor(np.ones((4, 2), "float32")), 2), Tensor(np.ones((4, 2), "float32"))
    assert len(first) == 2
    with Tape() as tape:
        tape.watch(second)
        above, below = ops.split(second, 2)  # an op with several outputs
        loss = ops.sum(embedding([1, 1], above)) + ops.sum(below)
    np.testing.assert_array_equal(tape.gradient(loss, second).numpy(), [[0, 0], [2, 2], [1, 1], [1, 1]])


def test_a_recorded_step_gives_rows_too() -> None:
    w = weight()
    plan = Plan(
        lambda ids: (ops.sum(embedding(ids, w)) + ops.sum(embedding(ids + 1, w)), None), (np.array([0, 2]),), [w]
    )
    assert plan.unrepeatable is None
    assert isinstance(plan.gradients[0], RowGradient)
    _, _, (g,) = plan([np.array([3, 3])])
    assert isinstance(g, RowGradient)
    assert g.rows.tolist() == [3, 4] and g.values.tolist() == [[2, 2], [2, 2]]


# -- what the optimizers make of it -----------------------------------------------------------------------------------

CLASSES = sorted(
    {c for c in table("keras.optimizers").values() if issubclass(c, ArrayOptimizer)}, key=lambda c: c.__name__
)
# the norm of a whole variable, the means of its rows and columns, or an average of all steps make these move every row
WHOLE = {"Lamb", "Adafactor", "ScheduleFreeAdamW"}
VARIANTS: dict[str, list[dict[str, Any]]] = {
    "SGD": [{"momentum": 0.9}, {"momentum": 0.5, "nesterov": True}],
    "RMSprop": [{"momentum": 0.5}, {"centered": True}, {"centered": True, "momentum": 0.5}],
    "Adam": [{"amsgrad": True}],
}
EXTRAS: list[dict[str, Any]] = [
    {}, {"weight_decay": 0.02}, {"clipnorm": 0.5}, {"global_clipnorm": 0.5}, {"clipvalue": 0.3}, {"loss_scale_factor": 8.0},
    {"gradient_accumulation_steps": 2},
]  # fmt: skip
RULES = [(c, o) for c in CLASSES for o in ({}, *VARIANTS.get(c.__name__, []))]
every_rule = pytest.mark.parametrize(
    ("cls", "options"), RULES, ids=[f"{c.__name__}-{'-'.join(o) or 'plain'}" for c, o in RULES]
)


def variables(dtype: str = "float32") -> list[neurona.Variable]:
    rng = np.random.default_rng(3)
    made = [("embeddings", (7, 3)), ("kernel", (3, 2))]
    return [neurona.Variable(rng.standard_normal(s).astype(dtype), name=n) for n, s in made]


def follow_step_by_step(
    cls: Any, options: dict[str, Any], steps: int = 6, dtype: str = "float32"
) -> tuple[Any, list[neurona.Variable]]:
    """Steps with some rows beside steps, from the same state, with the same gradient laid out: equal in these rows, and
    where no row was named everything stays.
    """
    lazy, dense = cls(learning_rate=0.05, **options), cls(learning_rate=0.05, **options)
    mine, theirs = variables(dtype), variables(dtype)
    lazy.build(mine)
    dense.build(theirs)
    every = options.get("gradient_accumulation_steps", 1)
    used: set[int] = set()
    for step in range(steps):
        g = some([[0, 2, 3], [2], [1, 3, 6], [], [0, 1, 2]][step % 5], seed=step, dtype=dtype)
        kernel = np.random.default_rng(step).standard_normal((3, 2)).astype(dtype)
        for a, b in zip([*mine, *lazy.variables], [*theirs, *dense.variables], strict=True):
            b.data[...] = a.data
        before = [v.data.copy() for v in [*mine, *lazy.variables]]
        lazy.apply([g, kernel], mine)
        dense.apply([g.data, kernel], theirs)
        used = (used if step % every else set()) | set(g.rows.tolist())
        moved = (step + 1) % every == 0
        rows = sorted(used) if moved else []
        for a, b, kept in zip([*mine, *lazy.variables], [*theirs, *dense.variables], before, strict=True):
            if a.data.shape != (7, 3) or cls.__name__ in WHOLE or a.name.endswith("gradient_accumulator"):
                np.testing.assert_allclose(a.data, b.data, rtol=2e-5, atol=1e-6, err_msg=f"{a.path}, step {step}")
                continue
            np.testing.assert_allclose(
                a.data[rows], b.data[rows], rtol=2e-5, atol=1e-6, err_msg=f"{a.path}, step {step}"
            )
            others = [r for r in range(7) if r not in rows]
            np.testing.assert_array_equal(a.data[others], kept[others], err_msg=f"{a.path}, step {step}")
    return lazy, mine


@every_rule
@pytest.mark.parametrize("extra", EXTRAS, ids=lambda e: next(iter(e), "plain"))
def test_a_row_moves_as_in_a_whole_table(cls: Any, options: dict[str, Any], extra: dict[str, Any]) -> None:
    follow_step_by_step(cls, {**options, **extra})


@every_rule
def test_without_kernels_and_in_float64(cls: Any, options: dict[str, Any]) -> None:
    _, wide = follow_step_by_step(cls, {**options, "weight_decay": 0.02}, dtype="float64")
    assert wide[0].data.dtype == np.float64
    _, fast = follow_step_by_step(cls, {**options, "weight_decay": 0.02})
    with kernels.disabled():
        _, plain = follow_step_by_step(cls, {**options, "weight_decay": 0.02})
    np.testing.assert_allclose(fast[0].data, plain[0].data, rtol=2e-5, atol=2e-6)
    np.testing.assert_allclose(fast[0].data, wide[0].data, rtol=2e-3, atol=2e-4)


@every_rule
@pytest.mark.parametrize("extra", EXTRAS, ids=lambda e: next(iter(e), "plain"))
def test_unless_asked_for_a_table_moves_whole(cls: Any, options: dict[str, Any], extra: dict[str, Any]) -> None:
    """As if the zeros had been there; also where nothing rests, and where only rows move since all others would rest."""
    config.set_sparse_updates(False)
    by_rows, whole = (cls(learning_rate=0.05, **{**options, **extra}) for _ in range(2))
    mine, its = variables(), variables()
    for step, rows in enumerate([[0, 2, 3], [2], [1, 3, 6], [], [0, 1, 2], [5]]):
        g, kernel = some(rows, seed=step), np.random.default_rng(step).standard_normal((3, 2)).astype("float32")
        by_rows.apply([g, kernel], mine)
        whole.apply([g.data.copy(), kernel], its)
        for a, b in zip([*mine, *by_rows.variables], [*its, *whole.variables], strict=True):
            np.testing.assert_allclose(a.data, b.data, rtol=1e-6, atol=1e-7, err_msg=f"{a.path}, step {step}")


@pytest.mark.parametrize(
    ("optimizer", "rests"),
    [
        (optimizers.SGD(0.1), True), (optimizers.Adagrad(0.1), True), (optimizers.SGD(0.1, momentum=0.5), False),
        (optimizers.SGD(0.1, weight_decay=0.1), False), (optimizers.Adagrad(0.1, weight_decay=0.1), False),
        (optimizers.RMSprop(0.1), False), (optimizers.Adam(0.1), False), (optimizers.Ftrl(0.1), False),
    ],
)  # fmt: skip
def test_where_nothing_else_would_move_only_rows_do(
    optimizer: Any, rests: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.set_sparse_updates(False)
    seen = []
    monkeypatch.setattr(type(optimizer), "_move_rows_of", lambda self, g, *rest: seen.append(g))
    optimizer.apply([some([1])], variables()[:1])
    assert bool(seen) == rests


@every_rule
def test_tables_and_state_stay_in_place(cls: Any, options: dict[str, Any]) -> None:
    optimizer, (w, kernel) = cls(learning_rate=0.1, **options), variables()
    optimizer.build([w, kernel])
    held = [v.data for v in [w, *optimizer.variables]]
    g = some([1, 5])
    g.values.flags.writeable = False
    optimizer.apply([g, np.ones((3, 2), "float32")], [w, kernel])
    assert all(v.data is a for v, a in zip([w, *optimizer.variables], held, strict=True))
    optimizer.apply([some([]), np.ones((3, 2), "float32")], [w, kernel])  # a batch without a word


def test_a_matrix_that_follows_muon_moves_whole_and_an_embedding_by_rows() -> None:
    """Muon's orthogonal step mixes all rows; variables called embeddings follow its Adam."""
    for name, goes_on in (("embeddings", False), ("kernel", True)):
        w = neurona.Variable(np.ones((7, 3), "float32"), name=name)
        optimizer = optimizers.Muon(0.1, weight_decay=None, adam_weight_decay=None)
        optimizer.apply([some([1, 5])], [w])
        after_one = w.data.copy()
        optimizer.apply([some([2])], [w])
        assert (w.data[1] != after_one[1]).all() == goes_on
        assert (w.data[2] != 1).all()


def test_a_rule_of_ones_own_sees_a_tensor() -> None:
    seen = []

    class Plain(optimizers.Optimizer):
        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            seen.append(gradient.numpy().copy())
            self.assign_sub(variable, gradient * learning_rate)

    class Slower(optimizers.Adam):
        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            super().update_step(gradient, variable, learning_rate * 0.5)

    class Own(optimizers.SGD):
        def move(self, g: Any, w: Any, index: int, rate: float) -> None:
            assert g.shape == w.shape == (7, 3)
            w -= 2 * rate * g

    assert Own.row_slots is None and Slower.row_slots == optimizers.Adam.row_slots
    g = some([1, 5])
    for cls in (Plain, Slower, Own):
        a, b = variables()[0], variables()[0]
        cls(learning_rate=0.5).apply([g], [a])
        cls(learning_rate=0.5).apply([g.data], [b])
        np.testing.assert_array_equal(a.data, b.data)
    np.testing.assert_array_equal(seen[0], g.data)


def test_the_average_of_the_weights_follows_in_every_row() -> None:
    """A row that rests is still nearer to its average at every step: `use_ema` averages over time, used or not."""
    w = variables()[0]
    optimizer = optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5)
    optimizer.apply([some([1])], [w])
    optimizer.apply([some([1], seed=1)], [w])
    moved = w.data.copy()
    optimizer.apply([some([5])], [w])
    np.testing.assert_array_equal(w.data[1], moved[1])
    averages = next(v for v in optimizer.variables if v.name.endswith("average"))
    first = variables()[0].data[1] - 0.1 * some([1]).values[0]
    np.testing.assert_allclose(averages.data[1], 0.25 * first + 0.75 * moved[1], rtol=1e-5)


def test_stopped_between_two_updates_it_goes_on_alike() -> None:
    options: dict[str, Any] = {"gradient_accumulation_steps": 3}
    whole, part = variables()[:1], variables()[:1]
    one, two = optimizers.Adam(0.1, **options), optimizers.Adam(0.1, **options)
    for step, rows in enumerate([[0], [2, 3], [2], [5], [1, 5], [6]]):
        one.apply([some(rows, seed=step)], whole)
        if step == 4:
            store: dict[str, np.ndarray] = {}
            two.save_own_variables(store)
            two = optimizers.Adam(0.1, **options)
            two.build(part)
            two.load_own_variables(store)
        two.apply([some(rows, seed=step)], part)
    np.testing.assert_array_equal(whole[0].data, part[0].data)


def test_a_scaled_loss_leaves_out_what_is_not_finite() -> None:
    w = variables()[0]
    optimizer = optimizers.LossScaleOptimizer(optimizers.SGD(1.0), initial_scale=4.0)
    before = w.data.copy()
    g = some([1, 5])
    optimizer.apply([g.with_values(g.values * 4)], [w])
    np.testing.assert_allclose(w.data[[1, 5]], before[[1, 5]] - g.values, rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(w.data[[0, 2, 3, 4, 6]], before[[0, 2, 3, 4, 6]])
    kept = w.data.copy()
    optimizer.apply([g.with_values(g.values * np.inf)], [w])
    np.testing.assert_array_equal(w.data, kept)
    assert float(optimizer.dynamic_scale.numpy()) == 2.0


def test_a_gradient_of_another_shape_is_refused() -> None:
    with pytest.raises(neurona.errors.ArgumentError, match=r"Expected \(7, 3\) for 'embeddings', received \(8, 3\)"):
        optimizers.SGD(1.0).apply([some([1], (8, 3))], variables()[:1])


def test_a_gradient_of_another_type_is_brought_to_the_tables() -> None:
    a, b = variables()[0], variables()[0]
    optimizers.Adam(0.1).apply([some([1, 5], dtype="float64")], [a])
    optimizers.Adam(0.1).apply([some([1, 5], dtype="float64").with_values(some([1, 5]).values)], [b])
    assert a.data.dtype == np.float32
    assert (a.data[[1, 5]] != variables()[0].data[[1, 5]]).all()
    assert (b.data[[0, 2]] == variables()[0].data[[0, 2]]).all()


# -- through fit ------------------------------------------------------------------------------------------------------


def network(**settings: Any) -> neurona.Sequential:
    neurona.utils.set_random_seed(1)
    return neurona.Sequential(
        [neurona.Input((4,), dtype="int32"), layers.Embedding(20, 3, **settings), layers.Flatten(), layers.Dense(2)]
    )


def data(below: int = 10) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    return rng.integers(0, below, (24, 4)).astype("int32"), rng.standard_normal((24, 2)).astype("float32")


@pytest.mark.parametrize("eagerly", [False, True])
@pytest.mark.parametrize("optimizer", ["adam", "rmsprop", "sgd", "adagrad"])
def test_words_that_no_batch_names_stay(optimizer: str, eagerly: bool) -> None:
    model = network()
    before = model.layers[0].embeddings.numpy()
    model.compile(optimizer, "mse", run_eagerly=eagerly)
    model.fit(*data(), batch_size=8, epochs=2, verbose=0)
    after = model.layers[0].embeddings.numpy()
    np.testing.assert_array_equal(after[10:], before[10:])
    assert (after[:10] != before[:10]).all()
    for slot in model.optimizer.variables:
        if slot.data.shape == after.shape:
            assert (slot.data[10:] == slot.data[10, 0]).all() and (slot.data[:10] != slot.data[10, 0]).any()


def test_recorded_and_eager_steps_agree() -> None:
    planned, eager = network(), network()
    for model, eagerly in ((planned, False), (eager, True)):
        model.compile(optimizers.Adam(0.01, clipnorm=0.1), "mse", run_eagerly=eagerly)
        model.fit(*data(), batch_size=8, epochs=3, verbose=0, shuffle=False)
    for a, b in zip(planned.get_weights(), eager.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_first_step_is_keras_own() -> None:
    """Without a past a row that was not used does not move in Keras either."""
    weights = []
    for choice in (True, False):
        config.set_sparse_updates(choice)
        model = network()
        model.compile(optimizers.Adam(0.01), "mse")
        model.train_on_batch(*data())
        weights.append(model.get_weights())
    for a, b in zip(*weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


def test_the_choice_counts_from_the_next_step_on() -> None:
    model = network()
    model.compile(optimizers.Adam(0.01), "mse")
    x, y = data()
    model.train_on_batch(x, y)
    kept = model.layers[0].embeddings.numpy()
    model.train_on_batch(np.zeros_like(x), y)
    np.testing.assert_array_equal(model.layers[0].embeddings.numpy()[1:10], kept[1:10])
    config.set_sparse_updates(False)
    model.train_on_batch(np.zeros_like(x), y)
    assert (model.layers[0].embeddings.numpy()[1:10] != kept[1:10]).all()


def test_a_penalty_on_the_table_reaches_every_row() -> None:
    model = network(embeddings_regularizer="l2")
    before = model.layers[0].embeddings.numpy()
    model.compile("sgd", "mse")
    model.fit(*data(), batch_size=8, verbose=0)
    after = model.layers[0].embeddings.numpy()
    assert (np.abs(after[10:]) < np.abs(before[10:])).all()


def test_a_constraint_holds_after_each_update() -> None:
    model = network(embeddings_constraint=neurona.constraints.MaxNorm(0.02, axis=1))
    model.compile(optimizers.SGD(1.0), "mse")
    model.fit(*data(), batch_size=8, verbose=0)
    assert np.linalg.norm(model.layers[0].embeddings.numpy()[:10], axis=1).max() <= 0.02 * (1 + 1e-5)


def test_a_loop_of_ones_own() -> None:
    """A `train_step` that looks at the gradients, changes some and applies them."""
    norms = []

    class Own(neurona.Model):
        def __init__(self) -> None:
            super().__init__()
            self.words, self.flat, self.out = layers.Embedding(20, 3), layers.Flatten(), layers.Dense(2)

        def call(self, x: Any) -> Any:
            return self.out(self.flat(self.words(x)))

        def train_step(self, batch: Any) -> dict[str, Any]:
            x, y = batch
            with Tape() as tape:
                loss = self.compute_loss(y=y, y_pred=self(x, training=True))
            gradients = tape.gradient(loss, self.trainable_variables)
            assert isinstance(gradients[0], RowGradient)
            norms.extend(float(ops.norm(ops.reshape(g, (-1,)))) for g in gradients)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
            return {"loss": loss}

    model = Own()
    model.compile("adam", "mse")
    model(data()[0])
    before = model.words.embeddings.numpy()
    model.fit(*data(), batch_size=8, verbose=0)
    np.testing.assert_array_equal(model.words.embeddings.numpy()[10:], before[10:])
    assert len(norms) == 9 and min(norms) > 0
