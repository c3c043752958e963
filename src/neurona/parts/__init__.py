"""Parts that layers are put together from: activations, initializers, regularizers, constraints."""

from __future__ import annotations
