"""Weights in HDF5, laid out as Keras 3 does: ``layers/dense/vars/0`` and so on."""

from __future__ import annotations

import io
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from neurona.errors import SavingError, UnsafeFileError
from neurona.saving.atomic import atomic_file
from neurona.saving.members import read_members
from neurona.saving.tree import saveables
from neurona.tensor import Array

__all__ = ["load_weights", "read_weights", "save_weights", "write_weights"]


def save_weights(model: Any, filepath: Any, overwrite: bool = True) -> None:
    """Write a model's weights to a ``.weights.h5`` file.

    Raises:
        SavingError: another ending, an existing file with ``overwrite=False``, a full disk.
    """
    path = Path(os.fspath(filepath))
    if not path.name.endswith(".weights.h5"):
        raise SavingError(f"The filename must end in `.weights.h5`. Received: filepath={filepath}")
    if path.exists() and not overwrite:
        raise SavingError(f"{path} exists. Pass overwrite=True to replace it.")
    with atomic_file(path) as stream:
        stream.write(write_weights(model))


def load_weights(model: Any, filepath: Any, skip_mismatch: bool = False) -> None:
    """Take a model's weights from a ``.weights.h5`` or ``.keras`` file.

    Args:
        skip_mismatch: keep what does not fit as it is, with a warning, instead of failing.

    Raises:
        SavingError: the file is missing, damaged or of another model; the model stays as it was.
    """
    path = Path(os.fspath(filepath))
    if not path.is_file():
        raise SavingError(f"File not found: filepath={filepath}.")
    if path.suffix == ".keras":
        data = read_members(path)["model.weights.h5"]
    else:
        data = path.read_bytes()
    read_weights(model, data, str(path), skip_mismatch)


def write_weights(model: Any) -> bytes:
    """The HDF5 file with the weights of `model` and of every object below it."""
    import h5py

    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for path, thing in saveables(model):
            group = file.create_group(f"{path}/vars" if path else "vars")
            group.attrs["name"] = getattr(thing, "name", type(thing).__name__)
            store: dict[str, Array] = {}
            thing.save_own_variables(store)
            for key, array in store.items():
                group.create_dataset(key, data=np.asarray(array))
    return buffer.getvalue()


def read_weights(model: Any, data: bytes, origin: str, skip_mismatch: bool = False) -> None:
    """Give `model` the weights in an HDF5 file; on an error it stays as it was."""
    import h5py

    targets = [(path, thing) for path, thing in saveables(model)]
    try:
        with h5py.File(io.BytesIO(data), "r") as file:
            stores = [(path, thing, _read_store(file, path, origin)) for path, thing in targets]
    except OSError as error:
        raise SavingError(f"{origin} is not a readable HDF5 file: {error}.") from error
    before: list[tuple[Any, dict[str, Array]]] = []
    try:
        for path, thing, store in stores:
            if store is None:
                own: dict[str, Array] = {}
                thing.save_own_variables(own)
                if own:
                    raise SavingError(f"{origin} holds no weights for '{path or model.name}' ({len(own)} expected).")
                continue
            kept: dict[str, Array] = {}
            thing.save_own_variables(kept)
            before.append((thing, kept))
            try:
                thing.load_own_variables(store)
            except ValueError as error:
                if not skip_mismatch:
                    raise SavingError(f"The weights in {origin} do not fit '{path or model.name}': {error}") from error
                warnings.warn(f"Left '{path}' as it was: {error}", stacklevel=3)
                thing.load_own_variables(kept)
    except Exception:
        for thing, kept in before:
            thing.load_own_variables(kept)
        raise


def _read_store(file: Any, path: str, origin: str) -> dict[str, Array] | None:
    """The arrays of one object, read only where they lie in this very file."""
    import h5py

    group: Any = file
    for part in [*path.split("/"), "vars"] if path else ["vars"]:
        link = group.get(part, getlink=True) if isinstance(group, h5py.Group) else None
        if link is None:
            return None
        if not isinstance(link, h5py.HardLink):
            raise UnsafeFileError(f"{origin}: '{part}' is a link to another place, which is never followed.")
        group = group[part]
    found: dict[str, Array] = {}
    for key in sorted(group, key=lambda k: (len(k), k)):
        if not isinstance(group.get(key, getlink=True), h5py.HardLink):
            raise UnsafeFileError(f"{origin}: '{key}' is a link to another place, which is never followed.")
        dataset = group[key]
        if not isinstance(dataset, h5py.Dataset) or dataset.external or dataset.is_virtual:
            raise UnsafeFileError(f"{origin}: '{path}/vars/{key}' does not hold its numbers itself.")
        if dataset.dtype.kind not in "fiub" or dataset.nbytes > max(64 * dataset.id.get_storage_size(), 1 << 20):
            raise UnsafeFileError(
                f"{origin}: '{path}/vars/{key}' declares {dataset.nbytes} bytes that it does not hold."
            )
        found[key] = np.asarray(dataset[()])
    return found
