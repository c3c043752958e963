"""SwapEMAWeights: judge and save with the averaged weights, train with the raw ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from neurona.errors import ArgumentError
from neurona.registry import export
from neurona.training.callbacks.callback import Callback, Logs

__all__ = ["SwapEMAWeights"]


@export("keras.callbacks")
class SwapEMAWeights(Callback):
    """Exchange the model's weights with the optimizer's moving averages while it is evaluated or applied.

    Args:
        swap_on_epoch: exchange at the end of each epoch already (until the next begins), so that callbacks
            which save the model there save the averages.
    """

    def __init__(self, swap_on_epoch: bool = False) -> None:
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        self._swapped = False

    def _pairs(self) -> Iterator[tuple[Any, Any]]:
        optimizer = getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer)
        averages = getattr(optimizer, "_model_variables_moving_average", None)
        if not getattr(optimizer, "use_ema", False) or averages is None:
            raise ArgumentError(
                "SwapEMAWeights must be used when `use_ema=True` is set on the optimizer, which keeps the averages then. "
                f"Received: use_ema={getattr(optimizer, 'use_ema', False)}."
            )
        return zip(optimizer._trainable_variables, averages, strict=True)

    def _swap(self, swapped: bool) -> None:
        if self._swapped == swapped:
            return
        for variable, average in self._pairs():
            raw = np.array(variable)
            variable.assign(np.array(average))
            average.assign(raw)
        self._swapped = swapped

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        if self.swap_on_epoch:
            self._swap(False)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if not self.swap_on_epoch or self._swapped:
            return
        self._swap(True)
        if self.params and epoch == self.params.get("epochs", 0) - 1:
            for variable, average in self._pairs():  # training ends with the averages as the weights
                average.assign(np.array(variable))

    def on_test_begin(self, logs: Logs = None) -> None:
        self._swap(True)

    def on_test_end(self, logs: Logs = None) -> None:
        self._swap(False)

    def on_predict_begin(self, logs: Logs = None) -> None:
        self._swap(True)

    def on_predict_end(self, logs: Logs = None) -> None:
        self._swap(False)
