"""EarlyStopping: end a training that no longer gets better."""

from __future__ import annotations

from typing import Any

from neurona.i18n import _
from neurona.registry import export
from neurona.training.callbacks.callback import Logs
from neurona.training.callbacks.console import say
from neurona.training.callbacks.monitor import MonitorCallback
from neurona.warn import warn_caller

__all__ = ["EarlyStopping"]


@export("keras.callbacks")
class EarlyStopping(MonitorCallback):
    """Stop when the monitored metric has not improved for `patience` epochs.

    Args:
        monitor: the metric's name in the logs.
        min_delta: improvements smaller than this are none.
        patience: epochs to wait for an improvement.
        verbose: 1 says when it stops.
        mode: "min", "max" or "auto".
        baseline: stop as well if the metric does not beat this within `patience` epochs.
        restore_best_weights: at the end, go back to the weights of the best epoch.
        start_from_epoch: epochs to let pass before watching.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta=min_delta)
        self.patience, self.verbose, self.baseline = patience, verbose, baseline
        self.restore_best_weights, self.start_from_epoch = restore_best_weights, start_from_epoch
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best_weights: list[Any] | None = None

    def on_train_begin(self, logs: Logs = None) -> None:
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best = None
        self.best_weights = None

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self.monitor_op is None:
            self._set_monitor_op()
        current = self.get_monitor_value(logs)
        if current is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self._remember(epoch)  # even if no epoch ever gets better (NaN), there is something to go back to
        self.wait += 1
        if self._is_improvement(current, self.best):
            self.best = current
            self.best_epoch = epoch
            if self.restore_best_weights:
                self._remember(epoch)
            if self.baseline is None or self._is_improvement(current, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def _remember(self, epoch: int) -> None:
        self.best_weights, self.best_epoch = self.model.get_weights(), epoch

    def on_train_end(self, logs: Logs = None) -> None:
        if self.stopped_epoch > 0 and self.verbose > 0:
            say(_("Epoch {epoch}: stopped early.").format(epoch=self.stopped_epoch + 1))
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose > 0:
                text = _("Going back to the weights of the best epoch: {epoch}.")
                say(text.format(epoch=self.best_epoch + 1))
            self.model.set_weights(self.best_weights)

    def get_monitor_value(self, logs: Logs) -> Any:
        """The metric's value in the logs, or ``None`` with a warning."""
        logs = logs or {}
        value = logs.get(self.monitor)
        if value is None:
            warn_caller(
                f"EarlyStopping watches the metric `{self.monitor}`, which is not available. "
                f"Available metrics are: {', '.join(logs)}.",
            )
        return value
