"""What a layer looks for, read from its weights: kernels as pictures.

A layer that stands at the picture (perhaps behind a scaling) has kernels that are pictures themselves. A layer one or two
steps further on is shown by its *template*, the gradient of one of its units by the picture: the small change of a
mid-grey picture that would raise the unit most. For a first layer the template is the kernel; behind layers that are
nearly linear it is the product of all the kernels on the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from neurona import ops
from neurona.models.graph import Graph
from neurona.sight.fields import Field, fields_of
from neurona.sight.stages import Probe, Stage
from neurona.symbolic import flatten
from neurona.tensor import Array, Tensor

__all__ = ["first_kernels", "templates"]

# On one even colour all places of a pooling window are equally large, and the first would speak for all of them: the
# template would have holes and lie off its middle. The mean over pictures that are even but for a trace of noise, too
# little to switch a unit, gives every place its part.
_DRAWS = 16
_TRACE = 1e-3


def first_kernels(model: Any, stage: Stage) -> Array | None:
    """The kernels of a stage that reads the picture itself, one picture each.

    Args:
        model: the network.
        stage: one of its stages.

    Returns:
        (F, Kh, Kw, C) for a convolution, (F, H, W, C) for a dense layer behind Flatten; None if the layer reads what other
        layers of weights have made, or nothing that has the shape of a picture.

    >>> from neurona.layers import Dense, Flatten, Input
    >>> from neurona.models import Sequential
    >>> from neurona.sight.stages import stages_of
    >>> model = Sequential([Input((4, 4)), Flatten(), Dense(2), Dense(3)])
    >>> [k if k is None else k.shape for k in (first_kernels(model, s) for s in stages_of(model))]
    [(2, 4, 4, 1), None]
    """
    source = flatten(stage.kernel.node.inputs)[0]  # type: ignore[union-attr]  # a layer's output has its call
    graph = Graph(model.inputs[0], source) if source is not model.inputs[0] else None
    if graph is not None and any(hasattr(n.operation, "kernel") for n in graph.nodes):
        return None
    kernel = getattr(stage.layer, "kernel", None)
    if kernel is None:
        return None
    values = np.asarray(kernel.data, "float32")
    shape = model.inputs[0].shape[1:]
    if values.ndim == 4 and fields_of(graph).get(id(source)) == Field() if graph else values.ndim == 4:
        return np.ascontiguousarray(values.transpose(3, 0, 1, 2))
    if values.ndim == 2 and len(shape) in (2, 3) and None not in shape and np.prod(shape) == values.shape[0]:
        height, width, *channels = shape
        return np.ascontiguousarray(values.T).reshape(-1, height, width, *(channels or [1]))
    return None


def templates(model: Any, stage: Stage, units: Sequence[int], grey: Array) -> Array:
    """The gradient of units in the middle of a stage's maps by the picture, at a picture of one colour.

    t = d z[unit, middle] / d x, where x is grey, but for a trace of noise that decides ties in pooling.

    Args:
        model: the network.
        stage: one of its stages; of a layer of single numbers the units themselves are taken.
        units: which.
        grey: a prepared picture, (H, W) or (H, W, C).

    Returns:
        (len(units), h, w, C): cut to the receptive field if that lies within the picture.

    Source: Simonyan, Vedaldi & Zisserman, "Deep Inside Convolutional Networks" (2014), arXiv:1312.6034, section 3.
    """
    picture = np.asarray(grey, "float32")
    noise = np.random.Generator(np.random.PCG64(0))
    symbol, field = stage.kernel, stage.kernel_field
    probe = Probe(model, [symbol])
    place = () if stage.map_size is None else _middle(symbol.shape)
    rows = np.arange(len(units))

    def target(tensors: list[Tensor]) -> Tensor:
        where = (rows, *(np.full(len(units), p) for p in place), np.asarray(units))
        mask = np.zeros(tensors[0].shape, "float32")
        mask[where] = 1.0
        total: Tensor = ops.sum(ops.multiply(tensors[0], mask))
        return total

    summed = np.zeros((len(units), *picture.shape), "float32")
    for _draw in range(_DRAWS):
        drawn = picture + noise.uniform(-_TRACE, _TRACE, picture.shape).astype("float32")
        summed += probe.gradient(np.repeat(drawn[np.newaxis], len(units), axis=0), target)[1]
    g = summed / np.float32(_DRAWS)
    g = g if g.ndim == 4 else g[..., np.newaxis]  # (U, H, W, C)
    if field is None or not place:
        return g
    top, left, bottom, right = field.window(place)  # type: ignore[arg-type]
    if top < 0 or left < 0 or bottom > g.shape[1] or right > g.shape[2]:
        return g
    return np.ascontiguousarray(g[:, top:bottom, left:right])


def _middle(shape: Sequence[int | None]) -> tuple[int, ...]:
    return tuple(int(n or 1) // 2 for n in shape[1:3])
