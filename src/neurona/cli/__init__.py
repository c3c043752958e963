"""The command line, one file for each group of commands."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from neurona.errors import NeuronaError

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; see `neurona.cli.commands.main`."""
    try:
        from neurona.cli.commands import main as run
    except NeuronaError as error:  # an environment variable that asks for what is not there
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    run(arguments)
