"""History: each metric's values, epoch by epoch."""

from __future__ import annotations

from typing import Any

from neurona.registry import export
from neurona.training.callbacks.callback import Callback, Logs

__all__ = ["History"]


@export("keras.callbacks")
class History(Callback):
    """Keeps what every epoch reported; `fit` returns it.

    Attributes:
        epoch: the numbers of the epochs.
        history: for each metric the list of its values.
    """

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs: Logs = None) -> None:
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        self.model.history = self
