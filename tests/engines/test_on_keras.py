"""Real Keras does what our engine does: networks carried over, trained, stopped, resumed, and side by side."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neurona
from neurona import datasets, engines, layers, utils
from neurona.datasets.tokens import Tokens
from neurona.engines.real_keras import as_numpy
from neurona.engines.twins import twins
from neurona.errors import ArgumentError, RunError
from neurona.recognisers import RECOGNISERS
from neurona.recognisers.convolution_muon import ConvolutionMuon
from neurona.recognisers.smoothing import SmoothedCrossentropy
from neurona.recognisers.train import DISTANCES, start, train
from neurona.runs import Run
from neurona.training.callbacks import Callback
from neurona.training.checkpoint import Checkpoint, Interrupted

keras = pytest.importorskip("keras", reason="the other engine is real Keras: pip install 'neurona[keras]'")

SMALL: dict[str, dict[str, Any]] = {
    "reviews/best": {"words": 60, "pairs": 40, "features": 4, "width": 3},
    "reviews/lstm": {"words": 60, "features": 4, "width": 3},
    "reviews/tutorial": {"words": 60, "width": 3},
}


def examples(recogniser: str, count: int = 6) -> Any:
    rng = np.random.default_rng(1)
    if recogniser == "reviews":
        ids = rng.integers(3, 60, (count, 9)).astype("int32")
        ids[:2, 6:] = 0
        return ids
    shape = {"clothes": (28, 28), "digits": (28, 28, 1), "objects": (32, 32, 3)}[recogniser]
    pictures = rng.integers(0, 256, (count, *shape))
    return pictures.astype("uint8") if recogniser == "objects" else (pictures / 255).astype("float32")


@pytest.mark.parametrize("name", [f"{r.name}/{recipe}" for r in RECOGNISERS.values() for recipe in r.recipes])
def test_every_recipe_is_carried_over(name: str) -> None:
    utils.clear_session()
    utils.set_random_seed(0)
    recogniser, recipe = name.split("/")
    plan = RECOGNISERS[recogniser].recipes[recipe]
    model, x = plan.build(3, 1, 0, **SMALL.get(name, {})), examples(recogniser)
    if plan.adapt is not None:
        plan.adapt(model, Tokens.of([[int(i) for i in row] for row in x]) if recogniser == "reviews" else x)
    theirs = engines.carry_over(model)
    ours = np.asarray(model(x, training=False))
    np.testing.assert_allclose(np.asarray(theirs(x, training=False)), ours, rtol=1e-5, atol=1e-5 * np.abs(ours).max())
    assert type(theirs.optimizer).__name__ == type(model.optimizer).__name__
    assert theirs.count_params() == model.count_params()


def test_the_best_reviews_open_in_keras_with_the_counterparts(tmp_path: Path) -> None:
    utils.set_random_seed(0)
    model = RECOGNISERS["reviews"].recipes["best"].build(2, 1, 0, **SMALL["reviews/best"])
    x = examples("reviews")
    model.train_on_batch(x, np.arange(len(x)) % 2)
    model.save(tmp_path / "model.keras")
    with pytest.raises(TypeError, match="WordPairs"):  # Keras itself has no such layer
        keras.models.load_model(tmp_path / "model.keras")
    theirs = keras.models.load_model(tmp_path / "model.keras", custom_objects=engines.twins(keras))
    np.testing.assert_allclose(theirs.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-6)


def test_what_has_no_counterpart_is_named() -> None:
    @neurona.saving.register_keras_serializable("mine")
    class Doubling(layers.Layer):
        def call(self, x: Any) -> Any:
            return x * 2

    model = neurona.Sequential([layers.Input((2,)), Doubling()])
    model.compile("sgd", "mse")
    with pytest.raises(ArgumentError, match="Keras has no counterpart for Doubling in the model"):
        engines.carry_over(model)


def test_the_twin_of_muon_steps_alike() -> None:
    rng = np.random.default_rng(0)
    starts = [rng.standard_normal(shape).astype("float32") for shape in ((3, 3, 2, 5), (5,), (5, 4))]
    config = ConvolutionMuon(0.1, vector_ratio=2.0, matrix_ratio=0.5, decay=0.01).get_config()
    ours = ConvolutionMuon.from_config(config)
    its = twins(keras)["neurona>ConvolutionMuon"].from_config(config)
    mine = [neurona.Variable(w) for w in starts]
    theirs = [keras.Variable(w) for w in starts]
    for _ in range(5):
        slopes = [rng.standard_normal(w.shape).astype("float32") for w in starts]
        ours.apply_gradients(zip([neurona.Tensor(g) for g in slopes], mine, strict=True))
        its.apply_gradients([(keras.ops.convert_to_tensor(g), w) for g, w in zip(slopes, theirs, strict=True)])
    for a, b in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(a.numpy(), as_numpy(keras, b), rtol=2e-4, atol=2e-5)


def test_the_twin_of_the_loss_is_alike() -> None:
    y, z = np.array([0, 2, 1]), np.random.default_rng(0).standard_normal((3, 3)).astype("float32")
    config = SmoothedCrossentropy(0.2).get_config()
    its = twins(keras)["neurona>SmoothedCrossentropy"].from_config(config)
    assert float(its(y, z)) == pytest.approx(float(SmoothedCrossentropy.from_config(config)(y, z)), rel=1e-6)


def clothes(count: int = 160) -> datasets.Data:
    rng = np.random.default_rng(0)
    y = (np.arange(count) % 10).astype("uint8")
    x = rng.integers(0, 120, (count, 28, 28)).astype("uint8")
    for picture, k in zip(x, y, strict=True):
        picture[2 * k : 2 * k + 3] = 255  # a bright bar: easily learnt
    names = tuple("abcdefghij")
    return datasets.Data(
        "fashion-mnist", "Clothes", x, y, x[:40], y[:40], {"en": names, "es": names}, "full", "path", "here", "f", False, ""
    )  # fmt: skip


def begun(folder: Path, recipe: str = "tutorial", epochs: int = 2, **more: Any) -> Run:
    plan = RECOGNISERS["clothes"].recipes[recipe]
    return start(RECOGNISERS["clothes"], plan, clothes(), 3, epochs, folder, 40, **more)


def test_a_run_on_keras_is_a_run(tmp_path: Path) -> None:
    run = begun(tmp_path / "run", engine="keras")
    found = train(run, clothes(), verbose=0)
    again = Run.open(run.path)
    assert again.status == "complete"
    engine = again.info["engine"]
    assert engine["name"] == "keras"
    assert engine["backend"] == keras.backend.backend()
    assert engine["keras"] == keras.__version__
    assert engine["agreement"] < 1e-4  # our network with Keras's weights answers as Keras's does
    assert set(again.read_history()) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert found["accuracy"] > 0.3  # it learnt: by chance it would be 0.1
    model = again.load_model()
    assert model.predict(np.zeros((1, 28, 28)), verbose=0).shape == (1, 10)


class StopAt(Callback):
    def __init__(self, step: int) -> None:
        super().__init__()
        self.step, self.seen = step, 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.seen += 1
        if self.seen == self.step:
            signal.raise_signal(signal.SIGINT)


def small() -> tuple[Any, Any, Any]:
    """A network with dropout, and something to learn."""
    utils.clear_session()
    utils.set_random_seed(5)
    model = neurona.Sequential(
        [layers.Input((6,)), layers.Dense(8, "tanh"), layers.Dropout(0.5), layers.Dense(3)], name="small"
    )
    model.compile("adam", neurona.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    rng = np.random.default_rng(2)
    return model, rng.standard_normal((40, 6)).astype("float32"), rng.integers(0, 3, 40)


def fit_on_keras(folder: Path, *callbacks: Callback) -> Any:
    model, x, y = small()
    engine = engines.OnKeras(model)
    checkpoint = Checkpoint(folder, before=engine.bring_back)
    try:
        model.fit(x, y, batch_size=8, epochs=2, verbose=0, callbacks=[*callbacks, checkpoint, engine])
    finally:
        checkpoint.close()
        engine.let_go()
    return model.get_weights()


def test_stopped_on_keras_it_goes_on_exactly(tmp_path: Path) -> None:
    """With dropout, whose random counter comes back too."""
    whole = fit_on_keras(tmp_path / "whole")
    with pytest.raises(Interrupted):
        fit_on_keras(tmp_path / "parts", StopAt(7))
    for a, b in zip(whole, fit_on_keras(tmp_path / "parts"), strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_epoch_counts_all_its_batches() -> None:
    """With a rate of 0 each epoch's loss is what `evaluate` says of all the data; so is that of the validation."""
    model, x, y = small()
    model = engines.without_chance(model)
    model.optimizer.learning_rate = 0.0
    engine = engines.OnKeras(model)
    history = model.fit(
        x, y, batch_size=8, epochs=2, verbose=0, validation_data=(x, y), validation_batch_size=8, callbacks=[engine]
    ).history
    wanted = dict(zip(["loss", "accuracy"], model.evaluate(x, y, verbose=0), strict=False))
    assert len(x) > 8
    for name, value in wanted.items():
        for told in (name, f"val_{name}"):
            np.testing.assert_allclose(history[told], [value] * 2, rtol=1e-5, err_msg=told)


def test_both_engines_side_by_side(tmp_path: Path) -> None:
    run = begun(tmp_path / "run", engine="both")
    train(run, clothes(), verbose=0)
    distances = engines.read_distances(run.path / DISTANCES)
    assert [d.step for d in distances] == list(range(9))
    assert distances[0].weights == 0.0  # the same beginning
    assert distances[0].outputs < 1e-5
    assert max(d.loss_distance for d in distances[1:]) < 1e-4
    assert 0 < distances[-1].weights < 1e-4
    assert distances[-1].loss < distances[1].loss  # and they did learn
    assert run.info["engine"]["drawn_by_lot"] == []
    assert not neurona.config.sparse_updates()


def test_what_is_drawn_by_lot_is_told_and_can_be_left_out(tmp_path: Path) -> None:
    apart = {}
    for chance in (True, False):
        model, x, y = small()
        side = engines.SideBySide(model if chance else engines.without_chance(model), tmp_path / "d.csv")
        side.ours.fit(x, y, batch_size=8, epochs=1, verbose=0, callbacks=[side])
        apart[chance] = side.distances[-1].loss_distance
        assert side.drawn == ["dropout"] * chance
    assert apart[False] < 1e-5
    assert apart[True] > 1e-2


def test_a_comparison_cannot_be_resumed(tmp_path: Path) -> None:
    run = begun(tmp_path / "run", engine="both")
    with pytest.raises(Interrupted):
        train(run, clothes(), [StopAt(2)], verbose=0)
    assert [d.step for d in engines.read_distances(run.path / DISTANCES)] == [0, 1, 2]
    with pytest.raises(RunError, match="compares two engines step by step; that cannot be gone on with"):
        train(Run.open(run.path), clothes(), verbose=0)


def test_another_backend_is_refused(tmp_path: Path) -> None:
    run = begun(tmp_path / "run", engine="keras")
    run.update(engine={**run.info["engine"], "backend": "abacus"})
    with pytest.raises(RunError, match="was begun with Keras on abacus"):
        train(run, clothes(), verbose=0)


def test_a_table_moves_alike_although_keras_squares_repeated_words_apart(tmp_path: Path) -> None:
    utils.set_random_seed(0)
    build: Callable[..., Any] = RECOGNISERS["reviews"].recipes["lstm"].build
    model = build(2, 1, 0, words=20, features=3, width=2)
    x = np.random.default_rng(0).integers(1, 20, (12, 8)).astype("int32")
    side = engines.SideBySide(model, tmp_path / "d.csv")
    model.fit(x, np.arange(12) % 2, batch_size=6, epochs=3, verbose=0, callbacks=[side])
    assert max(d.weights for d in side.distances) < 1e-5
