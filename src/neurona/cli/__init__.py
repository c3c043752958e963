"""The command line, one file for each group of commands."""

from __future__ import annotations

from neurona.cli.main import main

__all__ = ["main"]
