"""The one exception tree.

    NeuronaError
    ├── ArgumentError (ValueError)          an argument has an impossible value
    │   ├── ShapeError                      shapes that do not fit each other
    │   └── UnknownNameError                a name that nothing answers to, with a suggestion
    ├── DTypeError (TypeError)              the wrong kind of number or object
    ├── NotBuiltError (ValueError, AttributeError, RuntimeError)    weights or settings asked for before they exist
    ├── GradientError                       a gradient is missing or does not match the numerical one
    ├── NonFiniteError                      NaN or infinity where a finite number must be
    ├── DataError                           what comes from outside
    │   ├── DataNotFoundError               a data set or file that is nowhere to be found
    │   ├── DamagedDataError                bytes that are not what they should be
    │   ├── DownloadError                   no source could be reached
    │   └── PictureError                    a picture that is no picture
    ├── SavingError                         a model file that cannot be written or read
    │   └── UnsafeFileError                 a model file that asks for something forbidden
    ├── MissingPackageError (ImportError)   a package that only some parts need is not installed
    ├── RunError                            a Run folder that is missing, taken, damaged or too new
    ├── BenchmarkError                      an engine of the benchmark that cannot be installed, or failed at its work
    └── UnansweredError                     a Keras or TensorFlow program asks for what neurona does not have
        ├── UnansweredNameError (AttributeError)
        └── UnansweredImportError (ImportError)

The engine's errors are also the built-in errors that Keras raises in their place, so ``except ValueError`` in
an existing program goes on working.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "ArgumentError",
    "BenchmarkError",
    "DTypeError",
    "DamagedDataError",
    "DataError",
    "DataNotFoundError",
    "DownloadError",
    "GradientError",
    "MissingPackageError",
    "NeuronaError",
    "NonFiniteError",
    "NotBuiltError",
    "PictureError",
    "RunError",
    "SavingError",
    "ShapeError",
    "UnansweredError",
    "UnansweredImportError",
    "UnansweredNameError",
    "UnknownNameError",
    "UnsafeFileError",
    "suggestion",
]

_MANY = 30  # names that a message can still list


class NeuronaError(Exception):
    """The root: catching it catches every error that Neurona raises on purpose."""


class ArgumentError(NeuronaError, ValueError):
    """An argument has a value that cannot be meant."""


class ShapeError(ArgumentError):
    """Arrays whose shapes do not fit each other or the layer that receives them."""


class UnknownNameError(ArgumentError):
    """A name that nothing answers to; the message offers the nearest known one."""

    @classmethod
    def among(cls, kind: str, name: object, known: Iterable[str]) -> UnknownNameError:
        """The error for `name`, with the nearest of the `known` names and, unless they are many, the whole list.

        >>> print(UnknownNameError.among("optimizer", "adm", ["adam", "sgd"]))
        Unknown optimizer. Received: 'adm'. Did you mean 'adam'? Known: adam, sgd.
        """
        names = sorted(n for n in map(str, known) if not n.startswith("_"))
        told = f"Known: {', '.join(names)}."
        if len(names) > _MANY:
            near = difflib.get_close_matches(str(name).lower(), names, n=8, cutoff=0.4)
            told = f"Among the {len(names)} known: {', '.join(near)}." if near else f"{len(names)} others are known."
        return cls(f"Unknown {kind}. Received: {name!r}.{suggestion(name, names)} {told}")


class DTypeError(NeuronaError, TypeError):
    """The wrong kind of number or object."""


class NotBuiltError(NeuronaError, ValueError, AttributeError, RuntimeError):
    """Weights, shapes or settings were asked for before they exist."""


class GradientError(NeuronaError):
    """A gradient is missing, or does not match the numerical one."""


class NonFiniteError(NeuronaError, ArithmeticError):
    """NaN or infinity where a finite number must be."""


class DataError(NeuronaError):
    """Something is wrong with what comes from outside: files, folders, the network."""


class DataNotFoundError(DataError, FileNotFoundError):
    """A data set or a file that is nowhere to be found."""


class DamagedDataError(DataError, ValueError):
    """Bytes that are not what they should be: truncated, altered, of another format."""


class DownloadError(DataError, ConnectionError):
    """No source of a data set could be reached."""


class PictureError(DataError, ValueError):
    """A picture that cannot be read as one."""


class SavingError(NeuronaError, ValueError):
    """A model file that cannot be written or read."""


class UnsafeFileError(SavingError):
    """A model file that asks for something that loading never does."""


class MissingPackageError(NeuronaError, ImportError):
    """A package that only some parts of Neurona need is not installed; the message says how to install it."""


class RunError(NeuronaError):
    """A Run folder that is missing, taken, damaged or written by a newer version."""


class BenchmarkError(NeuronaError):
    """An engine of the benchmark could not be installed, failed at its work, or computed something else than the others."""


class UnansweredError(NeuronaError):
    """A program written for Keras or TensorFlow asks for something that neurona does not have.

    Args:
        asked: what it asked for, as the program calls it ("tensorflow.signal.stft").
        instead: what there is in its place, a sentence.
    """

    def __init__(self, asked: str, instead: str = "") -> None:
        super().__init__(f"neurona does not answer `{asked}`." + (f" {instead}" if instead else ""))
        self.asked, self.instead = asked, instead


class UnansweredNameError(UnansweredError, AttributeError):
    """A name of a module, as in ``tf.signal.stft``."""


class UnansweredImportError(UnansweredError, ImportError):
    """A module, or a name in an import."""


def suggestion(name: object, known: Iterable[str]) -> str:
    """`" Did you mean 'x'?"` for the nearest known name, or the empty string.

    >>> suggestion("relo", ["relu", "tanh"])
    " Did you mean 'relu'?"
    >>> suggestion("banana", ["relu", "tanh"])
    ''
    """
    near = difflib.get_close_matches(str(name).lower(), [str(k) for k in known], n=1)
    return f" Did you mean {near[0]!r}?" if near else ""
