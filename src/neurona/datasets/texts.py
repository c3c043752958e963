"""Many texts as one array of bytes: a sequence of `str` that costs no more memory than its letters.

Fifty thousand Python strings are fifty thousand objects; here they are one UTF-8 buffer and the places where each text
begins, which can also be mapped from a file. Selecting rows, as a split into training and validation does, copies bytes
and makes no strings. Leans on numpy.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from neurona.errors import ArgumentError, DTypeError

if TYPE_CHECKING:
    from neurona.datasets.tokens import Indexed

__all__ = ["Texts", "check_offsets", "gather", "rows_of"]


class Texts(Sequence[str]):
    """A sequence of texts, kept as one buffer of UTF-8 bytes; a lone surrogate is kept too, as its three bytes.

    Args:
        buffer: the bytes of all texts, one behind the other, uint8 (B,).
        offsets: where each text begins, and the end of the last, int64 (N + 1,).
        indexed: gives the words of these texts as numbers, where somebody has them ready (`neurona.datasets.tokens`).

    Raises:
        ArgumentError: the offsets do not fit the buffer.

    >>> texts = Texts.of(["one", "", "zwölf"])
    >>> len(texts), texts[2], list(texts[1:]), list(texts[np.array([2, 0])])
    (3, 'zwölf', ['', 'zwölf'], ['zwölf', 'one'])
    """

    def __init__(
        self, buffer: NDArray[np.uint8], offsets: NDArray[np.int64], indexed: Callable[[], Indexed] | None = None
    ) -> None:
        check_offsets(buffer, offsets)
        self.buffer, self.offsets, self._indexed = buffer, offsets, indexed

    @classmethod
    def of(cls, texts: Iterable[str]) -> Texts:
        """The same texts, packed.

        Raises:
            DTypeError: one of them is no `str`.
        """
        pieces = []
        for text in texts:
            if not isinstance(text, str):
                raise DTypeError(f"Texts expects strings. Received: {type(text).__name__}. Decode bytes first.")
            pieces.append(text.encode("utf-8", "surrogatepass"))
        return cls.of_bytes(pieces)

    @classmethod
    def of_bytes(cls, pieces: Sequence[bytes | memoryview]) -> Texts:
        """Texts from their UTF-8 bytes."""
        offsets = np.zeros(len(pieces) + 1, np.int64)
        np.cumsum([len(piece) for piece in pieces], out=offsets[1:])
        return cls(np.frombuffer(b"".join(pieces), np.uint8), offsets)

    @property
    def shape(self) -> tuple[int]:
        """``(N,)``, as an array of these texts has it."""
        return (len(self),)

    @property
    def ndim(self) -> int:
        """1."""
        return 1

    @property
    def nbytes(self) -> int:
        """Bytes of memory (or of the file that is mapped)."""
        return self.buffer.nbytes + self.offsets.nbytes

    @functools.cached_property
    def digest(self) -> str:
        """The SHA-256 of the texts and their boundaries; the same texts have the same one, however they are stored."""
        digest = hashlib.sha256(np.ascontiguousarray(self.offsets, "<i8").data)
        digest.update(np.ascontiguousarray(self.buffer).data)
        return digest.hexdigest()

    @property
    def indexed(self) -> Indexed | None:
        """The words of these texts as numbers, where they are ready; ``None`` where they would have to be made."""
        return None if self._indexed is None else self._indexed()

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, key: int) -> str: ...
    @overload
    def __getitem__(self, key: slice | NDArray[Any] | Sequence[int]) -> Texts: ...
    def __getitem__(self, key: int | slice | NDArray[Any] | Sequence[int]) -> str | Texts:
        """One text by its number, or `Texts` by a slice, numbers or a mask, as an array answers."""
        rows = rows_of(key, len(self))
        if rows.ndim == 0:
            start, stop = self.offsets[int(rows) : int(rows) + 2].tolist()
            return self.buffer[start:stop].tobytes().decode("utf-8", "surrogatepass")
        chosen = None
        if (whole := self._indexed) is not None:
            ready = whole

            def chosen() -> Indexed:
                return ready().select(rows)

        return Texts(*gather(self.buffer, self.offsets, rows), indexed=chosen)

    def __iter__(self) -> Iterator[str]:
        bounds, memory = self.offsets.tolist(), np.ascontiguousarray(self.buffer).data
        for start, stop in itertools.pairwise(bounds):
            yield str(memory[start:stop], "utf-8", "surrogatepass")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        array = np.empty(len(self), object)  # one of fixed width would make every text as long as the longest
        array[:] = list(self)
        return array if dtype is None else array.astype(dtype)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Texts):
            return NotImplemented
        return np.array_equal(self.offsets, other.offsets) and np.array_equal(self.buffer, other.buffer)

    __hash__ = None  # type: ignore[assignment]  # as an array

    def __repr__(self) -> str:
        return f"<Texts: {len(self)} texts, {len(self.buffer)} bytes>"


def check_offsets(flat: NDArray[Any], offsets: NDArray[np.int64]) -> None:
    """Refuse offsets that do not cut the array `flat` into pieces.

    Raises:
        ArgumentError: they do not begin with 0, go back, or do not end with its end.
    """
    fits = (
        flat.ndim == offsets.ndim == 1
        and len(offsets) > 0
        and offsets.dtype.kind == "i"
        and int(offsets[0]) == 0
        and int(offsets[-1]) == len(flat)
        and bool((offsets[1:] >= offsets[:-1]).all())
    )
    if not fits:
        raise ArgumentError(
            f"Expected offsets that rise from 0 to the {len(flat)} entries. Received: {offsets!r:.200}."
        )


def gather(
    flat: NDArray[Any], offsets: NDArray[np.int64], rows: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The pieces with these numbers, one behind the other, and their offsets; a view where they lie together."""
    starts, lengths = offsets[rows], offsets[rows + 1] - offsets[rows]
    bounds = np.zeros(len(rows) + 1, np.int64)
    np.cumsum(lengths, out=bounds[1:])
    if len(rows) and int(rows[-1]) - int(rows[0]) == len(rows) - 1 and bool((np.diff(rows) == 1).all()):
        return flat[int(starts[0]) : int(starts[0]) + int(bounds[-1])], bounds
    chosen = np.empty(int(bounds[-1]), flat.dtype)
    ends = bounds.tolist()
    for start, begin, end in zip(starts.tolist(), ends, ends[1:], strict=False):
        chosen[begin:end] = flat[start : start + end - begin]
    return chosen, bounds


def rows_of(key: Any, count: int) -> NDArray[np.intp]:
    """Which rows of `count` an index means: the number of one (no axes), or those of several.

    Raises:
        DTypeError, ArgumentError: it is nothing that picks rows of a sequence.
        IndexError: there is no such row.
    """
    if not isinstance(key, (slice, int, np.integer)):
        key = np.asarray(key)
        if key.size == 0 and key.dtype.kind == "f":  # an empty list
            key = key.astype(np.intp)
        if key.dtype.kind not in "iub":
            raise DTypeError(f"Expected whole numbers, a slice or a mask as the index. Received: {key!r:.200}.")
    rows = np.asarray(np.arange(count)[key])
    if rows.ndim > 1:
        raise ArgumentError(f"Expected an index of one axis. Received: shape {np.shape(key)}.")
    return rows
