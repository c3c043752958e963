"""Axes taken apart, reordered and joined as a pattern tells: `rearrange`.

A pattern names the axes before and after, `"b h w c -> b (h w) c"`; what stands in brackets is one axis of the tensor, made
of several. So a pattern is three steps: take apart, reorder, join.
"""

from __future__ import annotations

import math
import re

from neurona.cases import Case, Failure
from neurona.errors import ArgumentError, ShapeError
from neurona.ops.shape import reshape, transpose
from neurona.tape import composed
from neurona.tensor import Tensor, TensorLike, as_tensor

__all__ = ["rearrange"]

_AXIS = re.compile(r"\(([^()]*)\)|(\w+)")


@composed(
    cases=[
        Case("N 2 C", pattern="b h c -> c (b h)"),
        Case("N 6", pattern="b (h w) -> b w h", h=2),
        Case("2 4 3", pattern="b (h two) c->(b two) (c h)", two=2),
        Case("N 1 3", pattern="b 1 c -> c b 1"),
    ],
    errors=[
        Failure("2 3", pattern="a b", match="one arrow"),
        Failure("2 3", pattern="a -> a", match="an axis for each of the 2"),
        Failure("2 3", pattern="a b -> a c", match="the same axes on both sides"),
        Failure("2 3", pattern="a a -> a a", match="the same axes on both sides"),
        Failure("2 3", pattern="a (b c) -> a b c", match="the length of all but one"),
        Failure("2 3", pattern="a (b c) -> a b c", b=2, match="do not multiply to 3"),
        Failure("2 3", pattern="a b -> b a", c=2, match="in the pattern"),
    ],
)
def rearrange(tensor: TensorLike, pattern: str, **axes_lengths: int) -> Tensor:
    """A tensor with its axes taken apart, reordered and joined.

    Args:
        tensor: any shape.
        pattern: the axes before and after an arrow, each a name, several names in brackets, or a 1.
        axes_lengths: how long named axes are; of those in one pair of brackets one length may be left out.

    Returns:
        the same numbers in the shape that the right side tells.

    Raises:
        ArgumentError: a pattern that tells no rearrangement.
        ShapeError: a pattern or lengths that do not fit the tensor.

    >>> rearrange([[1.0, 2.0], [3.0, 4.0]], "row column -> (column row)")
    Tensor([1., 3., 2., 4.], dtype=float32)
    >>> rearrange([1.0, 2.0, 3.0, 4.0], "(row column) -> row column", column=2)
    Tensor([[1., 2.],
            [3., 4.]], dtype=float32)
    """
    x = as_tensor(tensor)
    sides = [_axes(side) for side in pattern.split("->")]
    if len(sides) != 2 or None in sides:
        raise ArgumentError(f"A pattern has names, brackets and one arrow, as 'a b -> (a b)'. Received: {pattern!r}.")
    before, after = sides
    assert before is not None and after is not None
    names, wanted = ([name for group in side for name in group] for side in (before, after))
    if sorted(names) != sorted(wanted) or len(set(names)) != len(names):
        raise ArgumentError(f"A pattern has the same axes on both sides, each once. Received: {pattern!r}.")
    if len(before) != x.ndim:
        raise ShapeError(f"The pattern {pattern!r} needs an axis for each of the {x.ndim} of shape {tuple(x.shape)}.")
    strange = sorted(set(axes_lengths) - set(names))
    if strange:
        raise ArgumentError(f"Lengths belong to axes in the pattern {pattern!r}. Received: {', '.join(strange)}.")
    lengths: dict[str, int] = {}
    for group, length in zip(before, x.shape, strict=True):
        lengths.update(_taken_apart(group, length, axes_lengths))
    apart = reshape(x, [lengths[name] for name in names])
    turned = transpose(apart, [names.index(name) for name in wanted])
    return reshape(turned, [math.prod(lengths[name] for name in group) for group in after])  # type: ignore[no-any-return]


def _axes(side: str) -> list[list[str]] | None:
    """The axes that one side tells, each as the names it is made of (a 1 of none); ``None`` for what is no pattern."""
    if _AXIS.sub("", side).strip():
        return None
    found = [(brackets or name).split() for brackets, name in _AXIS.findall(side)]
    return [[name for name in group if name != "1"] for group in found]


def _taken_apart(group: list[str], length: int, given: dict[str, int]) -> dict[str, int]:
    """The lengths of the axes that make up one of the tensor's."""
    lengths = {name: int(given[name]) for name in group if name in given}
    known = math.prod(lengths.values())
    unknown = [name for name in group if name not in given]
    if len(unknown) > 1:
        raise ArgumentError(
            f"rearrange expected the length of all but one of the axes ({' '.join(group)}). Received: {lengths}."
        )
    if unknown and known and length % known == 0:
        lengths[unknown[0]] = length // known
    if math.prod(lengths.values()) != length or len(lengths) != len(group):
        raise ShapeError(f"The lengths of ({' '.join(group)}) do not multiply to {length}. Received: {lengths}.")
    return lengths
