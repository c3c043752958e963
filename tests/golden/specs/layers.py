"""The layers of the first milestone: outputs, gradients, weights, configs, shapes, state.

The weights are set, not drawn: weight i is ``weight_values(i, shape)``, positive so that it may be a variance too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.golden.reader import build, new

SEED = 7007


def l2(rate: float) -> dict[str, Any]:
    return new("regularizers.L2", l2=rate)


# class, settings, shapes of the inputs (several: a list of inputs), how many calls in training first
TABLE: list[tuple[str, dict[str, Any], list[tuple[int, ...]], int]] = [
    ("Dense", {"units": 3}, [(2, 4)], 0),
    ("Dense", {"units": 3, "activation": "relu", "use_bias": False}, [(2, 4)], 0),
    ("Dense", {"units": 2, "activation": "softmax", "kernel_regularizer": l2(0.1), "bias_regularizer": "l1",
               "activity_regularizer": "l2", "kernel_constraint": "max_norm"}, [(2, 3, 4)], 0),
    ("Activation", {"activation": "tanh"}, [(2, 4)], 0),
    ("Activation", {"activation": "gelu"}, [(2, 4)], 0),
    ("ReLU", {}, [(2, 5)], 0),
    ("ReLU", {"max_value": 1.0, "negative_slope": 0.1, "threshold": 0.2}, [(2, 5)], 0),
    ("LeakyReLU", {}, [(2, 5)], 0),
    ("LeakyReLU", {"negative_slope": 0.1}, [(2, 5)], 0),
    ("PReLU", {}, [(2, 3, 4)], 0),
    ("PReLU", {"shared_axes": [1], "alpha_regularizer": l2(0.1)}, [(2, 3, 4)], 0),
    ("ELU", {}, [(2, 5)], 0),
    ("ELU", {"alpha": 0.5}, [(2, 5)], 0),
    ("Softmax", {}, [(2, 5)], 0),
    ("Softmax", {"axis": 1}, [(2, 3, 4)], 0),
    ("Softmax", {"axis": [1, 2]}, [(2, 3, 4)], 0),
    ("Flatten", {}, [(2, 3, 4)], 0),
    ("Flatten", {}, [(2,)], 0),
    ("Flatten", {"data_format": "channels_first"}, [(2, 3, 4, 5)], 0),
    ("Reshape", {"target_shape": (6, 2)}, [(2, 3, 4)], 0),
    ("Reshape", {"target_shape": (-1, 2)}, [(2, 3, 4)], 0),
    ("Permute", {"dims": (2, 1)}, [(2, 3, 4)], 0),
    ("Permute", {"dims": (3, 1, 2)}, [(2, 3, 4, 5)], 0),
    ("RepeatVector", {"n": 3}, [(2, 4)], 0),
    ("Identity", {}, [(2, 4)], 0),
    ("Rescaling", {"scale": 0.5}, [(2, 4)], 0),
    ("Rescaling", {"scale": 2.0, "offset": -1.0}, [(2, 3, 4)], 0),
    ("Rescaling", {"scale": [1.0, 2.0, 3.0], "offset": [0.0, 1.0, 2.0]}, [(2, 4, 3)], 0),
    ("Normalization", {"mean": 2.0, "variance": 4.0}, [(2, 4)], 0),
    ("Normalization", {"mean": [1.0, 2.0, 3.0], "variance": [1.0, 4.0, 9.0]}, [(2, 3)], 0),
    ("Normalization", {"mean": 2.0, "variance": 4.0, "invert": True}, [(2, 4)], 0),
    ("Normalization", {"axis": None, "mean": 2.0, "variance": 4.0}, [(2, 4)], 0),
    ("BatchNormalization", {}, [(6, 3)], 3),
    ("BatchNormalization", {"momentum": 0.8, "epsilon": 0.01}, [(4, 3, 3, 2)], 3),
    ("BatchNormalization", {"axis": 1, "momentum": 0.5}, [(4, 3, 5)], 3),
    ("BatchNormalization", {"center": False, "gamma_regularizer": l2(0.1)}, [(6, 3)], 3),
    ("BatchNormalization", {"scale": False, "beta_constraint": "non_neg"}, [(6, 3)], 3),
    ("BatchNormalization", {"center": False, "scale": False}, [(6, 3)], 3),
    ("BatchNormalization", {"trainable": False}, [(6, 3)], 2),
    ("LayerNormalization", {}, [(2, 5)], 0),
    ("LayerNormalization", {"axis": [1, 2], "epsilon": 0.01}, [(2, 3, 4)], 0),
    ("LayerNormalization", {"axis": 1}, [(2, 3, 4)], 0),
    ("LayerNormalization", {"center": False}, [(2, 5)], 0),
    ("LayerNormalization", {"scale": False}, [(2, 5)], 0),
    ("GroupNormalization", {"groups": 2}, [(2, 6)], 0),
    ("GroupNormalization", {"groups": 3, "epsilon": 0.01}, [(2, 4, 4, 6)], 0),
    ("GroupNormalization", {"groups": -1}, [(2, 3, 4)], 0),
    ("GroupNormalization", {"groups": 2, "axis": 1, "center": False}, [(2, 4, 3)], 0),
    ("GroupNormalization", {"groups": 1, "scale": False}, [(2, 5, 4)], 0),
    ("UnitNormalization", {}, [(2, 5)], 0),
    ("UnitNormalization", {"axis": [1, 2]}, [(2, 3, 4)], 0),
    ("UnitNormalization", {"axis": 1}, [(2, 3, 4)], 0),
    *[(cls, {}, shapes, 0)
      for cls in ("Add", "Multiply", "Average", "Maximum", "Minimum")
      for shapes in ([(2, 4), (2, 4)], [(2, 4), (2, 4), (2, 4)], [(2, 3, 4), (2, 1, 4)])],
    ("Add", {}, [(2, 3, 4), (2, 4)], 0),
    ("Subtract", {}, [(2, 4), (2, 4)], 0),
    ("Subtract", {}, [(2, 3, 4), (2, 1, 4)], 0),
    ("Concatenate", {}, [(2, 4), (2, 3)], 0),
    ("Concatenate", {"axis": 1}, [(2, 3, 4), (2, 2, 4), (2, 1, 4)], 0),
    ("Dot", {"axes": 1}, [(2, 4), (2, 4)], 0),
    ("Dot", {"axes": 1, "normalize": True}, [(2, 4), (2, 4)], 0),
    ("Dot", {"axes": (2, 1)}, [(2, 3, 4), (2, 4, 5)], 0),
    ("Dot", {"axes": -1}, [(2, 3, 4), (2, 5, 4)], 0),
    ("Dropout", {"rate": 0.4}, [(2, 4)], 0),
    ("Dropout", {"rate": 0.4, "noise_shape": (None, 1, 4), "seed": 3}, [(2, 3, 4)], 0),
    ("Dropout", {"rate": 0.0}, [(2, 4)], 0),
    ("GaussianNoise", {"stddev": 0.3}, [(2, 4)], 0),
    ("GaussianDropout", {"rate": 0.3}, [(2, 4)], 0),
    ("AlphaDropout", {"rate": 0.3}, [(2, 4)], 0),
    ("AlphaDropout", {"rate": 0.3, "noise_shape": (None, 1, 4), "seed": 3}, [(2, 3, 4)], 0),
    ("ActivityRegularization", {"l1": 0.1, "l2": 0.2}, [(2, 4)], 0),
]  # fmt: skip

# what they draw in training differs from engine to engine: only their inference is compared
RANDOM = {"Dropout", "GaussianNoise", "GaussianDropout", "AlphaDropout"}
# differences of nearly equal sums in the gradients
SLACK = {
    "BatchNormalization": 8.0,
    "LayerNormalization": 8.0,
    "GroupNormalization": 8.0,
    "UnitNormalization": 4.0,
}
ADAPT: list[tuple[dict[str, Any], tuple[int, ...]]] = [
    ({}, (20, 3)), ({"axis": None}, (20, 3)), ({"axis": 1}, (20, 3, 4)), ({"axis": (1, 2)}, (20, 3, 4)),
    ({"invert": True}, (20, 3)),
]  # fmt: skip


def weight_values(index: int, shape: tuple[int, ...]) -> np.ndarray:
    """What weight number `index` is set to."""
    return np.random.RandomState(SEED + index).uniform(0.2, 1.2, shape).astype("float32")


def cases(keras: Any) -> Iterator[dict[str, Any]]:
    """Every case, without its answer."""
    rng = np.random.RandomState(SEED)
    for cls, config, shapes, calls in TABLE:
        said = ",".join(f"{k}={'...' if isinstance(v, dict) else v}" for k, v in config.items())
        layer = new(f"layers.{cls}", **config, name="it")
        inputs = [rng.randn(*shape).astype("float32") for shape in shapes]
        earlier = [(rng.randn(*shapes[0]) * 2 + 1).astype("float32") for _ in range(calls)]
        setup = {"layer": layer, "inputs": inputs, "earlier": earlier, "random": cls in RANDOM}
        yield {
            "id": f"{cls}({said})/{','.join(map(str, shapes))}",
            "setup": setup,
            "slack": SLACK.get(cls, 2.0),
        }
    for config, shape in ADAPT:
        said = ",".join(f"{k}={v}" for k, v in config.items())
        data = (rng.randn(*shape) * 3 + 2).astype("float32")
        yield {
            "id": f"Normalization({said}).adapt/{shape}",
            "setup": {"adapt": new("layers.Normalization", **config, name="it"), "data": data},
            "slack": 8.0,
        }


def run(bridge: Any, setup: dict[str, Any]) -> dict[str, Any]:
    """Everything a layer can be asked."""
    keras = bridge.keras
    if "adapt" in setup:
        layer = build(keras, setup["adapt"])
        layer.adapt(setup["data"])
        return {
            "output": bridge.numpy(layer(setup["data"][:4])),
            "state": _weights(bridge, layer)[:2],
        }  # not the count: its dtype is the backend's
    layer = build(keras, setup["layer"])
    shapes = [tuple(x.shape) for x in setup["inputs"]]
    several = len(shapes) > 1
    layer.build([list(s) for s in shapes] if several else shapes[0])
    layer.set_weights([weight_values(i, tuple(w.shape)) for i, w in enumerate(layer.weights)])
    open_shapes = [(None, *shape[1:]) for shape in shapes]
    told: dict[str, Any] = {
        "weights": [[w.name, w.path, list(w.shape), bool(w.trainable)] for w in layer.weights],
        "trainable": [w.name for w in layer.trainable_weights],
        "non_trainable": [w.name for w in layer.non_trainable_weights],
        "count_params": int(layer.count_params()),
        "output_shape": list(layer.compute_output_shape(open_shapes if several else open_shapes[0])),
        "config": layer.get_config(),
    }
    for x in setup["earlier"]:
        layer(x, training=True)
    told["state"] = _weights(bridge, layer) if setup["earlier"] else None
    for training in (False,) if setup["random"] else (False, True):

        def call(*xs: Any, training: bool = training) -> tuple[Any, Any]:
            y = layer(list(xs) if several else xs[0], training=training)
            pull = np.random.RandomState(SEED).standard_normal(tuple(y.shape)).astype("float32")
            return y, keras.ops.sum(y * keras.ops.convert_to_tensor(pull))

        y, slopes = bridge.gradients(call, setup["inputs"], layer.trainable_weights)
        told[f"training={training}"] = {
            "output": bridge.numpy(y),
            "gradients": slopes,
            "losses": [bridge.numpy(loss) for loss in layer.losses],
        }
    return told


def _weights(bridge: Any, layer: Any) -> list[np.ndarray]:
    return [bridge.numpy(weight) for weight in layer.weights]
