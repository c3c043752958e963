"""Small print of compile, fit, evaluate and predict that Keras's own tests ask for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neurona as keras
from neurona import callbacks, losses, metrics, ops
from neurona.errors import ArgumentError
from neurona.layers import Dense, Dropout, Input, Layer

RNG = np.random.default_rng(3)
X, Y = RNG.random((40, 3), "float32"), RNG.random((40, 1), "float32")


def small(**told: Any) -> Any:
    model = keras.Sequential([Input((3,)), Dense(1, kernel_initializer="ones")])
    model.compile(**{"optimizer": "sgd", "loss": "mse", **told})
    return model


def two_outputs(**told: Any) -> Any:
    x = Input((3,))
    model = keras.Model(x, [Dense(1, name="a")(x), Dense(1, name="b", activation="sigmoid")(x)])
    model.compile(**{"optimizer": "sgd", "loss": ["mse", "binary_crossentropy"], **told})
    return model


class Told(callbacks.Callback):
    """Notes the batches it is told of."""

    def __init__(self, stop: str = "") -> None:
        super().__init__()
        self.begun: list[int] = []
        self.ended: list[int] = []
        self.stop = stop

    def _end(self, batch: int, logs: Any = None) -> None:
        self.ended.append(batch)
        if self.stop and len(self.ended) == 3:
            setattr(self.model, self.stop, True)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.begun.append(batch)

    on_test_batch_begin = on_predict_batch_begin = on_train_batch_begin
    on_train_batch_end = on_test_batch_end = on_predict_batch_end = _end


@pytest.mark.parametrize("method", ["fit", "evaluate", "predict"])
def test_steps_per_execution_are_one_to_callbacks(method: str) -> None:
    told, model, plain = Told(), small(steps_per_execution=3), small()
    for one, more in ((model, {"callbacks": [told]}), (plain, {})):
        data = (X,) if method == "predict" else (X, Y)
        getattr(one, method)(*data, batch_size=8, verbose=0, **({"shuffle": False} if method == "fit" else {}), **more)
    assert (told.begun, told.ended) == ([0, 3], [2, 4])
    np.testing.assert_array_equal(model.get_weights()[0], plain.get_weights()[0])


def test_batches_of_unknown_number_may_end_among_steps_told_of_as_one() -> None:
    told = Told()
    small(steps_per_execution=3).fit(
        ((X[i : i + 8], Y[i : i + 8]) for i in range(0, 40, 8)), callbacks=[told], verbose=0
    )
    assert (told.begun, told.ended) == ([0, 3], [2, 4])


@pytest.mark.parametrize(
    ("method", "flag"), [("fit", "stop_training"), ("evaluate", "stop_evaluating"), ("predict", "stop_predicting")]
)
def test_a_callback_may_stop_an_endless_loop(method: str, flag: str) -> None:
    def endless() -> Iterator[Any]:
        while True:
            yield (X[:4],) if method == "predict" else (X[:4], Y[:4])

    told = Told(flag)
    getattr(small(), method)(endless(), callbacks=[told], verbose=0)
    assert told.ended == [0, 1, 2]


def test_small_gradients_are_scaled_in_halves() -> None:
    def optimizer(dtype: str, **more: Any) -> Any:
        model = keras.Sequential([Input((3,)), Dense(1)])
        model.dtype_policy = dtype
        model.compile("rmsprop", "mse", **more)
        return model.optimizer

    kinds = [optimizer("mixed_float16"), optimizer("mixed_float16", auto_scale_loss=False), optimizer("float32")]
    assert [isinstance(kind, keras.optimizers.LossScaleOptimizer) for kind in kinds] == [True, False, False]


def test_compiled_metrics_count_as_one() -> None:
    model = small(metrics=["mae"], weighted_metrics=["mae"])
    model.measured = metrics.Mean(name="measured")
    assert model.metrics_names == ["loss", "compile_metrics", "measured"]
    model.fit(X, Y, sample_weight=np.arange(40.0), verbose=0)
    logs = model.evaluate(X, Y, sample_weight=np.arange(40.0), verbose=0, return_dict=True)
    assert list(logs) == ["loss", "mae", "weighted_mae", "measured"]
    error = np.abs(model.predict(X, verbose=0) - Y)[:, 0]
    assert logs["mae"] == pytest.approx(float(error.mean()), rel=1e-5)
    assert logs["weighted_mae"] == pytest.approx(float((error * np.arange(40)).sum() / np.arange(40).sum()), rel=1e-5)
    assert model.evaluate(X, Y, sample_weight=np.arange(40.0), verbose=0)[:2] == [logs["loss"], logs["mae"]]
    assert len(model.metrics_variables) == 2 + 4 + 2


@pytest.mark.parametrize(
    ("told", "names"),
    [
        ({"metrics": [["mse"], ["mse", "acc"]]}, ["a_loss", "a_mse", "b_acc", "b_loss", "b_mse"]),
        (
            {"metrics": {"a": ["mse"]}, "weighted_metrics": {"a": ["mse"], "b": ["acc"]}},
            ["a_loss", "a_mse", "a_weighted_mse", "b_acc", "b_loss"],
        ),
        ({"loss": {"a": "mse", "b": ["bce"]}}, ["a_loss", "b_loss"]),
        ({"loss": ["mse", ["bce", "mse"]]}, ["a_loss", "b_loss"]),
    ],
)
def test_names_of_several_outputs(told: dict[str, Any], names: list[str]) -> None:
    history = two_outputs(**told).fit(X, (Y, (Y > 0.5).astype("float32")), verbose=0, lint=False)
    assert sorted(history.history) == [*names, "loss"]


def test_several_losses_of_an_output_are_added() -> None:
    model = small(loss=[["mse", losses.MeanAbsoluteError()]])
    error = model.predict(X, verbose=0) - Y
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(float((error**2).mean() + np.abs(error).mean()), rel=1e-5)


@pytest.mark.parametrize(
    ("told", "text"),
    [
        (
            {"loss": {"a": "mse", "c": "mse"}},
            r"argument `loss`, key 'c' does not correspond.*Expected keys \['a', 'b'\]",
        ),
        ({"metrics": {"c": ["mse"]}}, "argument `metrics`, key 'c' does not correspond to any model output"),
        ({"loss": ["mse"]}, "should have as many entries as the model has outputs"),
    ],
)
def test_losses_and_metrics_of_outputs_that_are_not_there(told: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        two_outputs(**told).fit(X, (Y, Y), verbose=0, lint=False)


def test_a_compute_loss_of_old_programs_is_not_told_whether_it_trains() -> None:
    class Doubled(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = Dense(1, kernel_initializer="ones")

        def call(self, x: Any) -> Any:
            return self.dense(x)

        def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None) -> Any:
            return 2.0 * super().compute_loss(x, y, y_pred, sample_weight)

    model = Doubled()
    model.compile("sgd", "mse")
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(2 * small().evaluate(X, Y, verbose=0), rel=1e-5)


def test_a_drawn_training_flag_holds_for_plain_calls_alone() -> None:
    x = Input((50,))
    model = keras.Model(x, Dropout(0.5, seed=1)(x, training=True))
    ones = np.ones((4, 50), "float32")
    assert (model.predict(ones, verbose=0) == 1).all()  # predict says it does not train, as in Keras
    assert (model(ones).numpy() == 0).any()


def test_values_that_are_no_single_number_are_reported_as_arrays() -> None:
    model = keras.Sequential([Input((3,)), Dense(2, activation="softmax")])
    model.compile("sgd", "categorical_crossentropy", metrics=[metrics.F1Score(name="f1")])
    logs = model.evaluate(X, np.eye(2)[(Y[:, 0] > 0.5).astype(int)], verbose=0, return_dict=True)
    assert logs["f1"].shape == (2,)


def test_early_stopping_must_know_its_way() -> None:
    with pytest.raises(ArgumentError, match="cannot tell whether 'unknown' should be high or low"):
        small().fit(X, Y, callbacks=[callbacks.EarlyStopping(monitor="unknown")], verbose=0)


class Interrupts(callbacks.Callback):
    def __init__(self, steps: int) -> None:
        super().__init__()
        self.left = steps

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.left -= 1
        if self.left == 0:
            raise RuntimeError("power cut")


@pytest.mark.parametrize(("frequency", "steps"), [("epoch", 8), (2, 8), (1, 3)])
def test_a_backup_ends_as_an_uninterrupted_training(tmp_path: Path, frequency: Any, steps: int) -> None:
    class Counts(Layer):
        def __init__(self) -> None:
            super().__init__()
            self.seen = self.add_weight(shape=(), initializer="zeros", trainable=False)

        def call(self, x: Any, training: bool = False) -> Any:
            if training:
                self.seen.assign_add(1.0)
            return x

    def train(*extra: Any) -> Any:
        keras.utils.set_random_seed(4)
        model = keras.Sequential([Input((3,)), Counts(), Dense(1)])
        model.compile("adam", "mse", metrics=["mae"])
        for cut in extra or (None,):
            told = [] if cut is None else [backup, cut]
            try:
                history = model.fit(X, Y, batch_size=16, epochs=4, callbacks=told, verbose=0)
            except RuntimeError:
                assert (tmp_path / "state").is_dir()
        return history.history, model

    backup = callbacks.BackupAndRestore(tmp_path / "state", save_freq=frequency)
    history, model = train(Interrupts(steps), Interrupts(0))
    plain, other = train()
    assert history == plain
    for one, two in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    assert float(ops.sum(model.layers[0].seen)) == 12
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (("",), "Empty `backup_dir` argument"),
        ((None,), "Empty `backup_dir` argument"),
        (("x", "batch"), "Invalid value for argument `save_freq`"),
        (("x", 0.5), "Invalid value for argument `save_freq`"),
    ],
)
def test_backups_that_cannot_be(settings: Any, text: str) -> None:
    with pytest.raises(ArgumentError, match=text):
        callbacks.BackupAndRestore(*settings)
