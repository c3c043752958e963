"""A training step reuses the memory of the one before: after the second step nothing large is asked of the system."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neurona as keras
from neurona import kernels, layers

pytestmark = pytest.mark.skipif(kernels.native is None, reason="counts the blocks of the compiled kernels")


def small_vgg() -> Any:
    parts: list[Any] = [layers.Input((16, 16, 3))]
    for filters in (16, 32):
        for _ in range(2):
            parts += [layers.Conv2D(filters, 3, padding="same", use_bias=False), layers.BatchNormalization()]
            parts += [layers.ReLU()]
        parts += [layers.MaxPooling2D()]
    return keras.Sequential([*parts, layers.GlobalAveragePooling2D(), layers.Dense(10)])


def mnist_cnn() -> Any:
    return keras.Sequential(
        [
            layers.Input((16, 16, 3)),
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10),
        ]
    )


def with_windows_of_five() -> Any:
    return keras.Sequential(
        [
            layers.Input((16, 16, 3)),
            layers.Conv2D(16, 5, strides=2, padding="same", activation="relu"),
            layers.DepthwiseConv2D(3, padding="same"),
            layers.AveragePooling2D(2),
            layers.Activation("gelu"),
            layers.Flatten(),
            layers.Dense(10),
        ]
    )


class Counting(keras.callbacks.Callback):
    """How many fresh blocks each step took."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: list[int] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.counts.append(kernels.native.fresh_count())


@pytest.mark.parametrize("build", [small_vgg, mnist_cnn, with_windows_of_five])
def test_no_fresh_blocks_after_the_second_step(build: Any) -> None:
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(64 * 8, 16, 16, 3)).astype("float32"), rng.integers(0, 10, 64 * 8)
    model = build()
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    counting = Counting()
    model.fit(x, y, batch_size=64, epochs=1, verbose=0, lint=False, callbacks=[counting])
    steps = np.diff(counting.counts)
    assert counting.counts[0] > 0, "the first step had to ask for memory"
    assert steps[1:].tolist() == [0] * len(steps[1:])
