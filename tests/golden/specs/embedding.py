"""Embedding: outputs, gradients, masks, configs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.golden.reader import build, new

SEED = 7030

LAYERS: list[tuple[dict[str, Any], tuple[int, ...], str]] = [
    ({}, (2, 3), "int32"),
    ({"mask_zero": True}, (2, 3), "int64"),
    ({"mask_zero": True}, (4,), "int32"),
    ({}, (2, 3, 2), "uint8"),
    ({}, (2, 3), "float32"),
    ({"embeddings_regularizer": new("regularizers.L2", l2=0.1), "embeddings_constraint": "non_neg",
      "embeddings_initializer": "ones", "activity_regularizer": "l2"}, (2, 3), "int32"),
    ({"dtype": "mixed_float16"}, (2, 3), "int32"),
]  # fmt: skip


def cases(keras: Any) -> Iterator[dict[str, Any]]:
    """Every case, without its answer."""
    rng = np.random.RandomState(SEED)
    for settings, shape, dtype in LAYERS:
        said = ",".join(f"{k}={'...' if isinstance(v, dict) else v}" for k, v in settings.items())
        ids = rng.randint(0, 5, shape).astype(dtype)
        layer = new("layers.Embedding", input_dim=5, output_dim=3, name="it", **settings)
        yield {
            "id": f"Embedding({said})/{','.join(map(str, shape))}/{dtype}",
            "setup": {"layer": layer, "ids": ids, "table": rng.uniform(0.2, 1.2, (5, 3)).astype("float32")},
            "slack": 1000.0 if "dtype" in settings else 1.0,  # float16 sums
        }


def run(bridge: Any, setup: dict[str, Any]) -> dict[str, Any]:
    """What the layer answers."""
    keras, ids = bridge.keras, setup["ids"]
    layer = build(keras, setup["layer"])
    layer.build(tuple(ids.shape))
    layer.set_weights([setup["table"]])

    def call() -> tuple[Any, Any]:
        y = layer(ids)
        pull = np.random.RandomState(SEED).standard_normal(tuple(y.shape)).astype("float32")
        return y, keras.ops.sum(keras.ops.cast(y, "float32") * keras.ops.convert_to_tensor(pull))

    y, slopes = bridge.gradients(call, [], layer.trainable_weights)
    mask = layer.compute_mask(keras.ops.convert_to_tensor(ids))
    return {
        "output": bridge.numpy(y),
        "gradient": slopes[0],
        "losses": [bridge.numpy(loss) for loss in layer.losses],
        "mask": None if mask is None else bridge.numpy(mask),
        "weights": [[w.name, w.path, list(w.shape), bool(w.trainable)] for w in layer.weights],
        "output_shape": list(layer.compute_output_shape((None, *ids.shape[1:]))),
        "supports_masking": layer.supports_masking,
        "config": layer.get_config(),
    }
