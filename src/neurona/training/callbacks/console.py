"""What callbacks say on standard output, and whether a moving bar stands on the last line there."""

from __future__ import annotations

import sys

__all__ = ["bar", "is_terminal", "say"]


class Bar:
    """Whether the last line of standard output is a bar that has not ended yet."""

    is_open = False


bar = Bar()


def is_terminal() -> bool:
    """Whether standard output is a terminal, where a line can be written again."""
    return sys.stdout is not None and sys.stdout.isatty()


def say(text: str) -> None:
    """Print `text` on a line of its own, below an unfinished bar."""
    print(f"\n{text}" if bar.is_open else text, flush=True)
    bar.is_open = False
