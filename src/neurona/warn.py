"""Warnings that point at the line of the user's program that led to them, not at one of ours."""

from __future__ import annotations

import os
import sys
import warnings

__all__ = ["warn_caller"]

_HERE = os.path.dirname(__file__) + os.sep


def warn_caller(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the innermost line outside this package; at the outermost where all of the program is ours.

    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     warn_caller("Two layers have the same name.")
    >>> caught[0].filename.startswith("<doctest")
    True
    """
    frame, level = sys._getframe(1), 2
    while frame.f_code.co_filename.startswith(_HERE) and frame.f_back is not None:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
