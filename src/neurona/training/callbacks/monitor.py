"""MonitorCallback: watch one metric and know whether it has become better; a base for others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from neurona import ops
from neurona.errors import ArgumentError
from neurona.training.callbacks.callback import Callback
from neurona.warn import warn_caller

__all__ = ["MonitorCallback"]

# Metrics whose objects do not say which way is better are known by what their names hold.
_UP = (
    "acc", "auc", "precision", "recall", "f1", "fbeta", "iou", "r2", "similarity", "true_positives",
    "true_negatives",
)  # fmt: skip
_DOWN = (
    "loss", "error", "crossentropy", "mse", "mae", "mape", "msle", "rmse", "hinge", "poisson", "divergence",
    "logcosh", "huber", "false_positives", "false_negatives",
)  # fmt: skip


class MonitorCallback(Callback):
    """A callback that compares a metric with its best value.

    Args:
        monitor: the metric's name in the logs.
        mode: "min", "max" or "auto", which asks the metric itself.
        baseline: the value to beat at first.
        min_delta: changes smaller than this are none.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        mode: str = "auto",
        baseline: float | None = None,
        min_delta: float = 0,
    ) -> None:
        super().__init__()
        if mode not in ("auto", "min", "max"):
            warn_caller(
                f"{type(self).__name__} mode '{mode}' is unknown, 'auto' is used. Known: auto, min, max.",
            )
            mode = "auto"
        self.monitor, self.mode, self.best = monitor, mode, baseline
        self.min_delta = abs(min_delta)
        self.monitor_op: Callable[[Any, Any], Any] | None = None

    def _set_monitor_op(self) -> None:
        """Find out which way is better; late, because the metrics exist from the first batch on."""
        mode = self.mode if self.mode != "auto" else self._direction()
        self.monitor_op = ops.less if mode == "min" else ops.greater

    def _direction(self) -> str:
        name = self.monitor.removeprefix("val_")
        if name == "loss":
            return "min"
        metrics = getattr(self.model, "metrics", None) or []
        for metric in (one for several in metrics for one in getattr(several, "metrics", [several])):
            told = getattr(metric, "_direction", None)
            own = str(getattr(metric, "name", ""))
            if told in ("up", "down") and own and (name == own or name.endswith(f"_{own}")):
                return "max" if told == "up" else "min"
        words = name.lower()
        if any(word in words for word in _DOWN):
            return "min"
        if any(word in words for word in _UP):
            return "max"
        raise ArgumentError(
            f"{type(self).__name__} cannot tell whether '{self.monitor}' should be high or low. "
            f"Received: monitor={self.monitor!r}, mode='auto'. Pass mode='max' or mode='min'."
        )

    def _is_improvement(self, value: Any, reference: Any) -> bool:
        """Whether `value` beats `reference` by more than `min_delta`; anything beats ``None``."""
        if reference is None:
            return True
        if self.monitor_op is None:
            self._set_monitor_op()
        if self.monitor_op is ops.less:
            return bool(value + self.min_delta < reference)
        return bool(value - self.min_delta > reference)
