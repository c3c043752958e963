"""Bytes of an HDF5 file with checked bounds, and a limit on the work that they may cause."""

from __future__ import annotations

from typing import NoReturn

from neurona.errors import SavingError, UnsafeFileError
from neurona.saving.budget import Budget

__all__ = ["UNDEFINED", "Block", "Source"]

UNDEFINED = (1 << 64) - 1  # the address of what was never stored


class Source:
    """The bytes of a file, and what reading them may cost.

    Args:
        data: the whole file.
        origin: what errors call it.
        budget: of the memory for arrays.
    """

    def __init__(self, data: bytes, origin: str, budget: Budget) -> None:
        self.data, self.origin, self.budget = data, origin, budget
        self.heaps: dict[int, dict[int, tuple[int, int]]] = {}  # texts by address and number, once they were looked up
        # Every part of an honest file is read about once and has some bytes of its own. Loops and parts that lead to
        # each other again and again spend more than that.
        self._work_left = 10_000 + len(data) // 4

    def block(self, at: int, size: int, signature: bytes = b"") -> Block:
        """`size` bytes from address `at`; behind the `signature`, if there is to be one."""
        self.work(1)
        if at + size > len(self.data):
            self.damaged(f"a part lies beyond the end (byte {at} and {size} more, of {len(self.data)})")
        if self.data[at : at + len(signature)] != signature or size < len(signature):
            self.damaged(f"expected {signature!r} at byte {at}")
        return Block(self, at + len(signature), at + size)

    def work(self, count: int) -> None:
        """Count steps.

        Raises:
            UnsafeFileError: they are more than a file of this size can need.
        """
        self._work_left -= count
        if self._work_left < 0:
            raise UnsafeFileError(f"{self.origin} refers to its own parts over and over, which no honest file does.")

    def damaged(self, why: str) -> NoReturn:
        """Raise the error for bytes that make no sense."""
        raise SavingError(f"{self.origin} is not a readable HDF5 file: {why.removeprefix(f'{self.origin}: ')}.")

    def unknown(self, what: str) -> NoReturn:
        """Raise the error for what the format has but this reader does not know."""
        raise SavingError(
            f"{self.origin} is not a readable HDF5 file: {what} is beyond what model files need. "
            "Copy its contents into a new file made by h5py.File(path, 'w')."
        )

    def text(self, data: bytes) -> str:
        """A name or a text; the part before the first zero byte."""
        try:
            return data.partition(b"\0")[0].decode("utf-8")
        except UnicodeDecodeError:
            self.damaged(f"a text is not in UTF-8 ({data[:20]!r})")


class Block:
    """A cursor over a part of the file: numbers are little-endian."""

    __slots__ = ("at", "end", "source")

    def __init__(self, source: Source, at: int, end: int) -> None:
        self.source, self.at, self.end = source, at, end

    def take(self, size: int) -> bytes:
        """The next bytes."""
        start = self.at
        if size > self.end - start:
            self.source.damaged(f"a part ends too early (at byte {self.end})")
        self.at = start + size
        return self.source.data[start : start + size]

    def number(self, size: int) -> int:
        """The next number, of so many bytes."""
        return int.from_bytes(self.take(size), "little")

    def skip(self, size: int) -> None:
        """Pass over bytes that say nothing new."""
        if size > self.end - self.at:
            self.source.damaged(f"a part ends too early (at byte {self.end})")
        self.at += size

    def part(self, size: int) -> Block:
        """The next bytes as a block of their own."""
        start = self.at
        self.skip(size)
        return Block(self.source, start, start + size)

    @property
    def left(self) -> int:
        """How many bytes are still to come."""
        return self.end - self.at
