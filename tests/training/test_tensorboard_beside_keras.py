"""Real Keras's TensorBoard callback beside ours: the same runs, tags, plugins, steps, types and shapes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorboard", reason="the extra neurona[tensorboard] is not installed")
pytest.importorskip("tensorflow", reason="Keras writes event files by TensorFlow, which is not installed")
pytest.importorskip("keras", reason="the extra neurona[keras] is not installed")

import keras
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util import tensor_util

from neurona import layers
from neurona.models import Sequential
from neurona.training import callbacks

pytestmark = pytest.mark.filterwarnings("ignore")  # those of the other package


def told(folder: Path) -> dict[str, Any]:
    """Of each run, each tag: which plugin shows it, at which steps, as arrays of what kind."""
    found = {}
    for run in sorted(folder.iterdir()):
        everything = EventAccumulator(str(run), size_guidance={"tensors": 0})
        everything.Reload()
        for tag in everything.Tags()["tensors"]:
            plugin = everything.SummaryMetadata(tag).plugin_data
            events = everything.Tensors(tag)
            array = tensor_util.make_ndarray(events[0].tensor_proto)
            found[f"{run.name}:{tag}"] = (
                plugin.plugin_name, plugin.content, [event.step for event in events], array.dtype, array.shape,
            )  # fmt: skip
    return found


def trained(sequential: Any, parts: Any, board: Any) -> None:
    model = sequential(
        [
            parts.Input((6, 6, 1)), parts.Conv2D(2, 3, name="c"), parts.Flatten(name="f"),
            parts.Dense(2, activation="softmax", name="d"),
        ],
        name="net",
    )  # fmt: skip
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    rng = np.random.default_rng(0)
    x, y = rng.random((48, 6, 6, 1), dtype="float32"), rng.integers(0, 2, 48)
    model.fit(x, y, epochs=2, batch_size=8, validation_split=0.333, verbose=0, callbacks=[board])


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"update_freq": 2, "write_steps_per_second": True, "write_graph": False},
        {"histogram_freq": 1, "write_images": True},
    ],
)
def test_the_same_is_written(settings: dict[str, Any], tmp_path: Path) -> None:
    trained(Sequential, layers, callbacks.TensorBoard(tmp_path / "ours", **settings))
    trained(keras.Sequential, keras.layers, keras.callbacks.TensorBoard(str(tmp_path / "theirs"), **settings))
    assert told(tmp_path / "ours") == told(tmp_path / "theirs")
