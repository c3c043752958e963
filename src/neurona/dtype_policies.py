"""DTypePolicy: in which type a layer computes, and in which it keeps its weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import config
from neurona.dtypes import standardize_dtype
from neurona.errors import ArgumentError, DTypeError
from neurona.registry import Config, deserialize_keras_object, export, serialize_keras_object

__all__ = [
    "DTypePolicy",
    "FloatDTypePolicy",
    "deserialize",
    "dtype_policy",
    "get",
    "serialize",
    "set_dtype_policy",
]


@export("keras", "FloatDTypePolicy")
@export("keras.dtype_policies", "FloatDTypePolicy")
class DTypePolicy:
    """The types of a layer, by name.

    Args:
        name: a type ("float32": compute and keep in it) or "mixed_float16" (compute in float16, keep float32); the
            policy of `set_dtype_policy` when None.

    Raises:
        DTypeError: the name is no text.
        ArgumentError: it is no type. There is no "mixed_bfloat16", because NumPy has no bfloat16.

    >>> DTypePolicy("mixed_float16").compute_dtype, DTypePolicy("mixed_float16").variable_dtype
    ('float16', 'float32')
    """

    quantization_mode = None

    def __init__(self, name: str | None = None) -> None:
        if name is None:
            name = dtype_policy().name
        if not isinstance(name, str):
            raise DTypeError(
                f"'name' must be a string, such as 'mixed_float16'. Received: name={name} (of type {type(name)})"
            )
        self._name = name
        try:
            self._compute_dtype = standardize_dtype(name.removeprefix("mixed_"))
        except ArgumentError:
            self._compute_dtype = ""
        if not self._compute_dtype or (name.startswith("mixed_") and name != "mixed_float16"):
            raise ArgumentError(
                f"Cannot convert '{name}' to a mixed precision DTypePolicy. Valid policies include 'mixed_float16', and "
                f"the name of any float dtype such as 'float32'. Received: name={name!r}."
            )

    @property
    def name(self) -> str:
        """The name it was made of."""
        return self._name

    @property
    def compute_dtype(self) -> str:
        """The type of what flows."""
        return self._compute_dtype

    @property
    def variable_dtype(self) -> str:
        """The type of the weights."""
        return "float32" if self._name.startswith("mixed_") else self._compute_dtype

    def get_config(self) -> Config:
        return {"name": self._name}

    @classmethod
    def from_config(cls, config: Config) -> DTypePolicy:
        return cls(**config)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DTypePolicy) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f'<DTypePolicy "{self.name}">'


FloatDTypePolicy = DTypePolicy

_default: DTypePolicy | None = None


def dtype_policy() -> DTypePolicy:
    """The policy of layers that are not given one: `floatx` unless `set_dtype_policy` was called."""
    return _default or DTypePolicy(config.floatx())


def set_dtype_policy(policy: str | DTypePolicy) -> None:
    """Make `policy` the default of layers made from now on.

    Raises:
        ArgumentError: it is neither a policy nor the name of one.
    """
    global _default
    if not isinstance(policy, (str, DTypePolicy)):
        raise ArgumentError(
            "Invalid `policy` argument. Expected the string name of a policy (such as 'mixed_float16') or a "
            f"`DTypePolicy` instance. Received: policy={policy} (of type {type(policy)})"
        )
    _default = get(policy)


def serialize(dtype_policy: DTypePolicy) -> Config:
    """The configuration of a policy."""
    described: Config = serialize_keras_object(dtype_policy)
    return described


def deserialize(config: Config, custom_objects: Config | None = None) -> Any:
    """The policy that `serialize` described."""
    return deserialize_keras_object(config, custom_objects)


def get(identifier: Any) -> DTypePolicy:
    """The policy that `identifier` means: a name, a NumPy type, a configuration, a policy, or ``None``.

    Raises:
        ArgumentError: it is none of them.
    """
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        identifier = identifier["config"]["name"]
    try:
        if isinstance(identifier, (str, type, np.dtype)):
            return DTypePolicy(identifier if isinstance(identifier, str) else standardize_dtype(identifier))
    except ArgumentError as error:
        raise ArgumentError(
            f"Cannot interpret `dtype` argument. Expected a string or an instance of DTypePolicy. "
            f"Received: dtype={identifier}. {error}"
        ) from None
    raise ArgumentError(
        "Cannot interpret `dtype` argument. Expected a string or an instance of DTypePolicy. "
        f"Received: dtype={identifier!r}."
    )
