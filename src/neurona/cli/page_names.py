"""Names of files for pages, made of what they are about."""

from __future__ import annotations

import os
import re

__all__ = ["page_name"]


def page_name(about: str) -> str:
    """A name without an ending, made of a picture's, a layer's or the first words of a text.

    >>> page_name("my shirt (1)")
    'show-my-shirt-1'
    """
    plain = re.sub(r"[^\w-]+", "-", os.fsdecode(os.fsencode(about)[:100]).encode("utf-8", "replace").decode())
    return f"show-{plain.strip('-') or 'picture'}"
