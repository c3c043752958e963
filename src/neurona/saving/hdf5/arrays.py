"""The numbers of an array: in one piece, within its header, or in chunks, perhaps deflated."""

from __future__ import annotations

import math
import zlib
from itertools import product

import numpy as np

from neurona.errors import UnsafeFileError
from neurona.saving.hdf5.blocks import UNDEFINED, Block, Source
from neurona.saving.hdf5.fletcher import fletcher32
from neurona.saving.hdf5.headers import Object
from neurona.saving.hdf5.types import Kind, byte_size, described
from neurona.tensor import Array

__all__ = ["read_array"]

_EXTERNAL, _LAYOUT, _FILTERS = 0x07, 0x08, 0x0B
_COMPACT, _CONTIGUOUS, _CHUNKED, _VIRTUAL = 0, 1, 2, 3
_DEFLATE, _SHUFFLE, _FLETCHER32 = 1, 2, 3
_DEEPEST = 20

Filter = tuple[int, list[int]]


def read_array(thing: Object, told: str) -> Array:
    """The array of an object, in memory of its own and in this machine's byte order.

    Args:
        told: what errors call it.

    Raises:
        UnsafeFileError: its numbers lie in another file, or are not there.
    """
    source = thing.source
    shape, kind = described(thing)
    layout = thing.find(_LAYOUT)
    if thing.find(_EXTERNAL) is not None:
        raise UnsafeFileError(f"{told} does not hold its numbers itself, but in another file.")
    if layout is None:
        source.damaged(f"{told} has no numbers")
    if kind.role == "text":
        source.unknown("an array of texts of various lengths")
    version, form = layout.number(1), layout.number(1)
    if version in (3, 4) and form == _VIRTUAL:
        raise UnsafeFileError(f"{told} does not hold its numbers itself, but in another array.")
    if version not in (3, 4) or form > _CHUNKED or (version == 4 and form == _CHUNKED):
        source.unknown(f"an array in form {form} of version {version}")
    size = byte_size(shape, kind)
    if form == _CHUNKED:
        array = _read_chunks(thing, layout, shape, kind, told)
    else:
        if form == _COMPACT:
            start, stored = (layout.at + 2, layout.number(2))
            layout.skip(stored)
        else:
            start, stored = layout.number(8), layout.number(8)
        if size == 0:
            return _meant(np.zeros(shape, kind.dtype), kind, source)
        if start == UNDEFINED or stored < size:
            raise UnsafeFileError(f"{told} declares {size} bytes that it does not hold.")
        source.block(start, size)
        source.budget.take(size, told)
        array = np.frombuffer(source.data, kind.dtype, math.prod(shape), start).reshape(shape)
    return _meant(array, kind, source)


def _meant(array: Array, kind: Kind, source: Source) -> Array:
    """The stored numbers as what they stand for."""
    if kind.role == "bfloat16":  # the upper half of a float32
        widened: Array = (array.astype(np.uint32) << np.uint32(16)).view(np.float32)
        return widened
    if kind.role == "bool":
        return np.not_equal(array, 0)
    native: Array = array.astype(array.dtype.newbyteorder("="))
    return native


def _read_chunks(thing: Object, layout: Block, shape: tuple[int, ...], kind: Kind, told: str) -> Array:
    """Numbers cut into boxes of one size, each with its place in a tree."""
    source = thing.source
    rank = layout.number(1) - 1
    tree = layout.number(8)
    box = tuple(layout.number(4) for _ in range(rank))
    if rank != len(shape) or rank < 1 or 0 in box or layout.number(4) != kind.dtype.itemsize:
        source.damaged(f"{told} is cut into boxes that do not fit it")
    if any(step > max(length, 1) for step, length in zip(box, shape, strict=True)):
        raise UnsafeFileError(f"{told} is cut into boxes {box} that are larger than itself {shape}.")
    filters = _read_filters(thing)
    size, piece = byte_size(shape, kind), byte_size(box, kind)
    if size == 0:
        return np.zeros(shape, kind.dtype)
    source.budget.take(size + piece, told)
    counts = [-(-length // step) for length, step in zip(shape, box, strict=True)]
    found = {} if tree == UNDEFINED else _walk_tree(source, tree, rank)
    if len(found) != math.prod(counts):
        raise UnsafeFileError(f"{told} declares {size} bytes that it does not hold.")
    array = np.empty(shape, kind.dtype)
    for place in product(*(range(count) for count in counts)):
        corner = tuple(i * step for i, step in zip(place, box, strict=True))
        if corner not in found:
            source.damaged(f"{told} misses the box at {corner}")
        at, stored, skipped = found[corner]
        if skipped:
            source.unknown("a box that passes over filters")
        plain = _unfilter(source, source.block(at, stored).take(stored), filters, piece, told)
        whole = np.frombuffer(plain, kind.dtype).reshape(box)
        here = tuple(slice(c, min(c + step, n)) for c, step, n in zip(corner, box, shape, strict=True))
        array[here] = whole[tuple(slice(s.stop - s.start) for s in here)]
    return array


def _walk_tree(source: Source, address: int, rank: int) -> dict[tuple[int, ...], tuple[int, int, int]]:
    """Corner of each box -> where it lies, its bytes there, the filters it passes over."""
    found: dict[tuple[int, ...], tuple[int, int, int]] = {}
    waiting = [(address, _DEEPEST)]
    while waiting:
        address, above = waiting.pop()
        node = source.block(address, 24, b"TREE")
        kind, level, count = node.number(1), node.number(1), node.number(2)
        if kind != 1 or level >= above:
            source.damaged(f"the tree of an array is wrong at byte {address}")
        entries = source.block(address + 24, count * (16 + 8 * (rank + 1)))
        source.work(count)
        for _ in range(count):
            stored, skipped = entries.number(4), entries.number(4)
            corner = tuple(entries.number(8) for _ in range(rank))
            entries.skip(8)
            child = entries.number(8)
            if level:
                waiting.append((child, level))
            elif corner in found:
                source.damaged(f"the box at {corner} is there twice")
            else:
                found[corner] = (child, stored, skipped)
    return found


def _read_filters(thing: Object) -> list[Filter]:
    """What was done to every box before it was stored, in that order."""
    source = thing.source
    block = thing.find(_FILTERS)
    if block is None:
        return []
    version, count = block.number(1), block.number(1)
    if version not in (1, 2):
        source.damaged("its filters are of an unknown version")
    block.skip(6 if version == 1 else 0)
    filters = []
    for _ in range(count):
        number = block.number(2)
        length = block.number(2) if version == 1 or number >= 256 else 0
        block.skip(2)
        values = block.number(2)
        block.skip(-(-length // 8) * 8 if version == 1 else length)
        settings = [block.number(4) for _ in range(values)]
        block.skip(4 if version == 1 and values % 2 else 0)
        if number not in (_DEFLATE, _SHUFFLE, _FLETCHER32):
            source.unknown(f"compression by filter {number}")
        filters.append((number, settings))
    if [number for number, _ in filters].count(_DEFLATE) > 1:
        raise UnsafeFileError(f"{source.origin} deflates its arrays more than once.")
    return filters


def _unfilter(source: Source, data: bytes, filters: list[Filter], size: int, told: str) -> bytes:
    """The `size` bytes of a box."""
    for number, settings in reversed(filters):
        if number == _FLETCHER32:
            data, checksum = data[:-4], int.from_bytes(data[-4:], "little")
            if fletcher32(data) != checksum:
                source.damaged(f"{told} does not agree with its checksum")
        elif number == _DEFLATE:
            unpacker = zlib.decompressobj()
            try:
                data = unpacker.decompress(data, size + 1)
            except zlib.error as error:
                source.damaged(f"{told} cannot be unpacked ({error})")
        else:
            width = settings[0] if settings else 0
            if width < 1 or len(data) % width:
                source.damaged(f"{told} is shuffled in a width that does not fit")
            data = np.frombuffer(data, np.uint8).reshape(width, -1).T.tobytes()
    if len(data) != size:
        source.damaged(f"{told} has a box of {len(data)} bytes where {size} were expected")
    return data
