"""Texts that come from outside (file names, labels, settings), made fit to be shown."""

from __future__ import annotations

from unicodedata import category

__all__ = ["escaped", "printable"]


def printable(text: object) -> str:
    """`text` with everything that a terminal would obey, or that no font can draw, as a visible escape.

    Control characters, marks that turn the direction of writing, and the lone surrogates by which Python carries bytes
    that are no UTF-8.

    >>> printable("a\\x1b[31m\\n")
    'a\\\\x1b[31m\\\\x0a'
    >>> printable("año")
    'año'
    """
    return "".join(c if c.isprintable() or category(c) == "Zs" else escaped(ord(c)) for c in str(text))


def escaped(code: int) -> str:
    """A character's number, written as Python writes it; a byte that is no UTF-8 as that byte."""
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is no UTF-8
        code -= 0xDC00
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
