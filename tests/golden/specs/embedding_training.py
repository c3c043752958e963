"""A network that begins with an Embedding: its weights after 1, 2, 10 and 100 steps.

On JAX, whose gradient of a table is an array like any other. On TensorFlow it is a list in which a word that a batch names twice
stands twice, and Keras squares both parts by themselves where a rule asks for the square of the gradient.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.golden.reader import build, new

SEED = 7031
STEPS = (1, 2, 10, 100)
WORDS, COLUMNS, LENGTH, CLASSES = 30, 4, 6, 3
OPTIMIZERS: list[dict[str, Any]] = [
    new("optimizers.Adam", learning_rate=0.01),
    new("optimizers.Adam", learning_rate=0.01, clipnorm=0.05),
    new("optimizers.AdamW", learning_rate=0.01, weight_decay=0.05),
    new("optimizers.SGD", learning_rate=0.1, momentum=0.9),
    new("optimizers.RMSprop", learning_rate=0.01),
    new("optimizers.Adagrad", learning_rate=0.1),
    new("optimizers.Nadam", learning_rate=0.01),
]


def cases(keras: Any) -> Iterator[dict[str, Any]]:
    """Every case, without its answer."""
    for optimizer in OPTIMIZERS:
        said = ",".join(f"{k}={v}" for k, v in optimizer["with"].items())
        yield {
            "id": f"{optimizer['$new'].split('.')[1]}({said})",
            "setup": {"optimizer": optimizer},
            # quotients of small averages, over 100 steps
            "slack": 20.0,
        }


def run(bridge: Any, setup: dict[str, Any]) -> dict[str, Any]:
    """Words 20 to 29 come in the first batches alone: later on only the optimizer's state moves them."""
    keras = bridge.keras
    model = keras.Sequential(
        [
            keras.Input((LENGTH,), dtype="int32"),
            keras.layers.Embedding(WORDS, COLUMNS),
            keras.layers.Flatten(),
            keras.layers.Dense(CLASSES),
        ]
    )
    rng = np.random.RandomState(SEED)
    model.set_weights([rng.uniform(-0.5, 0.5, w.shape).astype("float32") for w in model.weights])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(build(keras, setup["optimizer"]), loss, jit_compile=False)
    told: dict[str, Any] = {}
    for step in range(1, max(STEPS) + 1):
        x = rng.randint(0, WORDS if step < 5 else 20, (8, LENGTH)).astype("int32")
        model.train_on_batch(x, rng.randint(0, CLASSES, 8).astype("int32"))
        if step in STEPS:
            told[str(step)] = [np.asarray(w, "float32") for w in model.get_weights()]
    return told
