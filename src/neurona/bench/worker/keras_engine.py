"""A network of the benchmark in Keras 3's words, for Neurona and for Keras on TensorFlow and JAX alike."""

from __future__ import annotations

import functools
import importlib
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

from networks import Array, Network


class KerasEngine:
    """One network, trained by `fit`, applied by `predict` and by the engine's compiled forward pass.

    Args:
        name: "neurona", "tensorflow" or "jax".
        setting: words of the variant: "xla" or "plain" (TensorFlow's `jit_compile`), "by-10" (ten steps a call).
    """

    def __init__(self, name: str, setting: str) -> None:
        self.name, self.settings = name, setting.split("+")
        if name == "neurona":
            self.keras = importlib.import_module("neurona")
        else:
            os.environ["KERAS_BACKEND"] = name
            self.keras = importlib.import_module("keras")
        self.version = self.keras.__version__
        if name != "neurona":
            self.version = f"{importlib.import_module(name).__version__} (Keras {self.version})"

    def build(self, network: Network, weights: list[Array] | None, seed: int) -> None:
        keras, layers = self.keras, self.keras.layers
        keras.utils.set_random_seed(seed)
        x = inputs = keras.Input(network.shape, dtype="int32" if network.of_words else "float32")
        for kind, *told in network.parts:
            x = getattr(self, f"_{kind}")(layers, x, *told)
        self.model = keras.Model(inputs, x)
        if weights is not None:
            self.model.set_weights(weights)
        losses = keras.losses
        loss = losses.BinaryCrossentropy if network.of_words else losses.SparseCategoricalCrossentropy
        more: dict[str, Any] = {}
        if "xla" in self.settings or "plain" in self.settings:
            more["jit_compile"] = "xla" in self.settings
        if "by-10" in self.settings:
            more["steps_per_execution"] = 10
        metric = "accuracy" if not network.of_words else keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0)
        self.model.compile("adam", loss(from_logits=True), metrics=[metric], **more)
        self.network = network

    # -- parts ------------------------------------------------------------------------------------------------

    @staticmethod
    def _dense(layers: Any, x: Any, units: int, activation: str | None) -> Any:
        return layers.Dense(units, activation=activation)(x)

    @staticmethod
    def _dropout(layers: Any, x: Any, rate: float) -> Any:
        return layers.Dropout(rate)(x)

    @staticmethod
    def _conv(layers: Any, x: Any, filters: int, padding: str, activation: str | None, bias: bool) -> Any:
        return layers.Conv2D(filters, 3, padding=padding, activation=activation, use_bias=bias)(x)

    @staticmethod
    def _norm(layers: Any, x: Any) -> Any:
        return layers.BatchNormalization()(x)

    @staticmethod
    def _relu(layers: Any, x: Any) -> Any:
        return layers.ReLU()(x)

    @staticmethod
    def _pool(layers: Any, x: Any) -> Any:
        return layers.MaxPooling2D()(x)

    @staticmethod
    def _flatten(layers: Any, x: Any) -> Any:
        return layers.Flatten()(x)

    @staticmethod
    def _mean(layers: Any, x: Any) -> Any:
        return (layers.GlobalAveragePooling2D if len(x.shape) == 4 else layers.GlobalAveragePooling1D)()(x)

    @staticmethod
    def _embedding(layers: Any, x: Any, vocabulary: int, width: int) -> Any:
        return layers.Embedding(vocabulary, width)(x)

    @staticmethod
    def _lstm(layers: Any, x: Any, units: int) -> Any:
        return layers.LSTM(units)(x)

    @staticmethod
    def _gru(layers: Any, x: Any, units: int) -> Any:
        return layers.GRU(units)(x)

    @staticmethod
    def _bilstm(layers: Any, x: Any, units: int, whole: bool) -> Any:
        return layers.Bidirectional(layers.LSTM(units, return_sequences=whole))(x)

    @staticmethod
    def _positions(layers: Any, x: Any) -> Any:
        class Positions(layers.Layer):
            """Adds to each place a vector of its own, which is learned."""

            def build(self, shape: Any) -> None:
                self.table = self.add_weight(shape=tuple(shape)[1:], initializer="uniform", name="table")

            def call(self, x: Any) -> Any:
                return x + self.table

        return Positions()(x)

    @staticmethod
    def _encoder(layers: Any, x: Any, heads: int, size: int, hidden: int) -> Any:
        seen = layers.MultiHeadAttention(heads, size)(x, x)
        x = layers.LayerNormalization()(layers.Add()([x, seen]))
        thought = layers.Dense(x.shape[-1])(layers.Dense(hidden, activation="relu")(x))
        return layers.LayerNormalization()(layers.Add()([x, thought]))

    # -- training ---------------------------------------------------------------------------------------------

    def train(self, x: Array, y: Array, epochs: int, shuffle: bool, gate: Callable[[int], None] | None = None) -> None:
        """`fit`. `gate` is called before each epoch; `told` gets each epoch's seconds, loss and accuracy."""
        callbacks = [] if gate is None else [self._clock(gate)]
        self.told: list[tuple[float, float, float]] = []
        history = self.model.fit(
            x, y, batch_size=self.network.batch, epochs=epochs, shuffle=shuffle, verbose=0, callbacks=callbacks
        )
        if gate is None:
            self.told = [(0.0, history.history["loss"][-1], history.history["accuracy"][-1])]

    def _clock(self, gate: Callable[[int], None]) -> Any:
        engine, base = self, self.keras.callbacks.Callback

        class Clock(base):  # type: ignore[misc, valid-type]
            def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
                gate(epoch)
                self.began = time.perf_counter()

            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                seconds = time.perf_counter() - self.began
                engine.told.append((seconds, float(logs["loss"]), float(logs["accuracy"])))

        return Clock()

    def first_step(self, x: Array, y: Array) -> float:
        """Seconds from the call of `fit` to the end of its first step."""
        base = self.keras.callbacks.Callback
        seconds: list[float] = []

        class First(base):  # type: ignore[misc, valid-type]
            def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
                if not seconds:
                    seconds.append(time.perf_counter() - began)

        began = time.perf_counter()
        self.model.fit(x, y, batch_size=self.network.batch, epochs=1, verbose=0, callbacks=[First()])
        return seconds[0]

    def accuracy(self, x: Array, y: Array) -> float:
        return float(self.model.evaluate(x, y, batch_size=1000, verbose=0)[1])

    # -- applying ---------------------------------------------------------------------------------------------

    def predict(self, x: Array) -> Array:
        return self.model.predict(x, batch_size=len(x), verbose=0)  # type: ignore[no-any-return]

    def calls(self) -> dict[str, Callable[[Array], Any]]:
        """The ways to call the forward pass: from a NumPy array to something whose numbers are computed."""
        model = self.model
        if self.name == "neurona":
            return {"predict_on_batch": model.predict_on_batch}
        if self.name == "tensorflow":
            import tensorflow as tf

            def called(function: Any, x: Array) -> Any:
                return function(tf.constant(x)).numpy()

            forward = functools.partial(model, training=False)
            return {
                "tf.function": functools.partial(called, tf.function(forward)),
                "tf.function with XLA": functools.partial(called, tf.function(forward, jit_compile=True)),
            }
        import jax
        import numpy as np

        # copies: `predict` gives the arrays of the model away
        weights = [jax.numpy.array(v.value) for v in model.trainable_variables]
        state = [jax.numpy.array(v.value) for v in model.non_trainable_variables]
        function = jax.jit(lambda x: model.stateless_call(weights, state, x, training=False)[0])
        return {"jax.jit": lambda x: np.asarray(function(x))}


def median_of(function: Callable[[], Any], seconds: float) -> float:
    """Median seconds of a call, over calls that fill about so many seconds."""
    times: list[float] = []
    end = time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        began = time.perf_counter()
        function()
        times.append(time.perf_counter() - began)
    return statistics.median(times)
