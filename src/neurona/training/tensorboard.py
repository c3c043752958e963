"""Event files: scalars, histograms, pictures and a model's graph as TensorBoard reads them, byte by byte.

A file is a row of records, each framed as TFRecord does: length, checksum of the length, data, checksum of
the data (a CRC-32C, masked so that a checksum of data that hold checksums stays useful). The data of a record
are one ``Event`` in protobuf's encoding: fields of a number, a wire type and a value. No TensorFlow, no
protobuf: only what these few messages need. Leans on NumPy.

Source: the TFRecord format in TensorFlow's documentation; "Encoding" in Protocol Buffers' documentation; RFC
3720, appendix B.4 (CRC-32C); the PNG specification (W3C, 2003).
"""

from __future__ import annotations

import os
import socket
import struct
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neurona.errors import ArgumentError
from neurona.tensor import Array

__all__ = ["EventWriter", "buckets", "crc32c", "png", "record"]


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


def _strings(parts: Sequence[bytes], many: bool) -> bytes:
    """A TensorProto of strings (7): a row of them, or a single one without axes."""
    shape = _bytes(2, _whole(1, len(parts))) if many else b""
    return _whole(1, 7) + _bytes(2, shape) + b"".join(_bytes(8, part) for part in parts)


def _summary(tag: str, plugin: str, data_class: int, tensor: bytes, content: bytes = b"") -> bytes:
    """A Summary with one value: its tag, which plugin shows it (and what it is told), and the tensor."""
    told = _bytes(2, content) if content else b""
    metadata = _bytes(1, _bytes(1, plugin.encode()) + told) + (_whole(4, data_class) if data_class else b"")
    return _bytes(1, _bytes(1, tag.encode()) + _bytes(8, tensor) + _bytes(9, metadata))


def png(picture: Array) -> bytes:
    """A picture (H, W, 1, 3 or 4) of bytes as a PNG file.

    >>> png(np.zeros((2, 2, 1), "uint8"))[:8]
    b'\\x89PNG\\r\\n\\x1a\\n'
    """
    height, width, channels = picture.shape
    colour = {1: 0, 3: 2, 4: 6}[channels]  # grey, red green blue, and with how opaque it is
    lines = np.zeros((height, 1 + width * channels), "uint8")  # each begins with 0: numbers as they are
    lines[:, 1:] = picture.reshape(height, -1)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes())), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


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
            self._event(_bytes(5, _summary(tag, "scalars", 1, _tensor(np.array(value, "float32")))), int(step))

    def histogram(self, tag: str, values: Array, step: int) -> None:
        """Add the distribution of `values`."""
        self._event(_bytes(5, _summary(tag, "histograms", 2, _tensor(buckets(values)))), int(step))

    def pictures(self, tag: str, pictures: Array, step: int) -> None:
        """Add pictures of floats from 0 to 1, shape (N, H, W, 1, 3 or 4); of more than three the first three."""
        whole = np.clip(np.nan_to_num(pictures[:3]) * 255.5, 0, 255).astype("uint8")
        size = [str(pictures.shape[2]).encode(), str(pictures.shape[1]).encode()]
        tensor = _strings([*size, *map(png, whole)], many=True)
        self._event(_bytes(5, _summary(tag, "images", 0, tensor)), int(step))

    def graph(self, config: str) -> None:
        """Add a model's description in Keras's format, which TensorBoard draws among its graphs."""
        tensor = _strings([config.encode()], many=False)
        self._event(_bytes(5, _summary("keras", "graph_keras_model", 0, tensor, content=b"1")), 0)

    def flush(self) -> None:
        """Let readers see what was written."""
        self._file.flush()

    def close(self) -> None:
        """Finish the file; closing twice is no harm."""
        self._file.close()
