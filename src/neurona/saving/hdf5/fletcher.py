"""Fletcher's checksum of 32 bits, with which HDF5 guards the boxes of an array where it is asked to."""

from __future__ import annotations

import numpy as np

__all__ = ["fletcher32"]

_AT_ONCE = 1 << 16  # words


def fletcher32(data: bytes) -> int:
    """The sum s of the 16-bit words w (the high byte first), and the sum of all its partial sums, both modulo 65535.

    The second is ``n w_1 + (n - 1) w_2 + ... + w_n``. As the sums are folded and never divided, 65535 stands for 0 unless
    all words are 0.

    Args:
        data: the bytes; an odd last one is the high byte of a word.

    Returns:
        ``second * 65536 + first``.

    >>> hex(fletcher32(bytes([0, 1, 0, 2])))  # 1 + 2, and 1 + (1 + 2)
    '0x40003'

    Source: the HDF5 File Format Specification, filter 3; J. Fletcher, An Arithmetic Checksum for Serial Transmissions (1982).
    """
    words = np.frombuffer(data + b"\0" * (len(data) % 2), ">u2")
    first = second = 0
    for start in range(0, len(words), _AT_ONCE):
        part = words[start : start + _AT_ONCE].astype(np.int64)
        second += len(part) * first + int(part @ np.arange(len(part), 0, -1))
        first += int(part.sum())
    folded = [(total - 1) % 65535 + 1 if total else 0 for total in (first, second)]
    return folded[1] << 16 | folded[0]
