"""DTypePolicy: in which type a layer computes, and in which it keeps its weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import config
from neurona.errors import DTypeError, UnknownNameError
from neurona.registry import export

__all__ = ["DTypePolicy", "dtype_policy", "set_dtype_policy"]

_NAMES = ("bool", "float16", "float32", "float64", "int32", "int64", "int8", "mixed_float16", "string", "uint8")


@export("keras")
@export("keras.dtype_policies")
class DTypePolicy:
    """The types of a layer, by name.

    Args:
        name: a type ("float32": compute and keep in it) or "mixed_float16" (compute in float16, keep float32).

    >>> DTypePolicy("mixed_float16").compute_dtype, DTypePolicy("mixed_float16").variable_dtype
    ('float16', 'float32')
    """

    def __init__(self, name: str = "float32") -> None:
        if name not in _NAMES:
            raise UnknownNameError.among("dtype policy", name, _NAMES)
        self.name = name

    @property
    def compute_dtype(self) -> str:
        return self.name.removeprefix("mixed_")

    @property
    def variable_dtype(self) -> str:
        return "float32" if self.name.startswith("mixed_") else self.name

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> DTypePolicy:
        return cls(**config)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DTypePolicy) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f'<DTypePolicy "{self.name}">'


_default: DTypePolicy | None = None


def dtype_policy() -> DTypePolicy:
    """The policy of layers that are not given one: `floatx` unless `set_dtype_policy` was called."""
    return _default or DTypePolicy(config.floatx())


def set_dtype_policy(policy: str | DTypePolicy) -> None:
    """Make `policy` the default of layers made from now on."""
    global _default
    _default = get(policy)


def get(identifier: Any) -> DTypePolicy:
    """The policy that `identifier` means: a name, a NumPy type, a configuration, a policy, or ``None``."""
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        return DTypePolicy(**identifier["config"])
    if isinstance(identifier, str):
        return DTypePolicy(identifier)
    try:
        return DTypePolicy(np.dtype(identifier).name)
    except TypeError:
        raise DTypeError(f"Expected a dtype or a dtype policy. Received: {identifier!r}.") from None
