"""The cases of ``convolutions`` that need JAX: channels first, groups, and more that TensorFlow cannot do on a processor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.golden.specs import convolutions
from tests.golden.specs.convolutions import SEED, run

__all__ = ["SEED", "cases", "run"]


def cases(keras: Any) -> Iterator[dict[str, Any]]:
    """Every case, without its answer."""
    yield from convolutions.cases(keras, convolutions.ON_JAX)
