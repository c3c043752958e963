"""Fingerprints of texts: FarmHash's Fingerprint64, SipHash-2-4, and the mixing of two of them.

They are the functions with which TensorFlow, and so Keras, puts categories into bins; equal bytes give equal numbers on
every machine and in every release, so a model may rely on them. The arithmetic is that of 64-bit words without sign. It
is written once and serves arrays of words as well as single ones: many short texts go side by side in NumPy, a few long
ones go one after the other in Python's integers.

Sources: Pike & Alakuijala, FarmHash (2014), its function for all platforms; Aumasson & Bernstein, "SipHash: a fast
short-input PRF" (2012).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["combine", "farm_fingerprint", "sip_hash"]

Words = Any  # an array of uint64, or one number below 2**64
Read = Callable[[Words], Words]  # the eight bytes from a place on, as a word whose lowest byte comes first
State = tuple[Words, Words, Words, Words]
Hashes = npt.NDArray[np.uint64]

_ALL = 0xFFFFFFFFFFFFFFFF
_K0, _K1, _K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F  # primes between 2**63 and 2**64
_CROSS = 0xC6A4A7935BD1E995
_FEW = 12  # from so many texts on NumPy's calls cost less than Python's integers


def farm_fingerprint(texts: Sequence[bytes]) -> Hashes:
    """FarmHash's Fingerprint64 of each text.

    >>> [int(h) for h in farm_fingerprint([b"", b"a"])]
    [11160318154034397263, 12917804110809363939]
    """
    return _hashed(texts, [(16, _farm_16), (32, _farm_32), (64, _farm_64), (None, _farm_long)])


def sip_hash(texts: Sequence[bytes], key: Sequence[int]) -> Hashes:
    """SipHash-2-4 of each text, under a key of two whole numbers (taken modulo 2**64).

    >>> [hex(h) for h in sip_hash([b""], [0x0706050403020100, 0x0F0E0D0C0B0A0908])]
    ['0x726fdb47dd0e0e31']
    """
    first, second = (int(part) & _ALL for part in key)

    def hashed(read: Read, length: Words, longest: int) -> Words:
        return _sip(read, length, longest, first, second)

    return _hashed(texts, [(64, hashed), (None, hashed)])


def combine(first: Words, second: Words) -> Words:
    """One fingerprint of two, as a cross of features has it; the order counts."""
    mixed = (first ^ _CROSS) ^ (_shift_mix(second * _CROSS & _ALL) * _CROSS & _ALL)
    return _shift_mix(_shift_mix(mixed * _CROSS & _ALL) * _CROSS & _ALL)


# -- many texts at once ---------------------------------------------------------------------------------------


def _hashed(texts: Sequence[bytes], ways: Sequence[tuple[int | None, Callable[[Read, Words, int], Words]]]) -> Hashes:
    """Each text hashed by the way for its length: ``(longest length, function)``, the last without an end."""
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    found = np.zeros(len(texts), np.uint64)
    begin = -1
    for end, way in ways:
        chosen = np.flatnonzero((lengths > begin) & (lengths <= end if end is not None else True))
        begin = end or 0
        if end is None or len(chosen) < _FEW:
            for i in chosen.tolist():
                found[i] = way(_reader_of(texts[i]), len(texts[i]), len(texts[i]))
        elif len(chosen):
            read = _reader([texts[i] for i in chosen.tolist()])
            found[chosen] = way(read, lengths[chosen].astype(np.uint64), int(lengths[chosen].max()))
    return found


def _reader(texts: list[bytes]) -> Read:
    """Reads a word at a place in each of several texts; behind a text's end lies whatever comes there."""
    joined = b"".join(texts) + bytes(72)
    ends = np.cumsum([len(text) for text in texts])
    starts = (ends - [len(text) for text in texts]).astype(np.int64)
    words: Any = np.ndarray((len(joined) - 7,), "<u8", joined, strides=(1,))  # a word begins at every byte

    def read(place: Words) -> Words:
        return words[starts + np.asarray(place).astype(np.int64)]

    return read


def _reader_of(text: bytes) -> Read:
    padded = text + bytes(8)
    return lambda place: int.from_bytes(padded[place : place + 8], "little")


def _rotate(word: Words, by: int) -> Words:
    """Turned to the right by so many bits."""
    return word >> by | (word << (64 - by) & _ALL)


def _shift_mix(word: Words) -> Words:
    return word ^ (word >> 47)


# -- FarmHash -----------------------------------------------------------------------------------------------------


def _pair(u: Words, v: Words, factor: Words) -> Words:
    """A word made of two."""
    a = _shift_mix((u ^ v) * factor & _ALL)
    return _shift_mix((v ^ a) * factor & _ALL) * factor & _ALL


def _farm_16(read: Read, length: Words, longest: int) -> Words:
    """Of texts of at most 16 bytes: from 8 on, from 4 on, from 1 on, none."""
    if isinstance(length, int):
        if length >= 8:
            return _farm_8_to_16(read, length)
        if length >= 4:
            return _farm_4_to_7(read, length)
        return _farm_1_to_3(read, length) if length else _K2
    # each formula on all of them: where it does not apply its places are moved to the text's begin
    at_least_8, at_least_4 = length >= 8, length >= 4
    long = _farm_8_to_16(read, np.where(at_least_8, length, np.uint64(8)))
    middle = _farm_4_to_7(read, np.where(at_least_4 & ~at_least_8, length, np.uint64(4)))
    short = _farm_1_to_3(read, np.where(at_least_4 | (length == 0), np.uint64(1), length))
    return np.where(at_least_8, long, np.where(at_least_4, middle, np.where(length > 0, short, np.uint64(_K2))))


def _farm_8_to_16(read: Read, length: Words) -> Words:
    factor = _K2 + length * 2 & _ALL
    a, b = read(length * 0) + _K2 & _ALL, read(length - 8)
    c = _rotate(b, 37) * factor + a & _ALL
    d = (_rotate(a, 25) + b & _ALL) * factor & _ALL
    return _pair(c, d, factor)


def _farm_4_to_7(read: Read, length: Words) -> Words:
    factor = _K2 + length * 2 & _ALL
    first, last = read(length * 0) & 0xFFFFFFFF, read(length - 4) & 0xFFFFFFFF
    return _pair(length + (first << 3) & _ALL, last, factor)


def _farm_1_to_3(read: Read, length: Words) -> Words:
    first, middle, last = read(length * 0) & 0xFF, read(length >> 1) & 0xFF, read(length - 1) & 0xFF
    y, z = first + (middle << 8), length + (last << 2)
    return _shift_mix(y * _K2 & _ALL ^ z * _K0 & _ALL) * _K2 & _ALL


def _farm_32(read: Read, length: Words, longest: int) -> Words:
    """Of texts of 17 to 32 bytes."""
    factor = _K2 + length * 2 & _ALL
    a, b = read(length * 0) * _K1 & _ALL, read(length * 0 + 8)
    c, d = read(length - 8) * factor & _ALL, read(length - 16) * _K2 & _ALL
    return _pair(
        _rotate(a + b & _ALL, 43) + _rotate(c, 30) + d & _ALL, a + _rotate(b + _K2 & _ALL, 18) + c & _ALL, factor
    )


def _farm_64(read: Read, length: Words, longest: int) -> Words:
    """Of texts of 33 to 64 bytes."""
    start, factor = length * 0, _K2 + length * 2 & _ALL
    a, b = read(start) * _K2 & _ALL, read(start + 8)
    c, d = read(length - 8) * factor & _ALL, read(length - 16) * _K2 & _ALL
    y = _rotate(a + b & _ALL, 43) + _rotate(c, 30) + d & _ALL
    z = _pair(y, a + _rotate(b + _K2 & _ALL, 18) + c & _ALL, factor)
    e, f = read(start + 16) * factor & _ALL, read(start + 24)
    g = (y + read(length - 32) & _ALL) * factor & _ALL
    h = (z + read(length - 24) & _ALL) * factor & _ALL
    return _pair(
        _rotate(e + f & _ALL, 43) + _rotate(g, 30) + h & _ALL, e + _rotate(f + a & _ALL, 18) + g & _ALL, factor
    )


def _weak(read: Read, at: int, a: int, b: int) -> tuple[int, int]:
    """Two seeds stirred with the 32 bytes from `at` on."""
    w, x, y, z = read(at), read(at + 8), read(at + 16), read(at + 24)
    a = a + w & _ALL
    b = _rotate(b + a + z & _ALL, 21)
    mixed = a + x + y & _ALL
    return mixed + z & _ALL, b + _rotate(mixed, 44) + a & _ALL


def _farm_long(read: Read, length: int, longest: int) -> int:
    """Of one text of more than 64 bytes, block by block; the last 64 bytes are stirred in once more."""
    x, y = 81, 81 * _K1 + 113 & _ALL
    z = _shift_mix(y * _K2 + 113 & _ALL) * _K2 & _ALL
    x = x * _K2 + read(0) & _ALL
    v, w = (0, 0), (0, 0)
    for at in range(0, (length - 1) // 64 * 64, 64):
        x = _rotate(x + y + v[0] + read(at + 8) & _ALL, 37) * _K1 & _ALL ^ w[1]
        y = _rotate(y + v[1] + read(at + 48) & _ALL, 42) * _K1 + v[0] + read(at + 40) & _ALL
        z = _rotate(z + w[0] & _ALL, 33) * _K1 & _ALL
        v = _weak(read, at, v[1] * _K1 & _ALL, x + w[0] & _ALL)
        w = _weak(read, at + 32, z + w[1] & _ALL, y + read(at + 16) & _ALL)
        z, x = x, z
    at, factor = length - 64, _K1 + ((z & 0xFF) << 1)
    w = (w[0] + ((length - 1) & 63) & _ALL, w[1])
    v = (v[0] + w[0] & _ALL, v[1])
    w = (w[0] + v[0] & _ALL, w[1])
    x = _rotate(x + y + v[0] + read(at + 8) & _ALL, 37) * factor & _ALL ^ w[1] * 9 & _ALL
    y = _rotate(y + v[1] + read(at + 48) & _ALL, 42) * factor + v[0] * 9 + read(at + 40) & _ALL
    z = _rotate(z + w[0] & _ALL, 33) * factor & _ALL
    v = _weak(read, at, v[1] * factor & _ALL, x + w[0] & _ALL)
    w = _weak(read, at + 32, z + w[1] & _ALL, y + read(at + 16) & _ALL)
    z, x = x, z
    whole: int = _pair(
        _pair(v[0], w[0], factor) + _shift_mix(y) * _K0 + z & _ALL, _pair(v[1], w[1], factor) + x & _ALL, factor
    )
    return whole


# -- SipHash ------------------------------------------------------------------------------------------------------


def _sip(read: Read, length: Words, longest: int, first: int, second: int) -> Words:
    """Four words of state, two rounds for each eight bytes, four at the end."""
    many = not isinstance(length, int)
    base = length * 0  # zeros of the right kind
    state: State = (
        base + (first ^ 0x736F6D6570736575), base + (second ^ 0x646F72616E646F6D),
        base + (first ^ 0x6C7967656E657261), base + (second ^ 0x7465646279746573),
    )  # fmt: skip
    full = length >> 3
    for i in range(longest >> 3):
        # places behind a text's end are not its own: read its begin there, the result is thrown away
        word = read(np.where(full > i, np.uint64(8 * i), np.uint64(0)) if many else 8 * i)
        changed = _absorb(state, word)
        if many:  # of a text that is over, the state stays
            a, b, c, d = (np.where(full > i, new, old) for new, old in zip(changed, state, strict=True))
            changed = a, b, c, d
        state = changed
    rest = (length & 7) * 8
    one = base + 1
    last = read(full * 8) & ((one << rest) - 1) | ((length & 0xFF) << 56)
    a, b, c, d = _absorb(state, last)
    state = a, b, c ^ 0xFF, d
    for _ in range(4):
        state = _sip_round(*state)
    a, b, c, d = state
    return a ^ b ^ c ^ d


def _absorb(state: State, word: Words) -> State:
    a, b, c, d = state
    a, b, c, d = _sip_round(*_sip_round(a, b, c, d ^ word))
    return a ^ word, b, c, d


def _sip_round(a: Words, b: Words, c: Words, d: Words) -> State:
    a, c = a + b & _ALL, c + d & _ALL
    b, d = _rotate(b, 51) ^ a, _rotate(d, 48) ^ c
    a = _rotate(a, 32)
    c, a = c + b & _ALL, a + d & _ALL
    b, d = _rotate(b, 47) ^ c, _rotate(d, 43) ^ a
    return a, b, _rotate(c, 32), d
