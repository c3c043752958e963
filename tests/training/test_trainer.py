"""compile, fit, evaluate and predict behave as a user of Keras expects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import neurona as keras
from neurona import ops
from neurona.errors import ArgumentError, NotBuiltError, ShapeError, UnknownNameError
from neurona.layers import Concatenate, Dense, Input, Layer
from neurona.tape import Tape

RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 3)).astype("float32")
Y = (X @ np.array([[1.0], [-2.0], [0.5]]) + 0.3).astype("float32")


def linear(**compile_arguments: Any) -> Any:
    keras.utils.set_random_seed(0)
    model = keras.Sequential([Input((3,)), Dense(1)])
    model.compile(**{"optimizer": keras.optimizers.SGD(0.1), "loss": "mse", **compile_arguments})
    return model


def test_a_line_is_found() -> None:
    model = linear()
    model.fit(X, Y, epochs=60, batch_size=8, verbose=0)
    kernel, bias = model.get_weights()
    np.testing.assert_allclose(kernel.ravel(), [1.0, -2.0, 0.5], atol=1e-3)
    np.testing.assert_allclose(bias, [0.3], atol=1e-3)


def test_one_step_by_hand() -> None:
    """SGD on mean squared error: w - rate * 2/N X^T (Xw - y)."""
    model = linear()
    kernel, bias = model.get_weights()
    error = X @ kernel + bias - Y
    loss = model.train_on_batch(X, Y)
    assert loss == pytest.approx(float((error**2).mean()), rel=1e-5)
    np.testing.assert_allclose(model.get_weights()[0], kernel - 0.1 * 2 / 64 * X.T @ error, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(model.get_weights()[1], bias - 0.1 * 2 / 64 * error.sum(0), rtol=1e-4, atol=1e-6)


def test_what_is_told_of_a_batch_is_of_this_batch() -> None:
    """As in Keras 3.15: nothing is left of the batches before."""
    model = linear(optimizer=keras.optimizers.SGD(0.0), metrics=["mae"])
    for step in (model.train_on_batch, model.test_on_batch):
        wanted = [step(X[:8], Y[:8]), step(X[8:], Y[8:])]
        assert wanted[0] != wanted[1]
        assert [step(X[:8], Y[:8]), step(X[8:], Y[8:])] == wanted


def test_history_and_validation_split() -> None:
    model = linear(metrics=["mae"])
    history = model.fit(X, Y, epochs=3, validation_split=0.25, verbose=0)
    assert set(history.history) == {"loss", "mae", "val_loss", "val_mae"}
    assert history.epoch == [0, 1, 2]
    assert model.evaluate(X[48:], Y[48:], verbose=0, return_dict=True)["loss"] == pytest.approx(
        history.history["val_loss"][-1], rel=1e-5
    )


def test_seeded_runs_are_identical() -> None:
    def run() -> list[np.ndarray]:
        model = linear(optimizer="adam")
        model.fit(X, Y, epochs=3, verbose=0)
        return model.get_weights()

    for a, b in zip(run(), run(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_generators_iterables_and_datasets() -> None:
    def endless() -> Iterator[Any]:
        while True:
            yield X[:16], Y[:16]

    class Data(keras.utils.PyDataset):
        def __len__(self) -> int:
            return 4

        def __getitem__(self, i: int) -> Any:
            return X[16 * i : 16 * i + 16], Y[16 * i : 16 * i + 16]

    assert len(linear().fit(endless(), steps_per_epoch=5, epochs=2, verbose=0).epoch) == 2
    in_order = linear().fit(X, Y, batch_size=16, shuffle=False, epochs=2, verbose=0).history["loss"]
    as_data = linear().fit(Data(), shuffle=False, epochs=2, verbose=0).history["loss"]

    class Loader:
        def __iter__(self) -> Iterator[Any]:
            return ((X[i : i + 16], Y[i : i + 16]) for i in range(0, 64, 16))

    as_loader = linear().fit(Loader(), epochs=2, verbose=0)
    assert as_data == in_order
    assert as_loader.history["loss"] == in_order


def test_sample_and_class_weights() -> None:
    labels = (X[:, 0] > 0).astype("int64")

    def train(**weights: Any) -> list[np.ndarray]:
        keras.utils.set_random_seed(0)
        model = keras.Sequential([Input((3,)), Dense(2)])
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        model.fit(X, labels, epochs=2, shuffle=False, verbose=0, **weights)
        return model.get_weights()

    by_class = train(class_weight={0: 1.0, 1: 3.0})
    by_sample = train(sample_weight=np.where(labels == 1, 3.0, 1.0))
    for a, b in zip(by_class, by_sample, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(by_class[0], train()[0])


def two_heads() -> Any:
    keras.utils.set_random_seed(0)
    a, b = Input((3,), name="left"), Input((2,), name="right")
    both = Concatenate()([Dense(4, activation="relu")(a), b])
    return keras.Model([a, b], {"size": Dense(1, name="size")(both), "kind": Dense(3, name="kind")(both)})


def test_several_inputs_outputs_and_losses() -> None:
    model = two_heads()
    model.compile(
        "adam",
        {"size": "mse", "kind": keras.losses.SparseCategoricalCrossentropy(from_logits=True)},
        loss_weights={"size": 0.5, "kind": 2.0},
        metrics={"kind": ["accuracy"]},
    )
    kinds = RNG.integers(0, 3, 64)
    inputs = {"left": X, "right": X[:, :2]}
    history = model.fit(inputs, {"size": Y, "kind": kinds}, epochs=2, verbose=0).history
    assert set(history) == {"loss", "size_loss", "kind_loss", "kind_accuracy"}
    for i in range(2):
        expected = 0.5 * history["size_loss"][i] + 2.0 * history["kind_loss"][i]
        assert history["loss"][i] == pytest.approx(expected, rel=1e-5)
    predicted = model.predict([X, X[:, :2]], verbose=0)
    assert predicted["size"].shape == (64, 1) and predicted["kind"].shape == (64, 3)


def test_a_train_step_of_ones_own() -> None:
    class Mine(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = Dense(1)
            self.seen = keras.metrics.Mean(name="seen")

        def call(self, x: Any) -> Any:
            return self.dense(x)

        def train_step(self, data: Any) -> dict[str, Any]:
            x, y = data
            with Tape() as tape:
                loss = ops.mean(ops.square(self(x, training=True) - y))
            self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
            self.seen.update_state(loss)
            return {"seen": self.seen.result()}

    model = Mine()
    model.compile(keras.optimizers.SGD(0.1))
    history = model.fit(X, Y, epochs=20, verbose=0).history["seen"]
    assert history[-1] < 1e-2 * history[0]


def test_subclass_with_compute_loss_and_add_loss() -> None:
    class Penalty(Layer):
        def call(self, x: Any) -> Any:
            self.add_loss(0.1 * ops.mean(ops.square(x)))
            return x

    keras.utils.set_random_seed(0)
    model = keras.Sequential([Input((3,)), Dense(1), Penalty()])
    model.compile("sgd", "mse")
    out = model.predict(X, verbose=0)
    expected = np.mean((out - Y) ** 2) + 0.1 * np.mean(out**2)
    assert model.evaluate(X, Y, batch_size=64, verbose=0) == pytest.approx(float(expected), rel=1e-5)


def test_stop_training_and_initial_epoch() -> None:
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.model.stop_training = epoch == 4

    history = linear().fit(X, Y, initial_epoch=3, epochs=50, callbacks=[Stop()], verbose=0)
    assert history.epoch == [3, 4]


def test_accuracy_means_what_the_shapes_ask_for() -> None:
    def name_of(units: int, y: np.ndarray, loss: Any) -> str:
        model = keras.Sequential([Input((3,)), Dense(units)])
        model.compile("sgd", loss, metrics=["accuracy"])
        model.fit(X, y, verbose=0, lint=False)
        (metric,) = model._compiled_list()
        return metric._fn.__name__ if hasattr(metric, "_fn") else type(metric).__name__

    sparse = name_of(3, RNG.integers(0, 3, 64), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    one_hot = np.eye(3, dtype="float32")[RNG.integers(0, 3, 64)]
    categorical = name_of(3, one_hot, keras.losses.CategoricalCrossentropy(from_logits=True))
    binary = name_of(1, RNG.integers(0, 2, (64, 1)), keras.losses.BinaryCrossentropy(from_logits=True))
    assert [n.lower().replace("_", "") for n in (sparse, categorical, binary)] == [
        "sparsecategoricalaccuracy", "categoricalaccuracy", "binaryaccuracy",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda: keras.Sequential([Input((3,)), Dense(1)]).fit(X, Y),
            NotBuiltError,
            "call `compile()` before",
        ),
        (lambda: linear().fit(X, Y[:5], verbose=0), ShapeError, "Data cardinality is ambiguous"),
        (lambda: linear().fit(X[:, :2], Y, verbose=0), ShapeError, "expected shape=(None, 3)"),
        (lambda: linear(optimizer="adm"), UnknownNameError, "Did you mean 'adam'?"),
        (lambda: linear(loss="msee").fit(X, Y, verbose=0), UnknownNameError, "Did you mean"),
        (lambda: linear().predict(X[:0], verbose=0), ArgumentError, "nothing to predict"),
        (lambda: linear().fit(X[:0], Y[:0], verbose=0), ArgumentError, "held no batch"),
        (lambda: linear(loss=None).fit(X, Y, verbose=0), ArgumentError, "No loss to compute"),
        (lambda: linear().evaluate(X, Y, foo=1), ArgumentError, "not recognized"),
        (
            lambda: linear(loss={"other": "mse"}).fit(X, Y, verbose=0),
            UnknownNameError,
            "does not correspond to any model output",
        ),
    ],
)
def test_errors_say_what_to_do(call: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error) as caught:
        call()
    assert words in str(caught.value)


def test_predict_gives_arrays_of_their_own() -> None:
    model = keras.Sequential([Input((3,)), keras.layers.Identity()])
    first = model.predict(X, batch_size=10, verbose=0)
    np.testing.assert_array_equal(first, X)
    first[:] = 0
    assert X.any()


def nested(kind: str) -> Any:
    inner = keras.Sequential([Dense(8)])
    if kind == "sequential":
        return keras.Sequential([inner, Dense(3)])
    if kind == "functional":
        x = Input((3,))
        return keras.Model(x, Dense(3)(inner(x)))

    class Outer(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.head = inner, Dense(3)

        def call(self, x: Any) -> Any:
            return self.head(self.inner(x))

    return Outer()


@pytest.mark.parametrize("kind", ["sequential", "functional", "subclass"])
def test_the_loss_of_a_model_within_a_model(kind: str) -> None:
    keras.utils.set_random_seed(0)
    model = nested(kind)
    model.compile("sgd", "mse")
    history = model.fit(X, X, epochs=2, verbose=0).history["loss"]
    expected = float(np.mean((model.predict(X, verbose=0) - X) ** 2))
    assert history[0] > history[1] > 0.0
    assert model.evaluate(X, X, verbose=0) == pytest.approx(expected, rel=1e-5)
    assert model.metrics_names == ["loss"]


def test_predictions_of_one_batch_are_those_of_many() -> None:
    model = keras.Sequential([Input((3,)), Dense(150, "tanh"), Dense(2)])
    x = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")
    whole = model.predict(x, verbose=0)
    for n in (1, 2, 32):
        for found in (
            model.predict(x[:n], verbose=0), model.predict_on_batch(x[:n]), model.predict(x[:n].tolist(), verbose=0),
            model.predict(x[:n].astype("float64"), verbose=0),
        ):  # fmt: skip
            np.testing.assert_allclose(found, whole[:n], atol=1e-6)  # NumPy's products differ with the number of rows
    kept = model.predict(x[:1], verbose=0)
    model.predict(x[1:2], verbose=0)
    np.testing.assert_allclose(kept, whole[:1], atol=1e-6)  # the next call writes elsewhere
    with pytest.raises(ArgumentError, match="batch_size"):
        model.predict(x[:1], batch_size=0, verbose=0)
    same = keras.Sequential([Input((3,)), keras.layers.Identity()])
    given = x[:1].copy()
    same.predict(given, verbose=0)[:] = 7
    np.testing.assert_array_equal(given, x[:1])  # what comes back is no view of what went in
