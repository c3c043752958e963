"""Receptive fields: which part of the picture a unit of a convolutional network can see at all.

Going through a layer of kernel k, stride s, dilation d and left padding p, a field of `size` pixels, whose neighbours lie
`step` pixels apart and whose first begins at `start`, becomes

    size' = size + d (k - 1) step      start' = start - p step      step' = s step

Source: Araujo, Norris & Sim, "Computing Receptive Fields of Convolutional Neural Networks" (2019), Distill.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from neurona.models.graph import Graph
from neurona.symbolic import KerasTensor, Shape, flatten

__all__ = ["Field", "fields_of"]

Pair = tuple[int, int]


@dataclass(frozen=True)
class Field:
    """What the units of one layer see, in pixels of the picture: rows, then columns.

    Attributes:
        size: height and width of what one unit sees.
        step: how far apart neighbouring units look.
        start: where the first unit's window begins; negative where padding is part of it.
    """

    size: Pair = (1, 1)
    step: Pair = (1, 1)
    start: Pair = (0, 0)

    def window(self, place: Pair) -> tuple[int, int, int, int]:
        """Top, left, bottom and right of what the unit in that place sees; it may reach over the picture's edges.

        >>> Field(size=(3, 3), step=(2, 2), start=(-1, -1)).window((0, 2))
        (-1, 3, 2, 6)
        """
        (top, left) = (a + i * s for a, i, s in zip(self.start, place, self.step, strict=True))
        return top, left, top + self.size[0], left + self.size[1]

    def through(self, kernel: Pair, strides: Pair, dilation: Pair, pads: Pair) -> Field:
        """The field behind a convolution or pooling; `pads` are those above and on the left.

        >>> Field().through((3, 3), (1, 1), (1, 1), (0, 0)).through((2, 2), (2, 2), (1, 1), (0, 0))
        Field(size=(4, 4), step=(2, 2), start=(0, 0))
        """
        axes = range(2)
        return Field(
            _pair(self.size[a] + dilation[a] * (kernel[a] - 1) * self.step[a] for a in axes),
            _pair(strides[a] * self.step[a] for a in axes),
            _pair(self.start[a] - pads[a] * self.step[a] for a in axes),
        )

    def moved(self, pixels: Pair) -> Field:
        """The field of units that begin so many units later: behind a cropping, or negative behind a padding."""
        return Field(self.size, self.step, _pair(self.start[a] + pixels[a] * self.step[a] for a in range(2)))


def fields_of(graph: Graph) -> dict[int, Field | None]:
    """The receptive field of each symbol of a model's graph, by its id; None where a unit sees the whole picture.

    It is an upper bound: weights may be zero. Layers that mix all places (Flatten, a dense layer behind it, global pooling,
    whatever is not known here) see everything.
    """
    found: dict[int, Field | None] = {}
    for symbol in flatten(graph.inputs):
        found[id(symbol)] = Field() if symbol.ndim in (3, 4) else None
    for node in graph.nodes:
        incoming = [found.get(id(symbol)) for symbol in node.inputs]
        for output in flatten(node.outputs):
            field = _united(incoming)
            if field is not None:
                field = _behind(node.operation, field, node.inputs[0], output)
            found[id(output)] = field
    return found


def _behind(layer: Any, field: Field, before: KerasTensor, after: KerasTensor) -> Field | None:
    spaces = _space(before.shape), _space(after.shape)
    if spaces[0] is None or spaces[1] is None or _mixes_all_places(layer, before):
        return None
    extent = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
    kind = type(layer).__name__
    if extent is not None and len(extent := _pair(extent)) == 2 and "Transpose" not in kind:
        strides = _pair(getattr(layer, "strides", 1))
        dilation = _pair(getattr(layer, "dilation_rate", 1))
        pads = (0, 0)
        if getattr(layer, "padding", "valid") == "same":
            pads = _pair(
                max((spaces[1][a] - 1) * strides[a] + dilation[a] * (extent[a] - 1) + 1 - spaces[0][a], 0) // 2
                for a in range(2)
            )
        return field.through(extent, strides, dilation, pads)
    if kind == "ZeroPadding2D":
        return field.moved(_pair(-side[0] for side in layer.padding))
    if kind == "Cropping2D":
        return field.moved(_pair(side[0] for side in layer.cropping))
    return field if spaces[0] == spaces[1] else None


def _mixes_all_places(layer: Any, before: KerasTensor) -> bool:
    kind = type(layer).__name__
    if kind == "GroupNormalization":
        return True
    if kind == "Dense" or hasattr(layer, "kernel_size"):
        return before.ndim != 4  # a dense layer on (N, H, W, C) is a convolution of 1x1; on (N, H, W) it mixes columns
    if kind in ("LayerNormalization", "RMSNormalization", "UnitNormalization"):
        axes = layer.axis if isinstance(layer.axis, (list, tuple)) else [layer.axis]
        return before.ndim != 4 or any(axis % before.ndim != 3 for axis in axes)
    return False


def _united(fields: list[Field | None]) -> Field | None:
    """What a unit sees that is fed by several layers."""
    known = [field for field in fields if field is not None]
    if len(known) != len(fields) or len({field.step for field in known}) != 1:
        return None
    start = _pair(min(field.start[a] for field in known) for a in range(2))
    end = [max(field.start[a] + field.size[a] for field in known) for a in range(2)]
    return Field(_pair(end[a] - start[a] for a in range(2)), known[0].step, start)


def _space(shape: Shape) -> Pair | None:
    """Height and width of pictures or maps, (N, H, W) or (N, H, W, C)."""
    if len(shape) not in (3, 4) or shape[1] is None or shape[2] is None:
        return None
    return shape[1], shape[2]


def _pair(values: Any) -> Any:
    return (int(values), int(values)) if isinstance(values, int) else tuple(int(v) for v in values)
