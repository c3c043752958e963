"""Counterparts, written with Keras, of what our recipes use and Keras does not have.

Each does what its namesake does, formula by formula, and is described by the same configuration. A class of ours that
is missing here cannot be carried over; `carry.carry_over` says so by name.
"""

from __future__ import annotations

import math
from typing import Any

from neurona.engines.real_keras import as_numpy

__all__ = ["PACKAGE", "twins"]

#: The package under which Keras knows them.
PACKAGE = "neurona"

# of one Newton-Schulz step, as in neurona.optimizers.muon
_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


def twins(keras: Any) -> dict[str, Any]:
    """The counterparts by the names under which Keras looks for them."""
    made = (_word_pairs(keras), _smoothed_crossentropy(keras), _convolution_muon(keras))
    return {f"{PACKAGE}>{thing.__name__}": thing for thing in made}


def _word_pairs(keras: Any) -> Any:
    ops = keras.ops

    class WordPairs(keras.layers.Layer):  # type: ignore[misc]
        """`recognisers.word_pairs.WordPairs`: numbers of words to numbers of pairs."""

        def __init__(self, pairs: int, words: int, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.pairs, self.words = pairs, words

        def build(self, input_shape: Any) -> None:
            self.codes = self.add_weight((self.pairs,), "zeros", dtype="int32", trainable=False, name="codes")

        def call(self, ids: Any) -> Any:
            before = ops.pad(ids[:, :-1], [[0, 0], [1, 0]])
            code = before * self.words + ids
            found = ops.searchsorted(self.codes, ops.reshape(code, (-1,)))
            place = ops.minimum(ops.reshape(ops.cast(found, "int32"), ops.shape(code)), self.pairs - 1)
            known = ops.equal(ops.take(self.codes, place), code)
            return ops.where(ops.equal(ids, 0), 0, ops.where(known, place + 2, 1))

        def compute_output_spec(self, ids: Any) -> Any:
            return keras.KerasTensor(ids.shape, "int32")

    return WordPairs


def _smoothed_crossentropy(keras: Any) -> Any:
    ops = keras.ops

    class SmoothedCrossentropy(keras.losses.Loss):  # type: ignore[misc]
        """`recognisers.smoothing.SmoothedCrossentropy`: a share of the truth is spread over all classes."""

        def __init__(self, share: float, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.share = share

        def call(self, y_true: Any, y_pred: Any) -> Any:
            classes = y_pred.shape[-1]
            sure = ops.one_hot(ops.cast(ops.reshape(y_true, (-1,)), "int32"), classes, dtype=y_pred.dtype)
            targets = sure * (1.0 - self.share) + self.share / classes
            return ops.categorical_crossentropy(targets, y_pred, from_logits=True)

    return SmoothedCrossentropy


def _convolution_muon(keras: Any) -> Any:
    ops = keras.ops

    def orthogonal(x: Any, steps: int) -> Any:
        a, b, c = _NEWTON_SCHULZ
        tall = x.shape[0] > x.shape[1]
        y = ops.transpose(x) if tall else x
        y = y / (ops.norm(y) + 1e-7)
        for _ in range(steps):
            square = ops.matmul(y, ops.transpose(y))
            y = a * y + ops.matmul(b * square + c * ops.matmul(square, square), y)
        return ops.transpose(y) if tall else y

    class ConvolutionMuon(keras.optimizers.Optimizer):  # type: ignore[misc]
        """`recognisers.convolution_muon.ConvolutionMuon`: orthogonal steps for kernels, momentum for the rest."""

        def __init__(
            self,
            learning_rate: Any,
            momentum: float,
            steps: int,
            vector_ratio: float,
            matrix_ratio: float,
            other_momentum: float,
            decay: float,
            **kwargs: Any,
        ) -> None:
            super().__init__(learning_rate=learning_rate, **kwargs)
            self.momentum, self.steps = momentum, steps
            self.vector_ratio, self.matrix_ratio = vector_ratio, matrix_ratio
            self.other_momentum, self.decay = other_momentum, decay
            rate = self._learning_rate
            scheduled = isinstance(rate, keras.optimizers.schedules.LearningRateSchedule)
            self._full_rate = float(as_numpy(keras, rate(0) if scheduled else rate))

        def build(self, variables: Any) -> None:
            if not self.built:
                super().build(variables)
                self.momentums = [self.add_variable_from_reference(v, name="momentum") for v in variables]

        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            slot = self.momentums[self._get_variable_index(variable)]
            rate, g = ops.cast(learning_rate, variable.dtype), ops.cast(gradient, variable.dtype)
            w = ops.convert_to_tensor(variable)
            if len(w.shape) == 4:
                m = self.momentum * ops.convert_to_tensor(slot) + g
                direction = orthogonal(ops.reshape(g + self.momentum * m, (-1, w.shape[-1])), self.steps)
                w = w * (math.sqrt(w.shape[-1]) / ops.norm(ops.reshape(w, (-1,))))
                w = w - rate * ops.reshape(direction, w.shape)
            else:
                ratio = self.vector_ratio if len(w.shape) < 2 else self.matrix_ratio
                g = g + self.decay / (ratio * self._full_rate) * w
                m = self.other_momentum * ops.convert_to_tensor(slot) + g
                w = w - (rate * ratio) * (g + self.other_momentum * m)
            self.assign(slot, m)
            self.assign(variable, w)

    return ConvolutionMuon
