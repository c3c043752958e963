"""`plot_model`: the layers of a model as boxes, with the shapes that flow between them.

Layers stand in rows by their distance from the inputs, and a line leads from each to those that use what it makes. Drawn
with Pillow; neither Graphviz nor pydot is needed.
"""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any

from neurona.errors import ArgumentError, NotBuiltError
from neurona.layers import InputLayer, Layer
from neurona.models import Model
from neurona.symbolic import KerasTensor, Node, flatten

__all__ = ["model_to_dot", "plot_model"]

_SCALE_AT_200_DPI = 2.0
_GAP, _PADDING, _LINE = 26, 8, 16  # between boxes, within them, and from line to line
_INK, _PAPER, _HEAD = (40, 40, 40), (255, 255, 255), (224, 236, 248)

Box = tuple[float, float, float, float]


def model_to_dot(model: Model, *settings: Any, **more: Any) -> Any:
    """Keras's description of a model for Graphviz, which is not made here.

    Raises:
        ArgumentError: always; `plot_model` draws without Graphviz.
    """
    raise ArgumentError(
        f"model_to_dot makes a graph for pydot and Graphviz, which neurona does without. Received: {model!r}. "
        "Use plot_model(model, 'model.png')."
    )


def plot_model(
    model: Any,
    to_file: str | os.PathLike[str] = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
    **kwargs: Any,
) -> Any:
    """Draw a model's layers into a picture.

    Args:
        model: a built model.
        to_file: the picture; its ending tells the format.
        show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable: what the boxes tell besides
            the layers' classes.
        rankdir: "TB" from top to bottom, "LR" from left to right.
        expand_nested: whether models within it are drawn layer by layer instead of as one box.
        dpi: size of the picture.
        splines: accepted for Keras's sake.
        kwargs: of older versions; `layer_range` is not known.

    Returns:
        the picture, for a notebook to show: a `PIL.Image.Image`.

    Raises:
        NotBuiltError: the model has not been built.
        ArgumentError: an unknown `rankdir`.

    >>> import neurona
    >>> model = neurona.Sequential([neurona.Input((4,)), neurona.layers.Dense(2)])
    >>> plot_model(model, "model.png", show_shapes=True).size[0] > 100
    True
    """
    if kwargs:
        raise ArgumentError(f"Unrecognized keyword arguments: {sorted(kwargs)}.")
    if rankdir not in ("TB", "LR"):
        raise ArgumentError(f"Expected `rankdir` to be 'TB' or 'LR'. Received: rankdir={rankdir!r}.")
    if not model.built:
        raise NotBuiltError(
            "This model has not yet been built. Build the model first by calling `build()` or by calling the model on a "
            "batch of data."
        )
    edges: list[tuple[Layer, Layer]] = []
    layers = _layers_of(model, expand_nested, edges)
    told = {
        id(layer): _lines(layer, show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable)
        for layer in layers
    }
    picture = _drawn(layers, edges, told, _SCALE_AT_200_DPI * dpi / 200, rankdir == "LR")
    picture.save(Path(to_file))
    return picture


def _layers_of(model: Any, expand: bool, edges: list[tuple[Layer, Layer]]) -> list[Layer]:
    """The layers to draw, and the lines between them."""
    graph = getattr(model, "_graph", None)
    if graph is None:  # a model of the user's own class: its parts, in the order in which they were made
        layers = list(model.layers) or [model]
        edges.extend(itertools.pairwise(layers))
        return layers
    made: list[Layer] = []
    ends: dict[int, list[Layer]] = {}  # the layers from which a tensor comes, by its id

    def enter(tensors: Any) -> None:
        for tensor in flatten(tensors):
            node = tensor.node
            if id(tensor) not in ends:
                entry = node.operation if node is not None and isinstance(node.operation, InputLayer) else None
                entry = entry or InputLayer(batch_shape=tensor.shape, dtype=tensor.dtype)
                ends[id(tensor)] = [entry]
                made.append(entry)

    def walk(inner: Any) -> None:
        for node in inner.nodes:
            sources = [layer for tensor in node.inputs for layer in ends.get(id(tensor), [])]
            nested = getattr(node.operation, "_graph", None)
            if expand and nested is not None:
                given = [t for t in flatten((node.args, node.kwargs)) if isinstance(t, KerasTensor)]
                for symbol, tensor in zip(flatten(nested.inputs), given, strict=False):
                    ends[id(symbol)] = ends.get(id(tensor), [])
                walk(nested)
                for symbol, tensor in zip(flatten(nested.outputs), flatten(node.outputs), strict=True):
                    ends[id(tensor)] = ends[id(symbol)]
                continue
            if node.operation not in made:
                made.append(node.operation)
            edges.extend((source, node.operation) for source in sources)
            for tensor in flatten(node.outputs):
                ends[id(tensor)] = [node.operation]

    enter(graph.inputs)
    walk(graph)
    return made


def _lines(layer: Layer, shapes: bool, dtype: bool, names: bool, activations: bool, trainable: bool) -> list[str]:
    kind = type(layer).__name__
    lines = [f"{layer.name} ({kind})" if names else kind]
    activation = getattr(layer, "activation", None)
    if activations and activation is not None:
        lines.append(f"activation: {getattr(activation, '__name__', activation)}")
    nodes: list[Node] = layer._nodes
    outputs = [t for t in flatten(nodes[0].outputs) if isinstance(t, KerasTensor)] if nodes else []
    if shapes:
        given = [t.shape for t in nodes[0].inputs] if nodes else []
        if given:
            lines.append(f"input: {', '.join(map(str, given))}")
        lines.append(f"output: {', '.join(str(t.shape) for t in outputs) or '?'}")
    if dtype:
        lines.append(f"dtype: {', '.join(t.dtype for t in outputs) or layer.dtype}")
    if trainable and layer.weights:
        lines.append("trainable" if layer.trainable else "frozen")
    return lines


def _ranks(layers: list[Layer], edges: list[tuple[Layer, Layer]]) -> dict[int, int]:
    """How far each layer is from the inputs, by the longest way."""
    rank = {id(layer): 0 for layer in layers}
    for _round in layers:  # a way has at most as many steps as there are layers
        moved = False
        for source, target in edges:
            if source is not target and rank[id(target)] <= rank[id(source)] < len(layers):
                rank[id(target)], moved = rank[id(source)] + 1, True
        if not moved:
            break
    return rank


def _drawn(
    layers: list[Layer], edges: list[tuple[Layer, Layer]], told: dict[int, list[str]], scale: float, sideways: bool
) -> Any:
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(12 * scale)
    size: dict[int, tuple[float, float]] = {}
    for layer in layers:
        width = max(font.getlength(line) for line in told[id(layer)]) + 2 * _PADDING * scale
        size[id(layer)] = width, (len(told[id(layer)]) * _LINE + _PADDING) * scale
    rank = _ranks(layers, edges)
    rows = [[layer for layer in layers if rank[id(layer)] == r] for r in range(max(rank.values(), default=0) + 1)]
    boxes, extent = _placed([row for row in rows if row], size, _GAP * scale, sideways)
    picture = Image.new("RGB", extent, _PAPER)
    draw = ImageDraw.Draw(picture)
    for source, target in edges:
        a, b = boxes[id(source)], boxes[id(target)]
        start = (a[2], (a[1] + a[3]) / 2) if sideways else ((a[0] + a[2]) / 2, a[3])
        end = (b[0], (b[1] + b[3]) / 2) if sideways else ((b[0] + b[2]) / 2, b[1])
        draw.line([start, end], _INK, max(1, round(scale)))
        back = 5 * scale
        tip = [(end[0] - back, end[1] - back), (end[0] - back, end[1] + back)] if sideways else [
            (end[0] - back, end[1] - back), (end[0] + back, end[1] - back)]  # fmt: skip
        draw.polygon([end, *tip], _INK)
    for layer in layers:
        left, top, right, bottom = boxes[id(layer)]
        draw.rectangle([left, top, right, bottom], _PAPER, _INK, max(1, round(scale)))
        draw.rectangle([left, top, right, top + (_LINE + _PADDING / 2) * scale], _HEAD, _INK, max(1, round(scale)))
        for number, line in enumerate(told[id(layer)]):
            draw.text((left + _PADDING * scale, top + (number * _LINE + _PADDING / 4) * scale), line, _INK, font)
    return picture


def _placed(
    rows: list[list[Layer]], size: dict[int, tuple[float, float]], gap: float, sideways: bool
) -> tuple[dict[int, Box], tuple[int, int]]:
    """Where each box lies, and how large the picture is: rows one below the other, each around the middle."""
    along, across = (0, 1) if sideways else (1, 0)  # which of width and height runs from row to row
    breadth = [sum(size[id(layer)][across] + gap for layer in row) + gap for row in rows]
    boxes: dict[int, Box] = {}
    depth = gap
    for row, broad in zip(rows, breadth, strict=True):
        at = (max(breadth) - broad) / 2 + gap
        for layer in row:
            left, top = (depth, at) if sideways else (at, depth)
            width, height = size[id(layer)]
            boxes[id(layer)] = (left, top, left + width, top + height)
            at += size[id(layer)][across] + gap
        depth += max(size[id(layer)][along] for layer in row) + gap
    extent = (depth, max(breadth)) if sideways else (max(breadth), depth)
    return boxes, (round(extent[0]), round(extent[1]))
