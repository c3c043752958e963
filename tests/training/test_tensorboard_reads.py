"""What TensorBoard itself reads from our event files: tags, steps, values, pictures and the graph, named as Keras does."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorboard", reason="the extra neurona[tensorboard] is not installed")

from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.context import RequestContext
from tensorboard.plugins.graph import keras_util
from tensorboard.util import tensor_util

from neurona import layers
from neurona.models import Model, Sequential
from neurona.training import callbacks
from neurona.utils import set_random_seed

SCALARS = ["epoch_accuracy", "epoch_loss"]
EVALUATED = ["evaluation_accuracy_vs_iterations", "evaluation_loss_vs_iterations"]
WEIGHTS = ["net/c/kernel", "net/c/bias", "net/d/kernel", "net/d/bias"]


def network() -> Any:
    model = Sequential(
        [
            layers.Input((6, 6, 1)), layers.Conv2D(2, 3, name="c"), layers.Flatten(),
            layers.Dense(2, activation="softmax", name="d"),
        ],
        name="net",
    )  # fmt: skip
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def trained(folder: Path, **settings: Any) -> tuple[Any, Any]:
    """A model trained for two epochs of four steps with the callback, and its history."""
    set_random_seed(1)
    rng = np.random.default_rng(0)
    model, x, y = network(), rng.random((48, 6, 6, 1), dtype="float32"), rng.integers(0, 2, 48)
    board = callbacks.TensorBoard(folder, **settings)
    history = model.fit(x, y, epochs=2, batch_size=8, validation_split=0.333, verbose=0, callbacks=[board])
    return model, history.history


def read(folder: Path) -> dict[str, list[tuple[int, Any]]]:
    """Every tag of a run with its steps and values."""
    everything = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    everything.Reload()
    return {
        tag: [(event.step, tensor_util.make_ndarray(event.tensor_proto)) for event in everything.Tensors(tag)]
        for tag in everything.Tags()["tensors"]
    }


def test_curves_by_epoch(tmp_path: Path) -> None:
    _, history = trained(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["train", "validation"]
    train, validation = read(tmp_path / "train"), read(tmp_path / "validation")
    assert set(train) == {"keras", "epoch_learning_rate", *SCALARS}
    assert set(validation) == {*SCALARS, *EVALUATED}
    for run, prefix in ((train, ""), (validation, "val_")):
        for name in ("loss", "accuracy"):
            steps, values = zip(*run[f"epoch_{name}"], strict=True)
            assert steps == (0, 1)
            np.testing.assert_allclose(values, history[prefix + name], rtol=1e-6)
    assert [step for step, _ in validation["evaluation_loss_vs_iterations"]] == [4, 8]


def test_curves_within_epochs(tmp_path: Path) -> None:
    trained(tmp_path, update_freq=2, write_steps_per_second=True)
    train = read(tmp_path / "train")
    assert set(train) == {
        "keras", "batch_steps_per_second", "batch_accuracy", "batch_loss", "epoch_learning_rate",
        "epoch_steps_per_second", *SCALARS,
    }  # fmt: skip
    assert [step for step, _ in train["batch_loss"]] == [2, 4, 6, 8]


def test_histograms_and_pictures_of_weights(tmp_path: Path) -> None:
    model, _ = trained(tmp_path, histogram_freq=1, write_images=True)
    train = read(tmp_path / "train")
    assert {tag for tag in train if "/" in tag} == {
        f"{weight}/{kind}" for weight in WEIGHTS for kind in ("histogram", "image")
    }
    for weight in model.weights:
        steps, values = zip(*train[f"{weight.path}/histogram"], strict=True)
        assert steps == (0, 1)
        table = values[-1]
        assert table.shape == (30, 3)
        assert table[:, 2].sum() == weight.size
        assert (table[0, 0], table[-1, 1]) == (weight.numpy().min(), weight.numpy().max())
    width, height, *pictures = train["net/d/kernel/image"][-1][1]
    assert (int(width), int(height), len(pictures)) == (32, 2, 1)  # a standing matrix lies
    image = pytest.importorskip("PIL.Image")
    shown = np.asarray(image.open(io.BytesIO(pictures[0])))
    expected = np.clip(model.get_layer("d").get_weights()[0].T * 255.5, 0, 255).astype("uint8")
    np.testing.assert_array_equal(shown, expected)
    assert len(train["net/c/kernel/image"][-1][1]) == 2 + 2  # one picture for each filter


def test_the_graph_is_one_that_tensorboard_draws(tmp_path: Path) -> None:
    trained(tmp_path)
    ((step, config),) = read(tmp_path / "train")["keras"]
    assert step == 0
    drawn = keras_util.keras_model_to_graph_def(json.loads(config.item()))
    assert {node.name for node in drawn.node} >= {"net/c", "net/d"}
    a, b = layers.Input((3,), name="a"), layers.Input((3,), name="b")
    added = layers.Add(name="added")([a, layers.Dense(3, name="inner")(b)])
    model = Model([a, b], added, name="two")
    model.compile("sgd", "mse")
    x = np.zeros((4, 3), "float32")
    model.fit([x, x], x, verbose=0, callbacks=[callbacks.TensorBoard(tmp_path / "two")])
    ((_, config),) = read(tmp_path / "two" / "train")["keras"]
    assert json.loads(config.item())["config"]["name"] == "two"


def test_tensorboards_own_pages_find_everything(tmp_path: Path) -> None:
    trained(tmp_path, histogram_freq=1, write_images=True)
    multiplexer = plugin_event_multiplexer.EventMultiplexer()
    multiplexer.AddRunsFromDirectory(str(tmp_path))
    multiplexer.Reload()
    provider = data_provider.MultiplexerDataProvider(multiplexer, str(tmp_path))
    about = {"experiment_id": "", "ctx": RequestContext()}
    scalars = provider.list_scalars(about.pop("ctx"), plugin_name="scalars", **about)
    assert set(scalars) == {"train", "validation"}
    assert set(scalars["train"]) == {"epoch_learning_rate", *SCALARS}
    assert set(scalars["validation"]) == {*SCALARS, *EVALUATED}
    context = RequestContext()
    histograms = provider.list_tensors(context, plugin_name="histograms", **about)["train"]
    assert set(histograms) == {f"{weight}/histogram" for weight in WEIGHTS}
    pictures = provider.list_blob_sequences(context, plugin_name="images", **about)["train"]
    assert set(pictures) == {f"{weight}/image" for weight in WEIGHTS}
    graphs = provider.list_blob_sequences(context, plugin_name="graph_keras_model", **about)["train"]
    assert set(graphs) == {"keras"}
