"""Names: CamelCase to snake_case, and the names that layers and models get when nobody gives them one."""

from __future__ import annotations

import re
from collections import Counter

__all__ = ["auto_name", "reset_names", "snake_case"]

_used: Counter[str] = Counter()


def snake_case(name: str) -> str:
    """`name` in the spelling of Keras's automatic names.

    >>> snake_case("BatchNormalization"), snake_case("PReLU"), snake_case("MeanIoU"), snake_case("Conv2D")
    ('batch_normalization', 'p_re_lu', 'mean_io_u', 'conv2d')
    """
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def auto_name(prefix: str) -> str:
    """`prefix` the first time, then ``prefix_1``, ``prefix_2``, ..."""
    prefix = snake_case(prefix)
    count = _used[prefix]
    _used[prefix] += 1
    return f"{prefix}_{count}" if count else prefix


def reset_names() -> None:
    """Start counting anew, as `neurona.utils.clear_session` does."""
    _used.clear()
