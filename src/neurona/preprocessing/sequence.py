"""`keras.preprocessing.sequence`: sequences of different lengths."""

from __future__ import annotations

from neurona.utils import pad_sequences

__all__ = ["pad_sequences"]
