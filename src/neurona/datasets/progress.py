"""How a download tells people how far it is: a bar on a terminal, plain lines elsewhere, or nothing.

Everything goes to stderr: stdout belongs to a command's result.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Protocol, TextIO

from neurona.i18n import _

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

__all__ = ["Bar", "Lines", "Progress", "Silent", "progress_for"]


class Progress(Protocol):
    """What a download calls: `begin` a file, `update` it with the bytes it has, `note` a remark, `close`."""

    def begin(self, name: str, size: int) -> None: ...
    def update(self, done: int) -> None: ...
    def note(self, text: str) -> None: ...
    def close(self) -> None: ...


class Silent:
    """Says nothing."""

    def begin(self, name: str, size: int) -> None:
        """A file begins."""

    def update(self, done: int) -> None:
        """It has `done` bytes."""

    def note(self, text: str) -> None:
        """A remark."""

    def close(self) -> None:
        """The end."""


class Lines:
    """A plain line at the start of a file and at every quarter of it."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = sys.stderr if stream is None else stream
        self.name, self.size, self.quarter = "", 0, 0

    def begin(self, name: str, size: int) -> None:
        self.name, self.size, self.quarter = name, size, 0
        self.note(_("Downloading {name} ({megabytes} MB)").format(name=name, megabytes=f"{size / 1e6:.1f}"))

    def update(self, done: int) -> None:
        quarter = 4 if not self.size else min(4, 4 * done // self.size)
        if quarter > self.quarter:
            self.quarter = quarter
            self.note(f"  {self.name}: {25 * quarter} %")

    def note(self, text: str) -> None:
        print(text, file=self.stream, flush=True)

    def close(self) -> None:
        """Nothing is open."""


class Bar:
    """A bar with bytes, speed and time left, drawn by rich."""

    def __init__(self) -> None:
        self.bars: RichProgress | None = None
        self.task: TaskID | None = None

    def _shown(self) -> RichProgress:
        if self.bars is None:
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                DownloadColumn,
                Progress,
                TextColumn,
                TimeRemainingColumn,
                TransferSpeedColumn,
            )

            self.bars = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                DownloadColumn(),
                TransferSpeedColumn(),
                TimeRemainingColumn(),
                console=Console(stderr=True),
            )
            self.bars.start()
        return self.bars

    def begin(self, name: str, size: int) -> None:
        self.task = self._shown().add_task(name, total=size)

    def update(self, done: int) -> None:
        if self.task is not None:
            self._shown().update(self.task, completed=done)

    def note(self, text: str) -> None:
        self._shown().console.print(text, markup=False, highlight=False)

    def close(self) -> None:
        if self.bars is not None:
            self.bars.stop()
        self.bars = self.task = None


def progress_for(stream: TextIO | None = None) -> Progress:
    """The progress that suits `stream` (stderr when none is given): a bar on a terminal, else lines."""
    stream = sys.stderr if stream is None else stream
    return Bar() if stream.isatty() else Lines(stream)
