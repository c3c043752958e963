"""Convolutions, pooling, padding, enlarging: outputs, gradients, weights, configs, shapes, and a step of training.

The same cases serve two families. ``convolutions`` is channels last and recorded on TensorFlow. What TensorFlow cannot do
on a processor (channels first, gradients of groups, dilated transposes, strides that differ in a depthwise convolution) is
in ``channels_first``, recorded on JAX.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.golden.reader import build, new
from tests.golden.specs import layers
from tests.golden.specs.layers import l2

SEED = 7011
RATE = 0.1

Row = tuple[str, dict[str, Any], tuple[int, ...]]
# class, settings, shape of the input
TABLE: list[Row] = [
    ("Conv1D", {"filters": 3, "kernel_size": 3}, (2, 7, 2)),
    ("Conv1D", {"filters": 3, "kernel_size": 2, "padding": "causal", "dilation_rate": 3}, (2, 7, 2)),
    ("Conv1D", {"filters": 3, "kernel_size": 4, "padding": "causal", "strides": 3, "activation": "relu"}, (2, 8, 2)),
    ("Conv1D", {"filters": 2, "kernel_size": 4, "padding": "same", "strides": 2, "use_bias": False}, (2, 7, 3)),
    ("Conv2D", {"filters": 4, "kernel_size": 3}, (2, 6, 5, 3)),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "padding": "SAME", "activation": "relu"}, (2, 6, 5, 3)),
    ("Conv2D", {"filters": 4, "kernel_size": (2, 3), "strides": 2, "padding": "same", "activation": "tanh"}, (2, 5, 6, 2)),
    ("Conv2D", {"filters": 3, "kernel_size": 5, "strides": (2, 2), "activation": "softmax"}, (2, 9, 8, 2)),
    ("Conv2D", {"filters": 2, "kernel_size": 3, "dilation_rate": 2, "activation": "sigmoid"}, (2, 7, 6, 2)),
    ("Conv2D", {"filters": 2, "kernel_size": 3, "dilation_rate": (1, 2), "padding": "same"}, (2, 4, 5, 2)),
    ("Conv2D", {"filters": 3, "kernel_size": 1, "activation": "gelu", "use_bias": False}, (2, 3, 4, 5)),
    ("Conv2D", {"filters": 2, "kernel_size": 2, "kernel_regularizer": l2(0.1), "bias_regularizer": "l1",
                "activity_regularizer": "l2", "kernel_constraint": "max_norm", "kernel_initializer": "he_normal",
                "bias_initializer": "ones", "bias_constraint": "non_neg"}, (2, 3, 3, 2)),
    ("Conv2D", {"filters": 2, "kernel_size": 2, "trainable": False}, (2, 3, 3, 2)),
    ("Conv3D", {"filters": 2, "kernel_size": 2}, (2, 3, 4, 3, 2)),
    ("Conv3D", {"filters": 2, "kernel_size": (3, 1, 2), "strides": (2, 1, 2), "padding": "same", "activation": "relu"},
     (2, 4, 2, 3, 2)),
    ("DepthwiseConv1D", {"kernel_size": 3}, (2, 6, 3)),
    ("DepthwiseConv1D", {"kernel_size": 2, "depth_multiplier": 2, "strides": 2, "padding": "same", "activation": "relu"},
     (2, 7, 2)),
    ("DepthwiseConv2D", {"kernel_size": 3}, (2, 5, 6, 2)),
    ("DepthwiseConv2D", {"kernel_size": (2, 3), "depth_multiplier": 3, "strides": 2, "padding": "same",
                         "activation": "tanh"}, (2, 5, 6, 2)),
    ("DepthwiseConv2D", {"kernel_size": 2, "dilation_rate": 2, "use_bias": False, "depthwise_regularizer": l2(0.1),
                         "depthwise_constraint": "max_norm", "activation": "elu"}, (2, 5, 5, 2)),
    ("SeparableConv1D", {"filters": 3, "kernel_size": 3}, (2, 6, 2)),
    ("SeparableConv1D", {"filters": 3, "kernel_size": 2, "depth_multiplier": 2, "strides": 2, "padding": "same",
                         "activation": "relu"}, (2, 7, 2)),
    ("SeparableConv2D", {"filters": 3, "kernel_size": 3}, (2, 5, 6, 2)),
    ("SeparableConv2D", {"filters": 4, "kernel_size": (2, 3), "depth_multiplier": 2, "strides": 2, "padding": "same",
                         "activation": "softmax", "pointwise_regularizer": l2(0.1), "use_bias": False}, (2, 5, 6, 2)),
    ("Conv1DTranspose", {"filters": 3, "kernel_size": 3}, (2, 4, 2)),
    ("Conv1DTranspose", {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same", "activation": "relu"}, (2, 4, 2)),
    ("Conv1DTranspose", {"filters": 2, "kernel_size": 4, "strides": 3, "output_padding": 1}, (2, 4, 2)),
    ("Conv2DTranspose", {"filters": 3, "kernel_size": 3}, (2, 3, 4, 2)),
    ("Conv2DTranspose", {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same", "activation": "tanh"},
     (2, 3, 4, 2)),
    ("Conv2DTranspose", {"filters": 3, "kernel_size": (2, 3), "strides": 3}, (2, 3, 2, 2)),
    ("Conv2DTranspose", {"filters": 2, "kernel_size": (3, 5), "strides": 2, "padding": "same", "output_padding": (1, 0)},
     (2, 3, 2, 2)),
    ("Conv2DTranspose", {"filters": 2, "kernel_size": 4, "strides": (2, 2), "padding": "same", "use_bias": False,
                         "activation": "softmax"}, (2, 2, 3, 3)),
    ("Conv3DTranspose", {"filters": 2, "kernel_size": 2}, (2, 2, 3, 2, 2)),
    ("Conv3DTranspose", {"filters": 2, "kernel_size": (3, 2, 1), "strides": (2, 1, 2), "padding": "same"}, (2, 2, 2, 2, 2)),
    *[(f"{kind}Pooling1D", settings, (2, 7, 3)) for kind in ("Max", "Average") for settings in (
        {"pool_size": 2}, {"pool_size": 3, "strides": 2}, {"pool_size": 3, "strides": 1, "padding": "same"})],
    *[(f"{kind}Pooling2D", settings, (2, 7, 5, 3)) for kind in ("Max", "Average") for settings in (
        {"pool_size": 2}, {"pool_size": (3, 2), "strides": 2}, {"pool_size": 2, "strides": 3},
        {"pool_size": 3, "strides": 2, "padding": "same"}, {"pool_size": (2, 3), "strides": 1, "padding": "same"})],
    *[(f"{kind}Pooling3D", settings, (2, 4, 5, 3, 2)) for kind in ("Max", "Average") for settings in (
        {"pool_size": 2}, {"pool_size": (2, 3, 1), "strides": (1, 2, 2), "padding": "same"})],
    *[(f"Global{kind}Pooling{len(shape) - 2}D", settings, shape)
      for kind in ("Max", "Average") for shape in ((2, 5, 3), (2, 4, 3, 2), (2, 2, 3, 2, 3))
      for settings in ({}, {"keepdims": True})],
    *[(f"Adaptive{kind}Pooling{len(shape) - 2}D", {"output_size": size}, shape)
      for kind in ("Max", "Average")
      for shape, size in (((2, 7, 3), 3), ((2, 6, 3), 2), ((2, 3, 2), 5), ((2, 7, 5, 2), (3, 2)), ((2, 6, 4, 2), 2),
                          ((2, 3, 5, 4, 2), (2, 3, 4)))],
    ("ZeroPadding1D", {}, (2, 3, 2)),
    ("ZeroPadding1D", {"padding": (0, 2)}, (2, 3, 2)),
    ("ZeroPadding2D", {}, (2, 3, 2, 2)),
    ("ZeroPadding2D", {"padding": (0, 2)}, (2, 3, 2, 2)),
    ("ZeroPadding2D", {"padding": ((1, 0), (2, 3))}, (2, 3, 2, 2)),
    ("ZeroPadding3D", {"padding": 2}, (2, 1, 2, 3, 1)),
    ("ZeroPadding3D", {"padding": ((1, 0), (2, 3), (0, 1))}, (2, 1, 2, 3, 1)),
    ("Cropping1D", {}, (2, 4, 2)),
    ("Cropping1D", {"cropping": (0, 2)}, (2, 4, 2)),
    ("Cropping2D", {}, (2, 3, 2, 2)),
    ("Cropping2D", {"cropping": (0, 1)}, (2, 3, 3, 2)),
    ("Cropping2D", {"cropping": ((1, 0), (2, 3))}, (2, 3, 7, 2)),
    ("Cropping3D", {}, (2, 3, 4, 5, 1)),
    ("Cropping3D", {"cropping": ((1, 0), (2, 1), (0, 1))}, (2, 3, 4, 5, 1)),
    ("UpSampling1D", {}, (2, 3, 2)),
    ("UpSampling1D", {"size": 3}, (2, 3, 2)),
    *[("UpSampling2D", {"size": size, "interpolation": interpolation}, (2, 3, 4, 2))
      for size in (2, (2, 3)) for interpolation in ("nearest", "bilinear")],
    ("UpSampling2D", {"interpolation": "bicubic"}, (2, 4, 5, 2)),
    ("UpSampling3D", {}, (2, 2, 3, 2, 2)),
    ("UpSampling3D", {"size": (1, 2, 3)}, (2, 2, 3, 2, 2)),
    ("SpatialDropout1D", {"rate": 0.4}, (2, 3, 4)),
    ("SpatialDropout2D", {"rate": 0.4, "seed": 3}, (2, 3, 2, 4)),
    ("SpatialDropout3D", {"rate": 0.4}, (2, 2, 3, 2, 4)),
]  # fmt: skip

FIRST = {"data_format": "channels_first"}
ON_JAX: list[Row] = [
    ("Conv1D", {"filters": 4, "kernel_size": 3, "groups": 2, "activation": "relu"}, (2, 7, 4)),
    ("Conv2D", {"filters": 6, "kernel_size": 3, "groups": 2, "padding": "same"}, (2, 5, 4, 4)),
    ("Conv2D", {"filters": 4, "kernel_size": 2, "groups": 4, "strides": 2, "activation": "tanh"}, (2, 5, 4, 4)),
    ("Conv3D", {"filters": 4, "kernel_size": 2, "groups": 2, "dilation_rate": (1, 2, 1)}, (2, 3, 4, 3, 2)),
    ("DepthwiseConv2D", {"kernel_size": 3, "strides": (1, 2), "padding": "same", "depth_multiplier": 2}, (2, 5, 6, 2)),
    ("Conv2DTranspose", {"filters": 3, "kernel_size": 3, "dilation_rate": 2}, (2, 4, 3, 2)),
    ("Conv1D", {"filters": 3, "kernel_size": 3, "padding": "causal", "activation": "relu", **FIRST}, (2, 2, 7)),
    ("Conv2D", {"filters": 4, "kernel_size": (3, 2), "strides": 2, "padding": "same", **FIRST}, (2, 3, 6, 5)),
    ("Conv2D", {"filters": 3, "kernel_size": 2, "activation": "softmax", "use_bias": False, **FIRST}, (2, 2, 4, 3)),
    ("Conv3D", {"filters": 2, "kernel_size": 2, "activation": "relu", **FIRST}, (2, 2, 3, 4, 3)),
    ("DepthwiseConv1D", {"kernel_size": 2, "depth_multiplier": 2, **FIRST}, (2, 2, 6)),
    ("DepthwiseConv2D", {"kernel_size": 3, "padding": "same", "activation": "relu", **FIRST}, (2, 2, 5, 6)),
    ("SeparableConv1D", {"filters": 3, "kernel_size": 3, **FIRST}, (2, 2, 6)),
    ("SeparableConv2D", {"filters": 3, "kernel_size": 3, "depth_multiplier": 2, **FIRST}, (2, 2, 5, 6)),
    ("Conv1DTranspose", {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same", **FIRST}, (2, 2, 4)),
    ("Conv2DTranspose", {"filters": 3, "kernel_size": 3, "strides": 2, **FIRST}, (2, 2, 3, 4)),
    ("Conv3DTranspose", {"filters": 2, "kernel_size": 2, "padding": "same", **FIRST}, (2, 2, 2, 3, 2)),
    *[(f"{kind}Pooling{len(shape) - 2}D", {"pool_size": 2, **settings, **FIRST}, shape)
      for kind in ("Max", "Average") for shape in ((2, 3, 7), (2, 3, 5, 4), (2, 2, 3, 4, 5))
      for settings in ({}, {"strides": 1, "padding": "same"})],
    *[(f"Global{kind}Pooling{len(shape) - 2}D", {"keepdims": keepdims, **FIRST}, shape)
      for kind in ("Max", "Average") for shape, keepdims in (((2, 3, 5), False), ((2, 2, 4, 3), True),
                                                             ((2, 3, 2, 3, 2), False))],
    *[(f"Adaptive{kind}Pooling{len(shape) - 2}D", {"output_size": size, **FIRST}, shape)
      for kind in ("Max", "Average") for shape, size in (((2, 3, 7), 3), ((2, 2, 7, 5), (3, 2)),
                                                         ((2, 2, 3, 5, 4), (2, 3, 4)))],
    ("ZeroPadding1D", {"padding": (1, 2), **FIRST}, (2, 2, 3)),
    ("ZeroPadding2D", {"padding": ((1, 0), (2, 3)), **FIRST}, (2, 2, 3, 2)),
    ("ZeroPadding3D", {"padding": (1, 0, 2), **FIRST}, (2, 1, 1, 2, 3)),
    ("Cropping2D", {"cropping": ((1, 0), (2, 3)), **FIRST}, (2, 2, 3, 7)),
    ("Cropping3D", {"cropping": ((1, 0), (2, 1), (0, 1)), **FIRST}, (2, 1, 3, 4, 5)),
    ("UpSampling2D", {"size": (2, 3), **FIRST}, (2, 2, 3, 4)),
    ("UpSampling2D", {"interpolation": "bilinear", **FIRST}, (2, 2, 3, 4)),
    ("UpSampling2D", {"interpolation": "lanczos3"}, (2, 4, 5, 2)),
    ("UpSampling2D", {"interpolation": "lanczos5"}, (2, 4, 5, 2)),
    ("UpSampling3D", {"size": (1, 2, 3), **FIRST}, (2, 2, 2, 3, 2)),
    ("SpatialDropout2D", {"rate": 0.4, **FIRST}, (2, 4, 3, 2)),
    ("SpatialDropout3D", {"rate": 0.4, **FIRST}, (2, 4, 2, 3, 2)),
]  # fmt: skip


def cases(keras: Any, table: list[Row] = TABLE) -> Iterator[dict[str, Any]]:
    """Every case, without its answer."""
    rng = np.random.RandomState(SEED)
    for cls, config, shape in table:
        said = ",".join(f"{k}={'...' if isinstance(v, dict) else v}" for k, v in config.items())
        layer = new(f"layers.{cls}", **config, name="it")
        x = rng.randn(*shape).astype("float32")
        setup = {"layer": layer, "inputs": [x], "earlier": [], "random": cls.startswith("Spatial")}
        yield {"id": f"{cls}({said})/{shape}", "setup": setup, "slack": 4.0}
    if table is TABLE:
        x = rng.randn(3, 4, 2).astype("float32")
        mask = np.array([[1, 1, 0, 1], [0, 1, 0, 0], [1, 1, 1, 1]], bool)
        for keepdims in (False, True):
            layer = new("layers.GlobalAveragePooling1D", keepdims=keepdims, name="it")
            yield {"id": f"mask/keepdims={keepdims}", "setup": {"masked": layer, "x": x, "mask": mask}, "slack": 2.0}


def run(bridge: Any, setup: dict[str, Any]) -> dict[str, Any]:
    """What `layers.run` asks, and the weights after a step of stochastic gradient descent."""
    keras = bridge.keras
    if "masked" in setup:
        mask = keras.ops.convert_to_tensor(setup["mask"])
        return {"output": bridge.numpy(build(keras, setup["masked"])(setup["x"], mask=mask))}
    told = layers.run(bridge, setup)
    if "Adaptive" not in setup["layer"]["$new"]:  # there Keras demands nothing, not even the number of axes
        told["input_spec"] = _demands(build(keras, setup["layer"]), setup["inputs"][0].shape)
    layer = build(keras, setup["layer"])
    layer.build(setup["inputs"][0].shape)
    if layer.trainable_weights:
        told["step"] = _step(bridge, layer, setup["inputs"][0])
    return told


def _demands(layer: Any, shape: tuple[int, ...]) -> list[Any]:
    """What the layer says of its input, before and after it was built."""
    before = layer.input_spec
    layer.build(shape)
    return [[s.ndim, s.min_ndim, sorted((s.axes or {}).items())] for s in (before, layer.input_spec)]


def _step(bridge: Any, layer: Any, x: np.ndarray) -> dict[str, Any]:
    """Loss, and weights afterwards, of one batch through `train_on_batch`."""
    keras = bridge.keras
    model = keras.Sequential([keras.layers.Input(x.shape[1:]), layer])
    layer.set_weights([layers.weight_values(i, tuple(w.shape)) for i, w in enumerate(layer.weights)])
    model.compile(keras.optimizers.SGD(RATE, momentum=0.9), loss="mean_squared_error", run_eagerly=True)
    target = np.random.RandomState(SEED).standard_normal(model.output_shape[1:]).astype("float32")
    loss = model.train_on_batch(x, np.broadcast_to(target, (len(x), *target.shape)).copy())
    return {"loss": float(loss), "weights": [bridge.numpy(w) for w in layer.weights]}
