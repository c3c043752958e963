"""The table that `model.summary()` prints: layers, output shapes, numbers of weights."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from neurona.errors import NotBuiltError
from neurona.layers.base import Layer
from neurona.symbolic import KerasTensor, flatten

if TYPE_CHECKING:
    from neurona.models.model import Model

__all__ = ["count_weights", "print_summary", "readable_size"]


def count_weights(variables: Any) -> int:
    """How many numbers some variables hold."""
    return sum(v.size for v in variables)


def readable_size(size: float) -> str:
    """A number of bytes for people.

    >>> readable_size(84), readable_size(1024 * 1.5)
    ('84.00 B', '1.50 KB')
    """
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024 or unit == "GB":
            return f"{size:.2f} {unit}"
        size /= 1024
    return f"{size:.2f} GB"


def _output_shape(layer: Layer) -> str:
    if layer._nodes:
        outputs = layer._nodes[0].outputs
        shapes = [str(t.shape) for t in flatten(outputs) if isinstance(t, KerasTensor)]
        return shapes[0] if len(shapes) == 1 else ", ".join(shapes)
    return "?"


def print_summary(
    model: Model,
    line_length: int | None = None,
    print_fn: Callable[..., Any] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Any = None,
) -> None:
    """Print the table of `model`; the arguments are those of `Model.summary`."""
    from rich.box import HEAVY_HEAD
    from rich.console import Console
    from rich.table import Table

    graph = model._graph
    sequential = graph is None or len({len(n.inputs) for n in graph.nodes} | {1}) == 1
    columns = ["Layer (type)", "Output Shape", "Param #"]
    if not sequential:
        columns.append("Connected to")
    if show_trainable:
        columns.append("Trainable")
    table = Table(box=HEAVY_HEAD, show_lines=True, expand=False, width=line_length or 78)
    for column in columns:
        table.add_column(column, justify="right" if column == "Param #" else "left", overflow="fold")

    def rows(layers: list[Layer], depth: int) -> None:
        for layer in layers:
            count = f"{layer.count_params():,}" if layer.built else "0 (unbuilt)"
            cells = ["   " * depth + f"{layer.name} ({type(layer).__name__})", _output_shape(layer), count]
            if not sequential:
                made_by = [t.node.operation.name for n in layer._nodes[:1] for t in n.inputs if t.node is not None]
                cells.append(", ".join(made_by) or "-")
            if show_trainable:
                cells.append("Y" if layer.trainable else "N")
            table.add_row(*cells)
            inner = list(layer._flatten_layers(include_self=False, recursive=False))
            if expand_nested and inner:
                rows(inner, depth + 1)

    shown = model.operations
    if layer_range is not None:
        names = [layer.name for layer in shown]
        for name in layer_range:
            if name not in names:
                raise NotBuiltError(f"layer_range names no layer of the model: {name!r}. Its layers: {names}.")
        shown = shown[names.index(layer_range[0]) : names.index(layer_range[1]) + 1]
    rows(shown, 0)

    trainable, other = model.trainable_weights, model.non_trainable_weights
    optimizer = list(model.optimizer.variables) if model.optimizer is not None and model.built else []
    lines = []
    for title, group in (
        ("Total params", [*trainable, *other, *optimizer]),
        ("Trainable params", trainable),
        ("Non-trainable params", other),
        ("Optimizer params", optimizer),
    ):
        if title == "Optimizer params" and not group:
            continue
        size = sum(v.data.nbytes for v in group)
        lines.append(f" {title}: {count_weights(group):,} ({readable_size(size)})")
    # without print_fn rich writes to the terminal, with it into a string
    console = (
        Console(width=line_length or 80, highlight=False)
        if print_fn is None
        else Console(width=line_length or 80, record=True, file=io.StringIO(), highlight=False)
    )
    title = f'Model: "{model.name}"'
    console.print(title, style="bold", markup=False)
    console.print(table)
    for line in lines:
        console.print(line, markup=False)
    if print_fn is not None:
        print_fn(console.export_text())
