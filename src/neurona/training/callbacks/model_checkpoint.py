"""ModelCheckpoint: save the model as the training goes on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from neurona.errors import ArgumentError, SavingError
from neurona.i18n import _
from neurona.registry import export
from neurona.training.callbacks.callback import Logs
from neurona.training.callbacks.console import say
from neurona.training.callbacks.monitor import MonitorCallback
from neurona.warn import warn_caller

__all__ = ["ModelCheckpoint"]


@export("keras.callbacks")
class ModelCheckpoint(MonitorCallback):
    """Save the model, or its weights, after each epoch or every so many batches.

    Args:
        filepath: where to; ``{epoch}``, ``{batch}`` and the metrics' names are filled in, for example
            "{epoch:02d}-{val_loss:.2f}.keras". Ends in ".keras" (or ".h5"), for weights in ".weights.h5".
        monitor, mode: the metric that says what is best, and which way.
        verbose: 1 says what is saved.
        save_best_only: save only what beats all before.
        save_weights_only: save the weights alone.
        save_freq: "epoch", or a number of batches.
        initial_value_threshold: with `save_best_only`, the value to beat at first.
    """

    def __init__(
        self,
        filepath: Any,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: Any = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode, initial_value_threshold)
        self.verbose, self.filepath = verbose, os.fspath(filepath)
        self.save_best_only, self.save_weights_only = save_best_only, save_weights_only
        self.save_freq = save_freq
        self.uses_batches = save_freq != "epoch"
        self._current_epoch = 0
        self._since_last_save = 0
        self._last_batch: int | None = None
        if save_freq != "epoch" and not isinstance(save_freq, int):
            raise ArgumentError(
                f"Expected save_freq to be 'epoch' or a whole number of batches. Received: save_freq={save_freq!r}."
            )
        endings = (".weights.h5",) if save_weights_only else (".keras", ".h5")
        if not self.filepath.endswith(endings):
            told = "With `save_weights_only=True` the" if save_weights_only else "The"
            raise ArgumentError(f"{told} filepath must end in `{endings[0]}`. Received: filepath={self.filepath}.")

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._current_epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        if self.save_freq == "epoch":
            return
        new_epoch = self._last_batch is None or batch <= self._last_batch
        self._since_last_save += batch + 1 if new_epoch else batch - (self._last_batch or 0)
        self._last_batch = batch
        if self._since_last_save >= self.save_freq:
            self._since_last_save = 0
            self._save(self._current_epoch, batch, logs)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self.save_freq == "epoch":
            self._save(epoch, None, logs)

    def _save(self, epoch: int, batch: int | None, logs: Logs) -> None:
        logs = dict(logs or {})
        path = self._path(epoch, batch, logs)
        if not self._is_due(epoch, logs, path):
            return
        if path.is_dir():
            raise SavingError(f"Expected a file for the model, but {path} is a folder. Choose another filepath.")
        path.parent.mkdir(parents=True, exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(str(path), overwrite=True)
        else:
            self.model.save(str(path), overwrite=True)

    def _path(self, epoch: int, batch: int | None, logs: dict[str, Any]) -> Path:
        place = {"epoch": epoch + 1} if batch is None else {"epoch": epoch + 1, "batch": batch + 1}
        try:
            return Path(self.filepath.format(**{**place, **logs}))
        except (KeyError, IndexError) as error:
            raise ArgumentError(
                f"The filepath '{self.filepath}' asks for {error}, which the logs do not have. "
                f"Available: {', '.join([*place, *logs])}."
            ) from error

    def _is_due(self, epoch: int, logs: dict[str, Any], path: Path) -> bool:
        said = {"epoch": epoch + 1, "metric": self.monitor, "path": path}
        if not self.save_best_only:
            if self.verbose > 0:
                say(_("Epoch {epoch}: saving the model to {path}.").format(**said))
            return True
        current = logs.get(self.monitor)
        if current is None or np.ndim(current) > 0:
            warn_caller(
                f"The best model can be told only by a single number. `{self.monitor}` is "
                f"{'not available' if current is None else current}; the model is saved anyway.",
            )
            return True
        before = "-" if self.best is None else f"{self.best:.5f}"
        if not self._is_improvement(current, self.best):
            if self.verbose > 0:
                text = _("Epoch {epoch}: {metric} did not get better than {before}.")
                say(text.format(before=before, **said))
            return False
        if self.verbose > 0:
            text = _("Epoch {epoch}: {metric} got better, from {before} to {now}; saving the model to {path}.")
            say(text.format(before=before, now=f"{current:.5f}", **said))
        self.best = current
        return True
