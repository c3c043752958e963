"""The learning rate while training goes on: by a schedule, or lower where the training stands still."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neurona.errors import ArgumentError
from neurona.i18n import _
from neurona.registry import export
from neurona.training.callbacks.callback import Callback, Logs
from neurona.training.callbacks.console import say
from neurona.training.callbacks.monitor import MonitorCallback
from neurona.warn import warn_caller

__all__ = ["LearningRateScheduler", "ReduceLROnPlateau", "current_rate"]


def current_rate(optimizer: Any) -> float:
    """The optimizer's learning rate now, as a float."""
    return float(np.asarray(optimizer.learning_rate))


def _with_rates(optimizer: Any) -> list[tuple[str, Any]]:
    """Each optimizer that has a rate: a name to tell it by, if it is one of several, and the optimizer."""
    several = getattr(optimizer, "optimizers", None)
    return [("", optimizer)] if several is None else [(one.name, one) for one in several]


def _log_rates(optimizer: Any, logs: dict[str, Any]) -> None:
    for name, one in _with_rates(optimizer):
        logs[f"learning_rate_{name}" if name else "learning_rate"] = current_rate(one)


def _tell(text: str, name: str) -> None:
    say(f"{name}: {text}" if name else text)


@export("keras.callbacks")
class LearningRateScheduler(Callback):
    """Set the learning rate at the beginning of each epoch; with a `MultiOptimizer` that of each of its optimizers.

    Args:
        schedule: ``(epoch, learning rate) -> learning rate``, or of the epoch alone; epochs count from 0.
        verbose: 1 says each new rate.
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        super().__init__()
        self.schedule, self.verbose = schedule, verbose

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        for name, optimizer in _with_rates(self.model.optimizer):
            self._set(name, optimizer, epoch)

    def _set(self, name: str, optimizer: Any, epoch: int) -> None:
        if not hasattr(optimizer, "learning_rate"):
            raise ArgumentError(
                f"LearningRateScheduler needs an optimizer with a learning_rate. Received: {optimizer!r}."
            )
        try:
            rate = self.schedule(epoch, current_rate(optimizer))
        except TypeError:  # a schedule of the epoch alone
            rate = self.schedule(epoch)
        if not isinstance(rate, (float, np.floating)):
            raise ArgumentError(f"Expected the schedule to return a float. Received: {rate!r}.")
        optimizer.learning_rate = float(rate)
        if self.verbose > 0:
            _tell(_("Epoch {epoch}: the learning rate is {rate:g}.").format(epoch=epoch + 1, rate=float(rate)), name)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if logs is not None:
            _log_rates(self.model.optimizer, logs)


@export("keras.callbacks")
class ReduceLROnPlateau(MonitorCallback):
    """Lower the learning rate where the monitored metric has not improved for `patience` epochs.

    With a `MultiOptimizer` the rates of all its optimizers are lowered.

    Args:
        monitor, mode: the metric to watch, and which way is better.
        factor: what the rate is multiplied by, below 1.
        patience: epochs to wait for an improvement.
        verbose: 1 says each new rate.
        min_delta: improvements smaller than this are none.
        cooldown: epochs after a reduction in which nothing is counted.
        min_lr: the rate is never made lower than this.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(monitor, mode, min_delta=min_delta)
        if factor >= 1.0:
            raise ArgumentError(f"ReduceLROnPlateau needs a factor below 1. Received: factor={factor}.")
        self.factor, self.patience, self.verbose = factor, patience, verbose
        self.cooldown, self.min_lr = cooldown, min_lr
        self.cooldown_counter = self.wait = 0

    def on_train_begin(self, logs: Logs = None) -> None:
        self.best = None
        self.cooldown_counter = self.wait = 0

    def in_cooldown(self) -> bool:
        """Whether a reduction is so recent that nothing is counted."""
        return self.cooldown_counter > 0

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        logs = {} if logs is None else logs
        _log_rates(self.model.optimizer, logs)
        current = logs.get(self.monitor)
        if current is None:
            warn_caller(
                f"ReduceLROnPlateau watches the metric `{self.monitor}`, which is not available. "
                f"Available metrics are: {', '.join(logs)}.",
            )
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self._is_improvement(current, self.best):
            self.best, self.wait = current, 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience:
                lowered = [self._lower(name, one, epoch) for name, one in _with_rates(self.model.optimizer)]
                if any(lowered):
                    self.cooldown_counter, self.wait = self.cooldown, 0

    def _lower(self, name: str, optimizer: Any, epoch: int) -> bool:
        """Lower the rate of one optimizer; whether it was not at its lowest yet."""
        old = current_rate(optimizer)
        if old <= np.float32(self.min_lr):  # rates are kept in float32
            return False
        new = max(old * self.factor, self.min_lr)
        optimizer.learning_rate = new
        if self.verbose > 0:
            _tell(_("Epoch {epoch}: the learning rate is lowered to {rate:g}.").format(epoch=epoch + 1, rate=new), name)
        return True
