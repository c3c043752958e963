"""Event files: scalars and histograms as TensorBoard reads them, byte by byte.

A file is a row of records, each framed as TFRecord does: length, checksum of the length, data, checksum of
the data (a CRC-32C, masked so that a checksum of data that hold checksums stays useful). The data of a record
are one ``Event`` in protobuf's encoding: fields of a number, a wire type and a value. No TensorFlow, no
protobuf: only what these few messages need. Leans on NumPy.

Source: the TFRecord format in TensorFlow's documentation; "Encoding" in Protocol Buffers' documentation; RFC
3720, appendix B.4 (CRC-32C).
"""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from neurona.errors import ArgumentError
from neurona.tensor import Array

__all__ = ["EventWriter", "buckets", "crc32c", "record"]


def _table() -> list[int]:
    """For each byte, the CRC-32C of that byte (polynomial 0x1EDC6F41, bits reversed)."""
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


_CRC_OF_BYTE = _table()


def crc32c(data: bytes) -> int:
    """The CRC-32C (Castagnoli) of `data`.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ _CRC_OF_BYTE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def _masked(data: bytes) -> bytes:
    crc = crc32c(data)
    rotated = (crc >> 15 | crc << 17) & 0xFFFFFFFF
    return struct.pack("<I", (rotated + 0xA282EAD8) & 0xFFFFFFFF)


def record(data: bytes) -> bytes:
    """`data` framed as one TFRecord.

    >>> len(record(b"abc"))  # 8 length, 4 its checksum, 3 data, 4 their checksum
    19
    """
    length = struct.pack("<Q", len(data))
    return length + _masked(length) + data + _masked(data)


# -- protobuf ------------------------------------------------------------------------------------------------


def varint(value: int) -> bytes:
    """A whole number from 0, seven bits a byte, the lowest first.

    >>> varint(300).hex()
    'ac02'
    """
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _whole(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def _double(field: int, value: float) -> bytes:
    return varint(field << 3 | 1) + struct.pack("<d", value)


def _bytes(field: int, value: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(value)) + value


def _tensor(array: Array) -> bytes:
    """A TensorProto of floats (1) or doubles (2)."""
    kind = {"float32": 1, "float64": 2}[array.dtype.name]
    shape = b"".join(_bytes(2, _whole(1, n)) for n in array.shape)
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return _whole(1, kind) + _bytes(2, shape) + _bytes(4, little.tobytes())


def _summary(tag: str, plugin: str, data_class: int, array: Array) -> bytes:
    """A Summary with one value: its tag, which plugin shows it, and the numbers."""
    metadata = _bytes(1, _bytes(1, plugin.encode())) + _whole(4, data_class)
    return _bytes(1, _bytes(1, tag.encode()) + _bytes(8, _tensor(array)) + _bytes(9, metadata))


def buckets(values: Array, count: int = 30) -> Array:
    """A histogram as TensorBoard wants it: rows of ``(left edge, right edge, how many)``.

    Args:
        values: any shape; what is not finite is left out.
        count: the number of buckets.

    Returns:
        array of shape ``(count, 3)``; with equal values all edges are that value and the last bucket holds
        all.

    >>> buckets(np.array([0.0, 1.0, 1.0]), count=2).tolist()
    [[0.0, 0.5, 1.0], [0.5, 1.0, 2.0]]
    """
    flat = np.asarray(values, "float64").ravel()
    flat = flat[np.isfinite(flat)]
    found = np.zeros((count, 3))
    if flat.size == 0:
        return found
    if flat.min() == flat.max():
        found[:, :2] = flat[0]
        found[-1, 2] = flat.size
        return found
    found[:, 2], edges = np.histogram(flat, bins=count)
    found[:, 0], found[:, 1] = edges[:-1], edges[1:]
    return found


# -- the file ------------------------------------------------------------------------------------------------

_opened = 0  # tells apart the files that one process begins in the same second


class EventWriter:
    """An event file that grows.

    Args:
        folder: made when needed; TensorBoard shows each folder as one run.
        clock: gives the time in seconds since 1970.
    """

    def __init__(self, folder: Any, clock: Callable[[], float] = time.time) -> None:
        global _opened
        self.folder, self._clock = Path(folder), clock
        self.folder.mkdir(parents=True, exist_ok=True)
        name = f"events.out.tfevents.{int(clock()):010d}.{socket.gethostname()}.{os.getpid()}.{_opened}.v2"
        _opened += 1
        self.path = self.folder / name
        self._file = self.path.open("ab")
        self._event(_bytes(3, b"brain.Event:2"), step=0)  # the version of the format
        self.flush()

    def _event(self, content: bytes, step: int) -> None:
        if self._file.closed:
            raise ArgumentError(f"The event file {self.path} is closed. Make a new EventWriter.")
        place = _whole(2, step) if step else b""  # protobuf leaves zeros out
        self._file.write(record(_double(1, self._clock()) + place + content))

    def scalar(self, tag: str, value: Any, step: int) -> None:
        """Add a point of the curve `tag`; a `value` that is no single number is left out."""
        if np.ndim(value) == 0:
            self._event(_bytes(5, _summary(tag, "scalars", 1, np.array(value, "float32"))), int(step))

    def histogram(self, tag: str, values: Array, step: int) -> None:
        """Add the distribution of `values`."""
        self._event(_bytes(5, _summary(tag, "histograms", 2, buckets(values))), int(step))

    def flush(self) -> None:
        """Let readers see what was written."""
        self._file.flush()

    def close(self) -> None:
        """Finish the file; closing twice is no harm."""
        self._file.close()
