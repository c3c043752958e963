"""Superblock and object headers: where the root lies, and the messages that describe an object."""

from __future__ import annotations

from dataclasses import dataclass

from neurona.saving.hdf5.blocks import UNDEFINED, Block, Source

__all__ = ["SIGNATURE", "Message", "Object", "read_object", "root_address"]

SIGNATURE = b"\x89HDF\r\n\x1a\n"  # how every HDF5 file begins

_CONTINUATION = 0x10
_SHARED = 0x02  # flag: the message lies in another object


@dataclass(frozen=True)
class Message:
    """One property of an object: its kind and its bytes."""

    kind: int
    flags: int
    at: int
    size: int


@dataclass(frozen=True)
class Object:
    """A group or an array: the messages of its header."""

    source: Source
    address: int
    messages: list[Message]

    def find(self, kind: int) -> Block | None:
        """The bytes of the one message of that kind, or ``None``."""
        found = self.all(kind)
        if len(found) > 1:
            self.source.damaged(f"an object has {len(found)} messages of kind {kind}")
        return found[0] if found else None

    def all(self, kind: int) -> list[Block]:
        """The bytes of every message of that kind."""
        found = []
        for message in self.messages:
            if message.kind == kind:
                if message.flags & _SHARED:
                    self.source.unknown("a type that several arrays share")
                found.append(Block(self.source, message.at, message.at + message.size))
        return found


def root_address(source: Source) -> int:
    """Where the header of the root group lies."""
    if not source.data:
        source.damaged("it is empty")
    if source.data[:8] != SIGNATURE:
        zipped = source.data[:4] == b"PK\3\4"
        source.damaged("it is a zip file, as `.keras` files are" if zipped else "it does not begin as one")
    block = source.block(0, min(96, len(source.data)), SIGNATURE)
    version = block.number(1)
    if version in (0, 1):
        block.skip(4)
        sizes = (block.number(1), block.number(1))
        block.skip(1 + 4 + 4 + (4 if version else 0))
        base, _, end, driver = (block.number(8) for _ in range(4))
        block.skip(8)
    elif version in (2, 3):
        sizes = (block.number(1), block.number(1))
        block.skip(1)
        base, _, end = (block.number(8) for _ in range(3))
        driver = UNDEFINED
    else:
        source.damaged(f"version {version} of its first block is unknown")
    if sizes != (8, 8):
        source.unknown(f"an address of {sizes[0]} bytes")
    if base != 0 or driver != UNDEFINED:
        source.unknown("a file in several parts")
    if end > len(source.data):
        source.damaged(f"it has {len(source.data)} bytes of {end}; it was cut short")
    return block.number(8)


def read_object(source: Source, address: int) -> Object:
    """The object whose header lies at `address`."""
    messages: list[Message] = []
    if source.data[address : address + 4] == b"OHDR":
        _read_new(source, address, messages)
    else:
        _read_old(source, address, messages)
    return Object(source, address, messages)


def _read_old(source: Source, address: int, messages: list[Message]) -> None:
    """Version 1: no signature, messages in multiples of eight bytes."""
    block = source.block(address, 16)
    if block.number(1) != 1:
        source.damaged(f"expected an object at byte {address}")
    block.skip(1)
    count = block.number(2)
    block.skip(4)
    waiting = [source.block(address + 16, block.number(4))]
    while waiting:
        block = waiting.pop(0)
        while block.left >= 8 and len(messages) < count:
            source.work(1)
            kind, size, flags = block.number(2), block.number(2), block.number(1)
            block.skip(3)
            messages.append(Message(kind, flags, block.at, size))
            body = block.part(size)
            if kind == _CONTINUATION:
                waiting.append(source.block(body.number(8), body.number(8)))


def _read_new(source: Source, address: int, messages: list[Message]) -> None:
    """Version 2: signatures and checksums."""
    head = source.block(address, min(64, len(source.data) - address), b"OHDR")
    if head.number(1) != 2:
        source.damaged(f"expected an object at byte {address}")
    flags = head.number(1)
    head.skip((16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0))
    size = head.number(1 << (flags & 3))
    ordered = 2 if flags & 4 else 0
    waiting = [source.block(head.at, size)]
    while waiting:
        block = waiting.pop(0)
        while block.left >= 4 + ordered:
            source.work(1)
            kind, length, marks = block.number(1), block.number(2), block.number(1)
            block.skip(ordered)
            messages.append(Message(kind, marks, block.at, length))
            body = block.part(length)
            if kind == _CONTINUATION:
                at, length = body.number(8), body.number(8)
                inner = source.block(at, length, b"OCHK")
                waiting.append(inner.part(max(inner.left - 4, 0)))  # without the checksum
