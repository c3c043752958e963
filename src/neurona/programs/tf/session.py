"""The session of older programs (`K.learning_phase()` and its like), of which only fixed answers are left."""

from __future__ import annotations

__all__ = ["backend", "learning_phase", "manual_variable_initialization"]


def backend() -> str:
    """What programs are told to be running on: "tensorflow", whose names are answered."""
    return "tensorflow"


def learning_phase() -> int:
    """0: not training; layers are told by their argument `training`."""
    return 0


def manual_variable_initialization(value: bool) -> None:
    """Accept a setting that changes nothing here."""
