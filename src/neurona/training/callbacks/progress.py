"""ProgbarLogger: how far the training is: a moving bar on a terminal, a line for each epoch elsewhere.

The bar is drawn ten times a second at most, and only then are metrics turned into numbers: a step between two
drawings costs one look at the clock. It is a single line that is written again (with rich's colours), and
holds on to nothing: an exception in the middle of an epoch leaves a usable terminal behind.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from neurona.config import is_interactive_logging_enabled
from neurona.i18n import _
from neurona.registry import export
from neurona.training.callbacks.callback import Callback, Logs
from neurona.training.callbacks.console import bar, is_terminal

__all__ = ["ProgbarLogger", "format_metrics"]

_SECONDS_BETWEEN_DRAWINGS = 0.1
_BAR_WIDTH = 24


def format_metrics(logs: dict[str, Any]) -> str:
    """The metrics as a line shows them.

    >>> format_metrics({"loss": 0.123456, "val_loss": 1e-5})
    'loss: 0.1235 - val_loss: 1.0000e-05'
    """
    parts = []
    for name, value in logs.items():
        if np.ndim(value) == 0 and isinstance(value, (int, float, np.number)):
            number = float(value)
            parts.append(f"{name}: {number:.4f}" if abs(number) > 1e-3 or number == 0 else f"{name}: {number:.4e}")
    return " - ".join(parts)


def format_seconds(seconds: float) -> str:
    """A duration in the unit that suits it.

    >>> format_seconds(0.0004), format_seconds(0.25), format_seconds(7.2), format_seconds(75)
    ('400us', '250ms', '7s', '1:15')
    """
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f}us"
    if seconds < 1:
        return f"{seconds * 1e3:.0f}ms"
    if seconds < 60:
        return f"{seconds:.0f}s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


@export("keras.callbacks")
class ProgbarLogger(Callback):
    """Show progress and metrics on standard output; `fit` adds one by itself.

    With verbose 0 it says nothing, with 2 a line for each epoch, with 1 or "auto" a bar if the output is a
    terminal and lines if not.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        super().__init__()
        self.seen, self.target, self.verbose, self.epochs = 0, None, 1, 1
        self._clock = clock
        self._in_fit = False
        self._epoch = 0
        self._began = self._drawn_at = clock()
        self._console: Any = None
        self.uses_batches = is_terminal()

    def set_params(self, params: dict[str, Any]) -> None:
        super().set_params(params)
        verbose = params.get("verbose", "auto")
        self.verbose = (1 if is_interactive_logging_enabled() else 2) if verbose == "auto" else int(verbose)
        if self.verbose == 1 and not is_terminal():
            self.verbose = 2
        self.epochs, self.target = params.get("epochs", 1), params.get("steps")
        self.uses_batches = self.verbose == 1

    # -- hooks ----------------------------------------------------------------------------------------------

    def on_train_begin(self, logs: Logs = None) -> None:
        self._in_fit = True

    def on_train_end(self, logs: Logs = None) -> None:
        self._in_fit = False

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._epoch = epoch
        self._start()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self._finish(logs)

    def on_test_begin(self, logs: Logs = None) -> None:
        if not self._in_fit:
            self._start()

    def on_test_end(self, logs: Logs = None) -> None:
        if not self._in_fit:
            self._finish(logs)

    def on_predict_begin(self, logs: Logs = None) -> None:
        self._start()

    def on_predict_end(self, logs: Logs = None) -> None:
        self._finish(None)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self.seen = batch + 1
        if self._clock() - self._drawn_at >= _SECONDS_BETWEEN_DRAWINGS:
            self._draw(logs)

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        if not self._in_fit:
            self.on_train_batch_end(batch, logs)

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        self.on_train_batch_end(batch, None)

    # -- what is shown --------------------------------------------------------------------------------------

    def _start(self) -> None:
        self.seen = 0
        self._began = self._drawn_at = self._clock()

    def _title(self) -> str:
        if not self._in_fit:
            return ""
        return _("Epoch {epoch}/{epochs}").format(epoch=self._epoch + 1, epochs=self.epochs)

    def _finish(self, logs: Logs) -> None:
        if self.verbose == 1:
            self.seen = self.seen or (self.target or 0)
            self._draw(logs, last=True)
        elif self.verbose:
            spent = format_seconds(self._clock() - self._began)
            print(
                " - ".join(part for part in (self._title(), spent, format_metrics(logs or {})) if part),
                flush=True,
            )

    def _draw(self, logs: Logs, last: bool = False) -> None:
        """Write the bar's line again."""
        from rich.text import Text

        console = self._terminal()
        self._drawn_at = self._clock()
        spent = self._drawn_at - self._began
        total = self.seen if last else self.target
        filled = round(_BAR_WIDTH * min(self.seen / total, 1.0)) if total else 0
        line = Text(f"{self._title()} ".lstrip(), no_wrap=True, overflow="ellipsis", end="")
        if not last:
            line.append("━" * filled, style="green")
            line.append("━" * (_BAR_WIDTH - filled), style="bright_black")
        line.append(f" {self.seen}/{total or '?'} ", style="bold")
        a_step = spent / self.seen if self.seen else 0.0
        if last or not total or not self.seen:
            line.append(_("{time} {each}/step").format(time=format_seconds(spent), each=format_seconds(a_step)))
        else:
            left = format_seconds(a_step * (total - self.seen))
            line.append(_("{time} left").format(time=left))
        line.append(f" {format_metrics(logs or {})}")
        self._again(console)
        if not last:  # one column short of the edge: a full line would wrap; the finished one may, to tell all
            line.truncate(max(console.width - 1, 1), overflow="ellipsis")
        console.print(line, end="\n" if last else "", soft_wrap=True, highlight=False)
        bar.is_open = not last

    def _terminal(self) -> Any:
        from rich.console import Console

        if self._console is None:
            self._console = Console()
        return self._console

    def _again(self, console: Any) -> None:
        from rich.control import Control
        from rich.segment import ControlType

        if bar.is_open:
            console.control(Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2)))
