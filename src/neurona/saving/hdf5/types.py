"""Shapes and types: of arrays and of attributes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from neurona.saving.hdf5.blocks import Block, Source
from neurona.saving.hdf5.headers import Object

__all__ = ["Kind", "byte_size", "described", "read_kind", "read_shape"]

_FIXED, _FLOAT, _STRING, _OPAQUE, _ENUM, _VARIABLE = 0, 1, 3, 5, 8, 9
_MOST_AXES = 32
# (sign at, exponent at, its bits, mantissa's bits, bias): the formats of IEEE 754, by bytes
_FLOATS = {2: (15, 10, 5, 10, 15), 4: (31, 23, 8, 23, 127), 8: (63, 52, 11, 52, 1023)}
_BFLOAT16 = (15, 7, 8, 7, 127)


@dataclass(frozen=True)
class Kind:
    """The type of the elements.

    Attributes:
        dtype: how NumPy calls it; for texts in the heap, the 16 bytes that lead to each.
        role: "" for plain numbers and byte strings; else "bool", "bfloat16" or "text".
    """

    dtype: np.dtype
    role: str = ""


def read_shape(block: Block) -> tuple[int, ...] | None:
    """The shape in a dataspace message; ``None`` for no value at all."""
    source = block.source
    version, rank, flags = block.number(1), block.number(1), block.number(1)
    if version == 1:
        block.skip(5)
        empty = False
    elif version == 2:
        empty = block.number(1) == 2
    else:
        source.damaged("a shape is of an unknown version")
    if rank > _MOST_AXES:
        source.damaged(f"an array has {rank} axes")
    shape = tuple(block.number(8) for _ in range(rank))
    if flags & 1:
        block.skip(8 * rank)  # how far it might have grown
    return None if empty else shape


def read_kind(block: Block) -> Kind:
    """The type in a datatype message."""
    source = block.source
    first = block.number(1)
    bits = block.number(3)
    size = block.number(4)
    family = first & 15
    order = ">" if bits & 1 else "<"
    if family == _FIXED:
        if size not in (1, 2, 4, 8) or (block.number(2), block.number(2)) != (0, 8 * size):
            source.unknown(f"an integer of {size} bytes")
        return Kind(np.dtype(f"{order}{'i' if bits & 8 else 'u'}{size}"))
    if family == _FLOAT:
        return _float(block, source, bits, size, order)
    if family == _STRING and 0 < size < 1 << 31:
        return Kind(np.dtype(f"S{size}"))
    if family == _OPAQUE and size == 2:
        return Kind(np.dtype("<u2"), "bfloat16")  # the only opaque numbers in model files
    if family == _ENUM and size == 1 and block.left and source.data[block.at] & 15 == _FIXED:
        if read_kind(block) != Kind(np.dtype("i1")) or (bits & 0xFFFF) != 2:
            source.unknown("a list of named numbers")
        return Kind(np.dtype("u1"), "bool")
    if family == _VARIABLE and size == 16 and bits & 15 == 1:
        return Kind(np.dtype([("size", "<u4"), ("collection", "<u8"), ("index", "<u4")]), "text")
    source.unknown(f"a type of family {family} and {size} bytes")


def _float(block: Block, source: Source, bits: int, size: int, order: str) -> Kind:
    start, precision = block.number(2), block.number(2)
    exponent_at, exponent, mantissa_at, mantissa = (block.number(1) for _ in range(4))
    found = (bits >> 8 & 255, exponent_at, exponent, mantissa, block.number(4))
    if start or mantissa_at or precision != 8 * size or bits & 0x40:
        source.unknown(f"a number of {size} bytes in a layout of its own")
    if found == _FLOATS.get(size):
        return Kind(np.dtype(f"{order}f{size}"))
    if size == 2 and found == _BFLOAT16:
        return Kind(np.dtype(f"{order}u2"), "bfloat16")
    source.unknown(f"a number of {size} bytes in a layout of its own")


def byte_size(shape: tuple[int, ...], kind: Kind) -> int:
    """Bytes of an array; Python's integers cannot overflow."""
    return math.prod(shape) * kind.dtype.itemsize


def described(thing: Object) -> tuple[tuple[int, ...], Kind]:
    """Shape and type of an array."""
    space, kind = thing.find(0x01), thing.find(0x03)
    if space is None or kind is None:
        thing.source.damaged("an array has no shape or type")
    shape = read_shape(space)
    if shape is None:
        thing.source.damaged("an array has no value")
    return shape, read_kind(kind)
