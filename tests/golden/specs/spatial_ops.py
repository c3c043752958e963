"""The ops over space, convolutions and poolings: values and gradients, over paddings, strides, dilations, groups, formats.

The gradient is that of a sum weighted by fixed numbers. The same table serves two families: ``spatial_ops`` is recorded on
TensorFlow; what TensorFlow cannot do on a processor (channels first, gradients of groups, dilated transposes, strides that
differ in a depthwise convolution) is in ``spatial_ops_jax``, recorded on JAX.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

SEED = 7013

Row = tuple[str, list[tuple[int, ...]], dict[str, Any]]
FIRST = {"data_format": "channels_first"}


def _rows() -> Iterator[Row]:
    for padding in ("valid", "same"):
        more = {"padding": padding}
        for strides in (1, 2, 3, (1, 2)):
            yield "conv", [(2, 7, 6, 3), (3, 3, 3, 4)], {"strides": strides, **more}
            yield "conv", [(2, 7, 6, 3), (2, 5, 3, 2)], {"strides": strides, **more}
        for dilation in (2, (1, 2), 3):
            yield "conv", [(2, 8, 7, 2), (3, 2, 2, 3)], {"dilation_rate": dilation, **more}
        yield "conv", [(2, 5, 6, 4), (1, 1, 4, 3)], {"strides": 2, **more}
        yield "conv", [(2, 9, 3), (4, 3, 2)], {"strides": 2, **more}
        yield "conv", [(2, 9, 3), (3, 3, 2)], {"dilation_rate": 2, **more}
        yield "conv", [(2, 4, 5, 3, 2), (2, 3, 2, 2, 3)], {"strides": (1, 2, 1), **more}
        yield "conv", [(2, 4, 5, 6, 2), (2, 2, 3, 2, 3)], more
        yield "conv", [(2, 6, 5, 4), (3, 3, 2, 6)], more  # groups
        yield "conv", [(2, 6, 5, 4), (2, 2, 1, 8)], {"strides": 2, **more}
        yield "conv", [(2, 9, 6), (3, 2, 3)], {"strides": 2, **more}
        yield "conv", [(2, 3, 7, 6), (3, 3, 3, 4)], {"strides": 2, **FIRST, **more}
        yield "conv", [(2, 3, 8), (2, 3, 4)], {"dilation_rate": 3, **FIRST, **more}
        for strides in (1, 2, 3):
            yield "depthwise_conv", [(2, 7, 6, 3), (3, 2, 3, 2)], {"strides": strides, **more}
        yield "depthwise_conv", [(2, 7, 6, 3), (3, 2, 3, 1)], {"strides": (2, 1), **more}
        yield "depthwise_conv", [(2, 7, 6, 3), (3, 2, 3, 1)], {"dilation_rate": 2, **more}
        yield "depthwise_conv", [(2, 9, 3), (3, 3, 2)], {"strides": 2, **more}
        yield "depthwise_conv", [(2, 3, 7, 6), (3, 2, 3, 2)], {**FIRST, **more}
        yield "separable_conv", [(2, 7, 6, 3), (3, 2, 3, 2), (1, 1, 6, 4)], {"strides": 2, **more}
        yield "separable_conv", [(2, 9, 3), (3, 3, 1), (1, 3, 4)], more
        yield "separable_conv", [(2, 3, 9), (3, 3, 2), (1, 6, 4)], {**FIRST, **more}
        for strides in (1, 2, 3):
            yield "conv_transpose", [(2, 4, 5, 3), (3, 2, 4, 3)], {"strides": strides, **more}
            yield "conv_transpose", [(2, 4, 3), (5, 2, 3)], {"strides": strides, **more}
        yield "conv_transpose", [(2, 4, 5, 3), (3, 3, 2, 3)], {"strides": 3, "output_padding": 1, **more}
        yield "conv_transpose", [(2, 4, 5, 3), (2, 3, 2, 3)], {"strides": (3, 2), "output_padding": (2, 1), **more}
        yield "conv_transpose", [(2, 4, 5, 3), (1, 1, 2, 3)], {"strides": 2, **more}
        yield "conv_transpose", [(2, 3, 2, 4, 2), (3, 2, 3, 2, 2)], {"strides": 2, **more}
        yield "conv_transpose", [(2, 3, 4, 5), (3, 3, 2, 3)], {"strides": 2, **FIRST, **more}
        for name in ("max_pool", "average_pool"):
            for strides in (None, 1, 2, 3):
                yield name, [(2, 7, 6, 3)], {"pool_size": 2, "strides": strides, **more}
                yield name, [(2, 7, 6, 3)], {"pool_size": (3, 2), "strides": strides, **more}
            yield name, [(2, 8, 3)], {"pool_size": 3, "strides": 2, **more}
            yield name, [(2, 4, 5, 3, 2)], {"pool_size": 2, "strides": (1, 2, 2), **more}
            yield name, [(2, 3, 7, 6)], {"pool_size": 3, "strides": 2, **FIRST, **more}
    yield "conv_transpose", [(2, 4, 5, 3), (3, 2, 4, 3)], {"dilation_rate": 2}
    for name in ("adaptive_max_pool", "adaptive_average_pool"):
        yield name, [(2, 7, 3)], {"output_size": 3}
        yield name, [(2, 7, 6, 3)], {"output_size": (3, 4)}
        yield name, [(2, 6, 6, 3)], {"output_size": (2, 3)}
        yield name, [(2, 5, 4, 3, 2)], {"output_size": (2, 3, 1)}
        yield name, [(2, 3, 7, 6)], {"output_size": 2, **FIRST}


def needs_jax(row: Row) -> bool:
    """Whether TensorFlow refuses it, or its gradient, on a processor."""
    name, shapes, settings = row
    strides = settings.get("strides")
    return (
        settings.get("data_format") == "channels_first"
        or (name == "conv" and shapes[0][-1] != shapes[1][-2])
        or (name == "conv_transpose" and settings.get("dilation_rate", 1) != 1)
        or (name == "depthwise_conv" and isinstance(strides, tuple))
    )


def cases(keras: Any, on_jax: bool = False) -> Iterator[dict[str, Any]]:
    """Every case, without its answer; on TensorFlow every third in both precisions."""
    rng = np.random.RandomState(SEED)
    counts: dict[str, int] = {}
    for row in _rows():
        name, shapes, settings = row
        arrays = [rng.randn(*shape) for shape in shapes]
        counts[name] = counts.get(name, 0) + 1
        if needs_jax(row) != on_jax:
            continue
        alone = on_jax or ("pool" in name and len(shapes[0]) == 5)  # TensorFlow pools three axes in float32 only
        for dtype in ("float32",) if alone or counts[name] % 3 else ("float32", "float64"):
            setup = {"op": name, "args": [a.astype(dtype) for a in arrays], "kwargs": settings}
            # sums of some 50 products, in another order
            yield {"id": f"{name}/{counts[name]}/{dtype}", "setup": setup, "slack": 4.0 if dtype == "float32" else 1e-5}


def run(bridge: Any, setup: dict[str, Any]) -> dict[str, Any]:
    """The output, and the gradients of its weighted sum by every tensor."""
    ops = bridge.keras.ops

    def aimed(*tensors: Any) -> tuple[Any, Any]:
        value = getattr(ops, setup["op"])(*tensors, **setup["kwargs"])
        weights = np.cos(np.arange(np.prod(value.shape))).reshape(tuple(value.shape)).astype(setup["args"][0].dtype)
        return value, ops.sum(ops.multiply(value, weights))

    value, slopes = bridge.gradients(aimed, setup["args"])
    return {"value": bridge.numpy(value), "gradients": slopes}
