"""Making objects from a stranger's file: within a limit of memory, and with errors that say which file it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from neurona.allowance import limited
from neurona.deferred import deferred
from neurona.errors import NeuronaError, SavingError

__all__ = ["guarded"]

_FLOOR = 4 << 20  # bytes of variables that no file holds: metrics, states of recurrent layers
_EXPANSION = (
    8  # a model saved in half precision, or without the two or three numbers an optimizer keeps for each weight
)


@contextmanager
def guarded(origin: str, weights: int) -> Iterator[None]:
    """Within this context a model is made from a file.

    Args:
        origin: what errors call the file.
        weights: bytes of the weights that it holds; a model whose own would take many times that is not made.

    Raises:
        NeuronaError: the file describes something that cannot be made; the message begins with `origin`.
    """
    try:
        with limited(_FLOOR + _EXPANSION * weights), deferred():
            yield
    except NeuronaError as error:
        if origin not in str(error):
            error.args = (f"{origin}: {error}", *error.args[1:])
        raise
    except (MemoryError, Warning):
        raise
    except RecursionError as error:
        raise SavingError(f"{origin} describes a model whose parts lie too deep within each other.") from error
    except Exception as error:  # a configuration can be wrong in more ways than can be listed
        raise SavingError(
            f"{origin} describes something that cannot be made. Received: {type(error).__name__}: {error}."
        ) from error
