"""How Neurona does the few things that an engine does in its own way: arrays out, variables in, gradients.

`make_golden.KerasBridge` answers the same questions for Keras.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import neurona


class Bridge:
    """Neurona, seen by the functions that run a case."""

    keras = neurona

    def numpy(self, value: Any) -> np.ndarray:
        """A copy of the array in a tensor, a variable or a number: a state may be written to later."""
        return np.array(value.numpy() if hasattr(value, "numpy") else value)

    def variable(self, value: np.ndarray, name: str) -> Any:
        """A trainable variable."""
        return neurona.Variable(value, name=name)

    def gradients(
        self, fn: Callable[..., tuple[Any, Any]], arrays: Sequence[np.ndarray], weights: Sequence[Any] = ()
    ) -> tuple[Any, list[np.ndarray]]:
        """`fn` returns (value, aim): gives the value, and the aim's gradients by arrays and weights."""
        tensors = [neurona.Tensor(array) for array in arrays]
        with neurona.Tape() as tape:
            tape.watch(*tensors)
            value, aim = fn(*tensors)
        sources = [*tensors, *weights]
        slopes = tape.gradient(aim, sources)
        return value, [
            np.zeros(source.shape, np.float32) if slope is None else self.numpy(slope)
            for source, slope in zip(sources, slopes, strict=True)
        ]


BRIDGE = Bridge()
