"""Attributes: small values beside an object, texts in the global heap among them."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona.saving.hdf5.blocks import UNDEFINED, Block, Source
from neurona.saving.hdf5.headers import Object
from neurona.saving.hdf5.types import Kind, byte_size, read_kind, read_shape

__all__ = ["read_attributes"]

_ATTRIBUTE, _ATTRIBUTE_INFO = 0x0C, 0x15


def read_attributes(thing: Object) -> dict[str, Any]:
    """The attributes of an object, in Python's types: numbers, texts, lists of them."""
    source = thing.source
    info = thing.find(_ATTRIBUTE_INFO)
    if info is not None:
        info.skip(1)
        info.skip(2 if info.number(1) & 1 else 0)
        if info.number(8) != UNDEFINED:
            source.unknown("an object with many attributes in the form of libver='latest'")
    found = [_read(source, block) for block in thing.all(_ATTRIBUTE)]
    attributes = dict(found)
    if len(attributes) != len(found):
        source.damaged("an object has an attribute twice")
    return attributes


def _read(source: Source, block: Block) -> tuple[str, Any]:
    version = block.number(1)
    flags = block.number(1)
    if version not in (1, 2, 3):
        source.damaged("an attribute is of an unknown version")
    if version > 1 and flags:
        source.unknown("an attribute of a shared type")
    sizes = [block.number(2) for _ in range(3)]
    block.skip(1 if version == 3 else 0)
    padded = [-(-size // 8) * 8 for size in sizes] if version == 1 else sizes
    name = source.text(block.take(padded[0]))
    kind = read_kind(block.part(padded[1]))
    shape = read_shape(block.part(padded[2]))
    return name, None if shape is None else _value(source, block, shape, kind)


def _value(source: Source, block: Block, shape: tuple[int, ...], kind: Kind) -> Any:
    size = byte_size(shape, kind)  # at most 64 KiB can lie in a message: take() refuses more
    array = np.frombuffer(block.take(size), kind.dtype).reshape(shape)
    if kind.role == "text":
        source.work(array.size)
        texts = [_text(source, *entry) for entry in array.ravel().tolist()]
        return texts[0] if shape == () else _nested(texts, shape)
    if kind.dtype.kind == "S":
        texts = [source.text(item) for item in array.ravel().tolist()]
        return texts[0] if shape == () else _nested(texts, shape)
    if kind.role == "bool":
        array = array != 0
    return array.tolist()


def _nested(texts: list[str], shape: tuple[int, ...]) -> Any:
    return np.array(texts, dtype=object).reshape(shape).tolist()


def _text(source: Source, size: int, address: int, index: int) -> str:
    """A text of the global heap."""
    if size == 0:
        return ""
    if address not in source.heaps:
        source.heaps[address] = _read_heap(source, address)
    at, length = source.heaps[address].get(index, (0, 0))
    if size > length:
        source.damaged(f"text {index} is not in its heap")
    source.budget.take(size, f"{source.origin}: a text")
    return source.text(source.data[at : at + size])


def _read_heap(source: Source, address: int) -> dict[int, tuple[int, int]]:
    """Number of each text in a part of the heap -> where it lies, and its length."""
    head = source.block(address, 16, b"GCOL")
    head.skip(4)
    collection = source.block(address, head.number(8))
    collection.skip(16)
    found: dict[int, tuple[int, int]] = {}
    while collection.left >= 16:
        source.work(1)
        number = collection.number(2)
        collection.skip(6)
        length = collection.number(8)
        if number == 0:
            break
        start = collection.at
        collection.skip(length)
        found[number] = (start, length)
        collection.skip(min(-length % 8, collection.left))
    return found
