"""Weights in a ``.safetensors`` file: plain arrays under the paths of the variables, and nothing that could run.

    dense/kernel    float32 (784, 10)
    dense/bias      float32 (10,)

Any program that knows the format reads them (``safetensors.numpy.load_file``). Automatic names count on within a process,
so the same network made a second time has ``dense_1`` where the file says ``dense``: names that differ in such numbers
alone are the same ones, in the order in which the file's header lists them.

Source: the format's specification, github.com/huggingface/safetensors.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neurona.errors import NotBuiltError, SavingError
from neurona.tensor import Array
from neurona.variable import Variable
from neurona.warn import warn_caller

__all__ = ["SUFFIX", "read_safetensors", "write_safetensors"]

SUFFIX = ".safetensors"


def write_safetensors(model: Any) -> bytes:
    """The file with the weights of `model`.

    Raises:
        NotBuiltError: the model has no weights yet.
        SavingError: the package safetensors is missing, or two weights have one path.
    """
    library = _library()
    weights = _built_weights(model)
    arrays = {v.path: np.ascontiguousarray(v.data) for v in weights}
    if len(arrays) < len(weights):
        twice = sorted({v.path for v in weights if sum(w.path == v.path for w in weights) > 1})
        raise SavingError(
            f"Two weights of '{model.name}' have the same path, which names them in a {SUFFIX} file: {_told(twice)}. "
            "Give their layers different names."
        )
    data: bytes = library.save(arrays, {"format": "neurona", "order": json.dumps(list(arrays))})
    return data


def read_safetensors(model: Any, path: Path, skip_mismatch: bool = False) -> None:
    """Give `model` the weights in a file; on an error it stays as it was.

    Args:
        skip_mismatch: keep what does not fit as it is, with a warning, instead of failing.

    Raises:
        NotBuiltError: the model has no weights yet.
        SavingError: the package safetensors is missing; the file is damaged; a weight is missing, too many or of another
            shape or type, each named.
    """
    weights = _built_weights(model)
    arrays, order = _read(path)
    names = _same_names([v.path for v in weights], arrays, order)
    fitting: list[tuple[Variable, Array]] = []
    trouble: list[str] = []
    for variable, name in zip(weights, names, strict=True):
        array = arrays.get(name)
        if array is None:
            trouble.append(f"'{variable.path}' is missing")
        elif array.shape != variable.shape:
            trouble.append(f"'{variable.path}' has shape {array.shape} instead of {variable.shape}")
        elif array.dtype.kind != variable.data.dtype.kind:
            trouble.append(f"'{variable.path}' is of type {array.dtype} instead of {variable.dtype}")
        else:
            fitting.append((variable, array))
    extra = sorted(set(arrays) - set(names))
    if extra:
        trouble.append(f"the model has no {_told(extra)}")
    if trouble:
        message = f"The weights in {path} do not fit the model '{model.name}': {'; '.join(trouble)}."
        if not skip_mismatch:
            raise SavingError(message)
        warn_caller(f"{message} These were left as they were.")
    for variable, array in fitting:
        variable.assign(array)


def _read(path: Path) -> tuple[dict[str, Array], list[str]]:
    """The arrays of a file by their names, and the names in the order of the model that wrote it, if it says so."""
    _library()
    import safetensors

    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
            told = json.loads((file.metadata() or {}).get("order", "[]"))
    except (safetensors.SafetensorError, OSError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise SavingError(f"{path} is not a readable {SUFFIX} file: {error}.") from error
    plain = isinstance(told, list) and all(isinstance(name, str) for name in told)
    return arrays, told if plain and sorted(told) == sorted(arrays) else []


def _same_names(wanted: Sequence[str], found: Mapping[str, Array], order: Sequence[str]) -> Sequence[str]:
    """The name in the file of each weight: its own, or, where only automatic numbers differ, that at its place."""
    if set(wanted) == set(found) or [*map(_unnumbered, wanted)] != [*map(_unnumbered, order)]:
        return wanted
    return order


def _unnumbered(path: str) -> str:
    """A path without the numbers that automatic names end in.

    >>> _unnumbered("conv2d_3/kernel")
    'conv2d/kernel'
    """
    return "/".join(re.sub(r"_\d+$", "", part) for part in path.split("/"))


def _built_weights(model: Any) -> list[Variable]:
    if not model.built:
        raise NotBuiltError(
            f"The model '{model.name}' has no weights yet. Build it first, with `build(input_shape)` or by calling it."
        )
    weights: list[Variable] = model.weights
    return weights


def _told(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:8])
    return shown if len(names) <= 8 else f"{shown} and {len(names) - 8} others"


def _library() -> Any:
    try:
        import safetensors.numpy
    except ImportError as error:
        raise SavingError(
            f"{SUFFIX} files need the package safetensors: pip install 'neurona[safetensors]'."
        ) from error
    return safetensors.numpy
