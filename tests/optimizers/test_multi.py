"""Several optimizers at once: who moves what, what is kept, and what a stranger's file may not say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neurona
from neurona import optimizers
from neurona.errors import ArgumentError, DTypeError
from neurona.optimizers import SGD, Adam, LossScaleOptimizer, MultiOptimizer, OptimizerMap


def two() -> list[neurona.Variable]:
    return [neurona.Variable([1.0, 2.0], name=name) for name in ("first", "second")]


def test_each_moves_its_own() -> None:
    first, second = two()
    both = MultiOptimizer(OptimizerMap(SGD(0.5), {"sec.*": SGD(0.1)}))
    both.apply([np.ones(2), np.ones(2)], [first, second])
    np.testing.assert_allclose(first, [0.5, 1.5])
    np.testing.assert_allclose(second, [0.9, 1.9])
    assert int(both.iterations.numpy()) == 1
    assert [int(one.iterations.numpy()) for one in both.optimizers] == [1, 1]


def test_callbacks_move_the_rate_of_each() -> None:
    def half(epoch: int, rate: float) -> float:
        return rate / 2

    inner = neurona.layers.Dense(1, name="inner")
    model = neurona.Sequential([neurona.Input((2,)), inner, neurona.layers.Dense(1)])
    model.compile(MultiOptimizer(OptimizerMap(SGD(0.5, name="rest"), {"inner/.*": Adam(0.25, name="adam")})), "mse")
    callbacks = [neurona.callbacks.LearningRateScheduler(half), neurona.callbacks.ReduceLROnPlateau("loss", patience=9)]
    history = model.fit(np.ones((4, 2)), np.ones((4, 1)), epochs=2, verbose=0, callbacks=callbacks).history
    assert history["learning_rate_rest"] == [0.25, 0.125] and history["learning_rate_adam"] == [0.125, 0.0625]
    assert sorted(float(np.asarray(one.learning_rate)) for one in model.optimizer.optimizers) == [0.0625, 0.125]


def test_a_function_may_choose() -> None:
    first, second = two()
    fast, slow = SGD(1.0), SGD(0.25)
    both = MultiOptimizer(lambda variable: fast if variable.name == "first" else slow)
    both.build([first, second])
    both.apply([np.ones(2), np.ones(2)])
    np.testing.assert_allclose(first, [0.0, 1.0])
    np.testing.assert_allclose(second, [0.75, 1.75])
    with pytest.raises(ArgumentError, match="Unknown variable"):
        both.apply([np.ones(2)], [neurona.Variable([1.0, 2.0])])


def test_what_is_chosen() -> None:
    plain, exact, pattern = SGD(), SGD(), SGD()
    chosen = OptimizerMap(plain)
    chosen["encoder/dense"] = exact
    chosen["encoder/.*"] = pattern
    assert chosen["encoder/dense"] is exact and chosen["encoder/other"] is pattern and chosen["decoder"] is plain
    assert len(chosen) == 2 and list(chosen) == ["encoder/dense", "encoder/.*"]
    chosen["enc.*"] = exact
    with pytest.raises(ArgumentError, match="Multiple optimizers"):
        chosen["encoder/third"]
    del chosen["enc.*"]
    with pytest.raises(ArgumentError, match="at most 500 characters"):
        chosen["x" * 600]


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: OptimizerMap("sgd"), DTypeError, "default_optimizer must be"),
        (lambda: OptimizerMap(SGD(), [SGD()]), DTypeError, "must be a dictionary"),
        (lambda: OptimizerMap(SGD(), {"a": SGD()}).__setitem__("a", SGD()), ArgumentError, "already exists"),
        (lambda: OptimizerMap(SGD()).__setitem__(3, SGD()), ArgumentError, "key must be a string"),
        (lambda: OptimizerMap(SGD()).__setitem__("a", "sgd"), ArgumentError, "must be a Keras Optimizer"),
        (lambda: OptimizerMap(SGD()).__setitem__("a", LossScaleOptimizer(SGD())), ArgumentError, "LossScaleOptimizer"),
        (lambda: MultiOptimizer(lambda v: "sgd").build(two()), ArgumentError, "is not an Optimizer instance"),
        (lambda: MultiOptimizer(lambda v: LossScaleOptimizer(SGD())).build(two()), ArgumentError, "cannot be used"),
    ],
)
def test_what_is_refused(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()


def test_there_is_no_one_rate() -> None:
    both = MultiOptimizer(OptimizerMap(SGD()), loss_scale_factor=4.0)
    assert not hasattr(both, "learning_rate")
    with pytest.raises(AttributeError, match="individual sub-optimizers"):
        both.learning_rate = 0.1
    assert [one.loss_scale_factor for one in both.optimizers] == [4.0]
    both.loss_scale_factor = 8.0
    assert [one.loss_scale_factor for one in both.optimizers] == [8.0]


@pytest.mark.parametrize("pattern", ["(a+)+", "(?:a|a)*", "a{1,9}", ".*.*.*x", r"(.)\1", "a" * 600, "|" * 9])
def test_a_file_may_not_name_a_slow_pattern(pattern: str) -> None:
    config = optimizers.serialize(MultiOptimizer(OptimizerMap(SGD(), {pattern: Adam()})))
    with pytest.raises(ArgumentError, match=r"may hold 2 of '\*'"):
        optimizers.deserialize(json.loads(json.dumps(config)))


@pytest.mark.parametrize("pattern", ["encoder/.*", r"layer_\d+/kernel", "(left|right)/.*", "[a-z]*/kernel", "plain"])
def test_usual_patterns_come_back(pattern: str) -> None:
    both = MultiOptimizer(OptimizerMap(SGD(0.5), {pattern: Adam(0.25)}), name="both")
    again = optimizers.deserialize(json.loads(json.dumps(optimizers.serialize(both))))
    assert again.get_config() == both.get_config()


def network(M: Any) -> Any:
    given = M.optimizers
    model = M.Sequential([M.Input((3,)), M.layers.Dense(4, name="front"), M.layers.Dense(1, name="back")])
    chosen = given.OptimizerMap(given.SGD(0.1, momentum=0.9), {".*front/.*": given.Adam(0.01)})
    model.compile(given.MultiOptimizer(chosen), "mse")
    return model


def data() -> tuple[Any, Any]:
    x = np.random.default_rng(0).standard_normal((32, 3)).astype("float32")
    return x, x[:, :1]


def test_a_model_is_saved_and_goes_on(tmp_path: Path) -> None:
    x, y = data()
    model = network(neurona)
    model.fit(x, y, epochs=2, shuffle=False, verbose=0)
    model.save(tmp_path / "m.keras")
    again = neurona.models.load_model(tmp_path / "m.keras")
    assert [type(one).__name__ for one in again.optimizer.optimizers] == ["Adam", "SGD"]
    for one in (model, again):
        one.fit(x, y, epochs=2, shuffle=False, verbose=0)
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.filterwarnings("ignore")  # Keras's and TensorFlow's own
@pytest.mark.parametrize("writer", ["keras", "neurona"])
def test_keras_reads_and_writes_the_same_files(writer: str, tmp_path: Path) -> None:
    keras = pytest.importorskip("keras", reason="compares with real Keras")
    A, B = (keras, neurona) if writer == "keras" else (neurona, keras)
    x, y = data()
    model = network(A)
    model.fit(x, y, epochs=2, shuffle=False, verbose=0)
    model.save(tmp_path / "m.keras")
    again = B.models.load_model(tmp_path / "m.keras")
    for one in (model, again):
        one.fit(x, y, epochs=2, shuffle=False, verbose=0)
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
