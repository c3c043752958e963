"""TerminateOnNaN: stop as soon as the loss is no number any more."""

from __future__ import annotations

import numpy as np

from neurona.errors import NonFiniteError
from neurona.i18n import _
from neurona.registry import export
from neurona.training.callbacks.callback import Callback, Logs
from neurona.training.callbacks.console import say

__all__ = ["NonFiniteLossError", "TerminateOnNaN"]


class NonFiniteLossError(NonFiniteError, RuntimeError):
    """The loss became NaN or infinite; also a RuntimeError, as in Keras."""


@export("keras.callbacks")
class TerminateOnNaN(Callback):
    """Stop the training at the step whose loss is NaN or infinite.

    Args:
        raise_error: raise instead of stopping quietly.

    Raises (from the step):
        NonFiniteLossError: with `raise_error`.
    """

    def __init__(self, raise_error: bool = False) -> None:
        super().__init__()
        self.raise_error = raise_error

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is None or np.isfinite(loss):
            return
        if self.raise_error:
            raise NonFiniteLossError(
                f"NaN or Inf loss encountered at batch {batch}. Loss value: {loss}. "
                "Lower the learning rate, or look for NaN in the data."
            )
        say(_("Batch {batch}: the loss is {loss}; training stops.").format(batch=batch, loss=float(loss)))
        self.model.stop_training = True
