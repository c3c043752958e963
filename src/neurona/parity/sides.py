"""The two sides of a comparison: Neurona and real Keras, and the little that each does in its own way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from neurona import layers, losses, metrics, ops, optimizers
from neurona.engines.real_keras import as_numpy, load_keras
from neurona.errors import ArgumentError
from neurona.row_gradient import RowGradient, as_whole
from neurona.tape import Tape
from neurona.tensor import Array, Tensor, as_array, wrap
from neurona.variable import Variable

__all__ = ["Ours", "Side", "Theirs"]

#: ``fn(*tensors) -> (value, aim)``: what is computed, and the number whose gradient is taken.
Function = Callable[..., tuple[Any, Any]]


class Side:
    """One side.

    Attributes:
        keras: where ``layers``, ``losses``, ``metrics``, ``optimizers`` are found.
    """

    keras: Any

    def numpy(self, value: Any) -> Array:
        """A copy of the numbers of a tensor or variable."""
        raise NotImplementedError

    def tensor(self, value: Array) -> Any:
        """A tensor with these numbers."""
        raise NotImplementedError

    def variable(self, value: Array, name: str) -> Any:
        """A trainable variable that begins with these numbers."""
        raise NotImplementedError

    def gradients(
        self, fn: Function, arrays: Sequence[Array], weights: Sequence[Any], constants: Sequence[Array] = ()
    ) -> tuple[Any, list[Array]]:
        """The value of `fn`, and the aim's gradients by the arrays of floats and the weights, not by the constants."""
        raise NotImplementedError

    def repeated(self, fn: Function, weights: Sequence[Any]) -> Callable[..., tuple[Any, list[Array]]]:
        """``(arrays, constants) -> gradients``, for a function that is asked many times."""
        return lambda arrays, constants=(): self.gradients(fn, arrays, weights, constants)

    def compiled(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """The same function on arrays, for many calls."""
        return lambda *arrays: fn(*map(self.tensor, arrays))

    def steps(self, optimizer: Any, weights: Sequence[Any]) -> Callable[[Sequence[Any]], None]:
        """What moves the weights by their gradients, many times; each is an array, that of a table a `RowGradient`."""
        raise NotImplementedError

    def sum_times(self, values: Any, pull: Any) -> Any:
        """The sum of the products: a number that every one of the values has its own share in."""
        raise NotImplementedError

    def mean_square(self, values: Any, aim: Any) -> Any:
        """The mean squared distance."""
        raise NotImplementedError


class Ours(Side):
    """Neurona."""

    def __init__(self) -> None:
        self.keras = SimpleNamespace(layers=layers, losses=losses, metrics=metrics, optimizers=optimizers)

    def numpy(self, value: Any) -> Array:
        return np.array(as_array(value))

    def tensor(self, value: Array) -> Any:
        return wrap(value)

    def variable(self, value: Array, name: str) -> Any:
        return Variable(value, name=name, dtype=value.dtype.name)

    def gradients(
        self, fn: Function, arrays: Sequence[Array], weights: Sequence[Any], constants: Sequence[Array] = ()
    ) -> tuple[Any, list[Array]]:
        tensors: list[Any] = [Tensor(array) for array in arrays]
        floats = [t for t, array in zip(tensors, arrays, strict=True) if array.dtype.kind == "f"]
        with Tape() as tape:
            tape.watch(*floats)
            value, aim = fn(*tensors, *map(wrap, constants))
        sources = [*floats, *weights]
        slopes = tape.gradient(aim, sources)
        return value, [
            np.zeros(tuple(source.shape), source.dtype) if slope is None else self.numpy(slope)
            for source, slope in zip(sources, slopes, strict=True)
        ]

    def steps(self, optimizer: Any, weights: Sequence[Any]) -> Callable[[Sequence[Any]], None]:
        optimizer.build(weights)
        return lambda slopes: optimizer.apply([g if type(g) is RowGradient else wrap(g) for g in slopes], weights)

    def sum_times(self, values: Any, pull: Any) -> Any:
        return ops.sum(ops.multiply(values, pull))

    def mean_square(self, values: Any, aim: Any) -> Any:
        return ops.mean(ops.square(ops.subtract(values, aim)))


class Theirs(Side):
    """Real Keras on TensorFlow.

    Raises:
        MissingPackageError: it is not installed.
        ArgumentError: Keras is set to another backend.
    """

    def __init__(self) -> None:
        self.keras = load_keras()
        backend = self.keras.backend.backend()
        if backend != "tensorflow":
            raise ArgumentError(
                f"The certificate compares with Keras on TensorFlow. Set KERAS_BACKEND=tensorflow. Received: {backend!r}."
            )
        import tensorflow

        self._tf: Any = tensorflow

    def numpy(self, value: Any) -> Array:
        return np.array(as_numpy(self.keras, value))

    def tensor(self, value: Array) -> Any:
        return self._tf.convert_to_tensor(value)

    def variable(self, value: Array, name: str) -> Any:
        return self.keras.Variable(value, name=name, dtype=value.dtype.name)

    def gradients(
        self, fn: Function, arrays: Sequence[Array], weights: Sequence[Any], constants: Sequence[Array] = ()
    ) -> tuple[Any, list[Array]]:
        value, slopes = self._differentiated(fn, weights)([*map(self.tensor, arrays)], [*map(self.tensor, constants)])
        return value, [np.array(slope) for slope in slopes]

    def repeated(self, fn: Function, weights: Sequence[Any]) -> Callable[..., tuple[Any, list[Array]]]:
        compiled = self._tf.function(self._differentiated(fn, weights))

        def told(arrays: Sequence[Array], constants: Sequence[Array] = ()) -> tuple[Any, list[Array]]:
            value, slopes = compiled([*map(self.tensor, arrays)], [*map(self.tensor, constants)])
            return value, [np.array(slope) for slope in slopes]

        return told

    def compiled(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        fast = self._tf.function(fn)
        return lambda *arrays: fast(*map(self.tensor, arrays))

    def _differentiated(self, fn: Function, weights: Sequence[Any]) -> Callable[..., tuple[Any, list[Any]]]:
        tf = self._tf

        def both(tensors: list[Any], constants: list[Any]) -> tuple[Any, list[Any]]:
            watched = [*(t for t in tensors if t.dtype.is_floating), *(weight.value for weight in weights)]
            with tf.GradientTape() as tape:
                tape.watch(watched)
                value, aim = fn(*tensors, *constants)
            slopes = tape.gradient(aim, watched, unconnected_gradients=tf.UnconnectedGradients.ZERO)
            return value, [tf.convert_to_tensor(slope) for slope in slopes]

        return both

    def steps(self, optimizer: Any, weights: Sequence[Any]) -> Callable[[Sequence[Any]], None]:
        optimizer.build(weights)
        compiled = self._tf.function(lambda slopes: optimizer.apply(slopes, weights))
        return lambda slopes: compiled([self.tensor(as_whole(g)) for g in slopes])

    def sum_times(self, values: Any, pull: Any) -> Any:
        return self._tf.reduce_sum(values * pull)

    def mean_square(self, values: Any, aim: Any) -> Any:
        return self._tf.reduce_mean(self._tf.square(values - aim))
