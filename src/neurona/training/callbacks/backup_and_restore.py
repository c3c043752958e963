"""BackupAndRestore: keep the state of a training on disk, so that the same `fit` goes on after an interruption."""

from __future__ import annotations

import math
from typing import Any

from neurona.errors import ArgumentError
from neurona.registry import export
from neurona.training.callbacks.callback import Callback
from neurona.training.checkpoint import Checkpoint

__all__ = ["BackupAndRestore"]


@export("keras.callbacks")
class BackupAndRestore(Callback):
    """Write the training's state every so often; a `fit` that begins with such a state goes on from it.

    The state is whole (weights, optimizer, random generators, metrics, history, place within the epoch), so a training
    that was stopped ends as one that was not: no batch is seen twice. When `fit` ends, the state is removed.

    Args:
        backup_dir: a folder for this training alone; made when needed.
        save_freq: "epoch", or after how many batches to write.
        double_checkpoint: accepted for Keras's sake: a state on disk is replaced only by a whole one.
        delete_checkpoint: whether to remove the state at the end.

    Raises:
        ArgumentError: no folder, or another `save_freq`.

    >>> BackupAndRestore("state", save_freq=100).save_freq
    100
    """

    def __init__(
        self, backup_dir: Any, save_freq: Any = "epoch", double_checkpoint: bool = False, delete_checkpoint: bool = True
    ) -> None:
        super().__init__()
        if not backup_dir:
            raise ArgumentError(
                f"Empty `backup_dir` argument passed. Name a folder. Received: backup_dir={backup_dir!r}."
            )
        if save_freq != "epoch" and (not isinstance(save_freq, int) or save_freq < 1):
            raise ArgumentError(
                "Invalid value for argument `save_freq`. Expected either 'epoch' or a positive integer. "
                f"Received: save_freq={save_freq!r}."
            )
        self.save_freq, self.delete_checkpoint = save_freq, delete_checkpoint
        self._checkpoint = Checkpoint(backup_dir, every_seconds=math.inf)
        self._current_epoch = self._last_batch_seen = 0

    def on_train_begin(self, logs: Any = None) -> None:
        self._checkpoint.set_model(self.model)
        self._checkpoint.restore_into(self.model)
        self._seen = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._current_epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._last_batch_seen = batch
        self._seen += 1
        last = batch + 1 == self.model.batches.num_batches  # its epoch's end follows
        if self.save_freq != "epoch" and self._seen % self.save_freq == 0 and not last:
            self._checkpoint.write(self._current_epoch, batch + 1)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._current_epoch = epoch + 1
        self._checkpoint.write(epoch + 1, 0, logs)

    def on_train_end(self, logs: Any = None) -> None:
        if self.delete_checkpoint:
            self._checkpoint.remove()
