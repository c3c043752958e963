"""TensorBoard: curves, histograms, pictures and the graph for the program of that name, written without TensorFlow.

Leans on `neurona.training.tensorboard`, which writes the event files.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from neurona.errors import ArgumentError, NeuronaError
from neurona.registry import export
from neurona.tensor import Array
from neurona.training.callbacks.callback import Callback, Logs
from neurona.training.callbacks.learning_rate import current_rate
from neurona.training.tensorboard import EventWriter
from neurona.warn import warn_caller

__all__ = ["TensorBoard"]


@export("keras.callbacks")
class TensorBoard(Callback):
    """Write what ``tensorboard --logdir logs`` shows: metrics by epoch or batch, histograms of the weights.

    Args:
        log_dir: the folder; training goes to its "train", validation to its "validation".
        histogram_freq: every how many epochs histograms of the weights are written; 0 for never.
        write_graph: write the model's layers and how they are connected.
        write_images: write the weights as pictures, with their histograms.
        write_steps_per_second: write the speed as well.
        update_freq: "epoch"; "batch" or a number of batches also writes the metrics within epochs.
        profile_batch, embeddings_freq, embeddings_metadata: not written; a warning says so.
    """

    def __init__(
        self,
        log_dir: Any = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: Any = "epoch",
        profile_batch: Any = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: Any = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        self.log_dir, self.histogram_freq, self.write_graph = str(log_dir), histogram_freq, write_graph
        self.write_images, self.write_steps_per_second = write_images, write_steps_per_second
        self.update_freq = 1 if update_freq == "batch" else update_freq
        if self.update_freq != "epoch" and not (isinstance(self.update_freq, int) and self.update_freq > 0):
            raise ArgumentError(
                f"Expected update_freq to be 'epoch', 'batch' or a number of batches. Received: {update_freq!r}."
            )
        asked = {"profile_batch": profile_batch, "embeddings_freq": embeddings_freq}
        unmet = [name for name, value in asked.items() if value]
        if unmet:
            text = f"TensorBoard writes scalars, histograms, pictures and the graph; ignored: {', '.join(unmet)}."
            warn_caller(text)
        self.uses_batches = self.update_freq != "epoch"
        self._clock = clock
        self._writers: dict[str, EventWriter] = {}
        self._train_batch = 0
        self._iterations_before = 0
        self._epoch_began = self._batch_began = clock()

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        self._close()

    def _writer(self, name: str) -> EventWriter:
        if name not in self._writers:
            self._writers[name] = EventWriter(Path(self.log_dir) / name, clock=self._clock)
        return self._writers[name]

    def _close(self) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    def _iterations(self) -> int:
        return int(np.asarray(getattr(self.model.optimizer, "iterations", 0)))

    def on_train_begin(self, logs: Logs = None) -> None:
        self._train_batch = 0
        if self.write_graph and getattr(self.model, "_graph", None) is not None:
            with contextlib.suppress(NeuronaError, NotImplementedError):  # layers that cannot be described
                self._writer("train").graph(self.model.to_json())

    def on_train_end(self, logs: Logs = None) -> None:
        self._close()

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._iterations_before, self._epoch_began = self._iterations(), self._clock()

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self._train_batch += 1
        self._batch_began = self._clock()

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        if self.update_freq == "epoch" or self._train_batch % self.update_freq != 0:
            return
        writer = self._writer("train")
        if self.write_steps_per_second:
            seconds = max(self._clock() - self._batch_began, 1e-9)
            writer.scalar("batch_steps_per_second", 1.0 / seconds, self._train_batch)
        for name, value in (logs or {}).items():
            writer.scalar(f"batch_{name}", value, self._train_batch)

    def on_test_end(self, logs: Logs = None) -> None:
        if getattr(self.model, "optimizer", None) is None:
            return
        for name, value in (logs or {}).items():
            self._writer("validation").scalar(f"evaluation_{name}_vs_iterations", value, self._iterations())
        self._writer("validation").flush()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        train = {name: value for name, value in (logs or {}).items() if not name.startswith("val_")}
        if hasattr(self.model.optimizer, "learning_rate"):
            train["learning_rate"] = current_rate(self.model.optimizer)
        if self.write_steps_per_second:
            seconds = max(self._clock() - self._epoch_began, 1e-9)
            train["steps_per_second"] = (self._iterations() - self._iterations_before) / seconds
        for name, value in train.items():
            self._writer("train").scalar(f"epoch_{name}", value, epoch)
        for name, value in (logs or {}).items():
            if name.startswith("val_"):
                self._writer("validation").scalar(f"epoch_{name.removeprefix('val_')}", value, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            for layer in self.model.layers:
                for weight in layer.weights:
                    tag = f"{weight.path.replace(':', '_')}/histogram"
                    self._writer("train").histogram(tag, np.asarray(weight), epoch)
                    pictures = _pictures(np.asarray(weight)) if self.write_images else None
                    if pictures is not None:
                        self._writer("train").pictures(tag.removesuffix("histogram") + "image", pictures, epoch)
        for writer in self._writers.values():
            writer.flush()


def _pictures(weight: Array) -> Array | None:
    """A weight as pictures (N, H, W, 1), a matrix lying; ``None`` where it has too many axes."""
    axes = weight.squeeze()
    if axes.ndim == 1:
        return axes.reshape(1, -1, 1, 1)
    if axes.ndim == 2:
        lying = axes.T if axes.shape[0] > axes.shape[1] else axes
        return lying[np.newaxis, :, :, np.newaxis]
    return np.moveaxis(axes, -1, 0)[..., np.newaxis] if axes.ndim == 3 else None
