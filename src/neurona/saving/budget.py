"""How much memory a file may ask for: what it holds, a fair expansion of that, and no more.

A file of a few bytes can declare arrays, chunks and members of any size. Whoever reads it asks the budget before memory
is taken, with Python's integers, which cannot overflow.
"""

from __future__ import annotations

from neurona.errors import UnsafeFileError

__all__ = ["Budget"]

_FLOOR = 64 << 20  # even the smallest file may hold this much, say zeros that deflate made vanish
_EXPANSION = 8  # weights hardly shrink; texts (configurations, vocabularies) five to ten times


class Budget:
    """Bytes that may still be taken.

    Args:
        size: bytes of the file on the disk, to which the allowance is proportional.

    >>> budget = Budget(1000)
    >>> budget.take(500_000, "m.keras: 'kernel'")
    >>> budget.take(10**12, "m.keras: 'bias'")
    Traceback (most recent call last):
    ...
    neurona.errors.UnsafeFileError: m.keras: 'bias' asks for 1000000000000 bytes, out of proportion to its file. \
Received: a file that may take 66616864 more.
    """

    def __init__(self, size: int) -> None:
        self.left = _FLOOR + _EXPANSION * size

    def take(self, count: int, what: str) -> None:
        """Count bytes that are about to be allocated.

        Raises:
            UnsafeFileError: they are more than the file may ask for.
        """
        if count > self.left:
            raise UnsafeFileError(
                f"{what} asks for {count} bytes, out of proportion to its file. "
                f"Received: a file that may take {self.left} more."
            )
        self.left -= count
