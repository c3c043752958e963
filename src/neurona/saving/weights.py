"""Weights in HDF5, laid out as Keras 3 does: ``layers/dense/vars/0`` and so on; in one file, or spread over several.

Reading takes everything from the file first, then gives it to the model; what does not fit is named, and the model stays
as it was.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from neurona.errors import ArgumentError, NeuronaError, NotBuiltError, SavingError
from neurona.saving.atomic import atomic_file
from neurona.saving.legacy import is_older_format, load_legacy_weights
from neurona.saving.members import read_members
from neurona.saving.safetensors import SUFFIX, read_safetensors, write_safetensors
from neurona.saving.sharded import read_shards, write_shards
from neurona.saving.stored import Stored, open_stored
from neurona.saving.storing import hdf5_of
from neurona.saving.tree import saveables
from neurona.tensor import Array
from neurona.warn import warn_caller

__all__ = ["load_weights", "read_weights", "save_weights", "write_weights"]

Stores = dict[str, dict[str, Array]]  # an object's path in the model -> its arrays by "0", "1", ...

# Below these lies what no layer needs: the optimizer when only weights are asked for, and what earlier versions kept of
# metrics and random generators.
_NOT_OF_LAYERS = frozenset(
    ["_compile_metrics", "_loss_tracker", "_metrics", "metrics", "optimizer", "random_generator", "seed_generator"]
)


def save_weights(
    model: Any,
    filepath: Any,
    overwrite: bool = True,
    max_shard_size: float | None = None,
    objects_to_skip: Iterable[Any] = (),
) -> None:
    """Write a model's weights to a ``.weights.h5`` file, to a ``.safetensors`` file, or to several files.

    Args:
        model: a built model.
        filepath: ends in ``.weights.h5``; in ``.weights.json`` with `max_shard_size`; or in ``.safetensors``.
        overwrite: whether an existing file may be replaced.
        max_shard_size: the most that one file may hold, in units of 1024^3 bytes; the file of `filepath` then tells
            which weights lie in which of ``name_00000.weights.h5``, ...
        objects_to_skip: layers (or an optimizer) whose weights are left out.

    Raises:
        NotBuiltError: the model has no weights yet.
        SavingError: another ending, an existing file with ``overwrite=False``, a full disk; a weight that is larger than
            `max_shard_size`.
    """
    _must_be_built(model, "saving")
    path = Path(os.fspath(filepath))
    endings = (".weights.h5", SUFFIX) if max_shard_size is None else (".weights.json", ".weights.h5")
    if not path.name.endswith(endings):
        when = "" if max_shard_size is None else " when `max_shard_size` is specified"
        raise SavingError(f"The filename must end in `{endings[0]}`{when}. Received: filepath={filepath}")
    if max_shard_size is not None:
        path = path.with_suffix(".json")
    if path.suffix == SUFFIX and list(objects_to_skip):
        raise ArgumentError(f"`objects_to_skip` only supports saving '.weights.h5' files. Received: {filepath}")
    if path.exists() and not overwrite:
        raise SavingError(f"{path} exists. Pass overwrite=True to replace it.")
    if max_shard_size is not None:
        write_shards(path, _collect(model, objects_to_skip), max_shard_size)
        return
    with atomic_file(path) as stream:
        stream.write(write_safetensors(model) if path.suffix == SUFFIX else write_weights(model, objects_to_skip))


def load_weights(
    model: Any,
    filepath: Any,
    skip_mismatch: bool = False,
    objects_to_skip: Iterable[Any] | None = None,
    by_name: bool | None = None,
) -> None:
    """Take a model's weights from a ``.weights.h5``, ``.weights.json``, ``.keras`` or ``.safetensors`` file.

    Args:
        skip_mismatch: keep what does not fit as it is, with a warning, instead of failing.
        objects_to_skip: layers that keep the weights they have; not for ``.keras`` files.
        by_name: only for files of earlier versions of Keras.

    Raises:
        ArgumentError: an option that this kind of file does not know.
        NotBuiltError: the model has no weights yet.
        SavingError: the file is missing, damaged or of another model; the model stays as it was.
    """
    path = Path(os.fspath(filepath))
    if path.suffix == SUFFIX:
        if objects_to_skip is not None or by_name is not None:
            raise ArgumentError(
                f"`objects_to_skip` and `by_name` do not support '{SUFFIX}' files. Received: {filepath}"
            )
        _must_exist(path)
        return read_safetensors(model, path, skip_mismatch)
    if path.suffix in (".h5", ".hdf5") and (not path.name.endswith(".weights.h5") or is_older_format(path)):
        if objects_to_skip is not None:
            raise ArgumentError(f"`objects_to_skip` only supports loading '.weights.h5' files. Received: {filepath}")
        _must_be_built(model, "loading")
        _must_exist(path)
        return load_legacy_weights(model, path, bool(by_name), skip_mismatch)
    if not path.name.endswith((".weights.h5", ".weights.json", ".keras")):
        raise SavingError(
            f"File format not supported: filepath={filepath}. Weights are read from `.weights.h5`, `.weights.json`, "
            "`.keras` and `.safetensors` files, and from older `.h5` and `.hdf5` files."
        )
    if path.suffix == ".keras" and objects_to_skip is not None:
        raise ArgumentError(f"`objects_to_skip` only supports loading '.weights.h5' files. Received: {filepath}")
    if by_name is not None:
        raise ArgumentError(f"`by_name` only supports loading legacy '.h5' or '.hdf5' files. Received: {filepath}")
    _must_be_built(model, "loading")
    _must_exist(path)
    skipped = list(objects_to_skip or ())
    if path.suffix == ".json":
        _give(model, read_shards(path), str(path), skip_mismatch, skipped)
    else:
        data = read_members(path)["model.weights.h5"] if path.suffix == ".keras" else path
        read_weights(model, data, str(path), skip_mismatch, skipped)


def _must_exist(path: Path) -> None:
    if not path.is_file():
        raise SavingError(f"File not found: filepath={path}.")


def _must_be_built(model: Any, doing: str) -> None:
    if not model.built:
        raise NotBuiltError(
            f"You are {doing} the weights of a model that has not yet been built. Build it first, by calling it on some "
            "data or with `build()`."
        )


# -- writing -----------------------------------------------------------------------------------------------------


def _collect(model: Any, skipped: Iterable[Any] = ()) -> Iterator[tuple[str, str, dict[str, Array]]]:
    """``(path, name, arrays)`` of every object with weights."""
    for path, thing in saveables(model, skipped):
        store: dict[str, Any] = {}
        thing.save_own_variables(store)
        name = getattr(thing, "name", None)
        yield (
            path,
            name if isinstance(name, str) else type(thing).__name__,
            {k: np.asarray(v) for k, v in store.items()},
        )


def write_weights(model: Any, skipped: Iterable[Any] = ()) -> bytes:
    """The HDF5 file with the weights of `model` and of every object below it."""
    groups = ((f"{path}/vars" if path else "vars", name, arrays) for path, name, arrays in _collect(model, skipped))
    return bytes(hdf5_of(groups))


# -- reading -----------------------------------------------------------------------------------------------------


def read_weights(
    model: Any,
    data: bytes | Path,
    origin: str,
    skip_mismatch: bool = False,
    skipped: Iterable[Any] = (),
    fresh: bool = False,
) -> None:
    """Give `model` the weights in an HDF5 file; on an error it stays as it was, unless it is `fresh` and of no use then."""
    with open_stored(data, origin) as file:
        stores = dict(_stores(file, ""))
    _give(model, stores, origin, skip_mismatch, list(skipped), fresh)


def _under_known_names(stores: Stores, objects: list[tuple[str, Any]], again: list[tuple[str, Any]]) -> Stores:
    """What a file keeps under another name of an object, under the name where the model has it.

    Keras 2 writes "_query_dense" where it is "query_dense" here; and ``self.dense`` may be a property that gives
    ``self.first``, which is met before it.
    """
    known, first = {path for path, _ in objects}, {id(thing): path for path, thing in objects}
    names = {path: first[id(thing)] for path, thing in again}
    found: Stores = {}
    for path, arrays in stores.items():
        plain = "/".join(part.lstrip("_") for part in path.split("/"))
        others = [] if path in known else [p for p in (plain, _renamed(path, names)) if p in known and p not in stores]
        found[others[0] if others else path] = arrays
    return found


def _renamed(place: str, names: Mapping[str, str]) -> str:
    """A path with the longest part of its beginning that has another name under that name."""
    parts = place.split("/")
    for n in range(len(parts), 0, -1):
        above = "/".join(parts[:n])
        if above in names:
            return "/".join([*filter(None, [names[above]]), *parts[n:]])
    return place


def _is_below(place: str, path: str) -> bool:
    return place == path or place.startswith(f"{path}/")


def _stores(group: Stored, path: str) -> Iterator[tuple[str, dict[str, Array]]]:
    """The arrays of every object in a file."""
    for name in group.keys():  # noqa: SIM118 - a Stored is no dict
        child = group.child(name)
        if child is None:
            continue
        if name == "vars":
            arrays = {key: child.array(key) for key in child.keys()}  # noqa: SIM118
            if arrays:
                yield path, arrays
        else:
            yield from _stores(child, f"{path}/{name}" if path else name)


def _give(
    model: Any, stores: Stores, origin: str, skip_mismatch: bool, skipped: list[Any], fresh: bool = False
) -> None:
    """Give every object of the model its arrays, or none of them any."""
    given: list[tuple[Any, dict[str, Any]]] = []
    trouble: list[str] = []
    met: set[str] = set()
    reason: Exception | None = None
    again: list[tuple[str, Any]] = []
    objects = list(saveables(model, again=again))
    stores = _under_known_names(stores, objects, again)
    try:
        for path, thing in saveables(model, skipped) if skipped else objects:
            met.add(path)
            kept: dict[str, Any] = {}
            if not fresh:
                thing.save_own_variables(kept)
            given.append((thing, kept))  # now: whatever it raises may leave it half done
            try:
                thing.load_own_variables(dict(stores.get(path, {})))
            except (MemoryError, RecursionError, Warning):
                raise
            except Exception as error:  # a user's layer may fail in any way where its weights are not what it wants
                trouble.append(f"'{path or model.name}': {_told(error)}")
                reason = reason or error
                _restore(thing, kept)
        trouble += _extra(stores, met, [path for path, _ in objects if path not in met])
        if trouble and not skip_mismatch:
            raise SavingError(
                f"The weights in {origin} do not fit the model '{model.name}': {'; '.join(trouble[:5])}"
                f"{f'; and {len(trouble) - 5} more' if len(trouble) > 5 else ''}.{'' if fresh else ' The model stays as it was.'}"
            ) from reason
    except Exception:
        for thing, kept in given:
            _restore(thing, kept)
        raise
    if trouble:
        warn_caller(f"{origin}: left as they were: {'; '.join(trouble)}")


def _restore(thing: Any, kept: dict[str, Any]) -> None:
    if kept:
        thing.load_own_variables(kept)


def _told(error: Exception) -> str:
    """What an error says; a missing entry says only which."""
    if isinstance(error, KeyError):
        return f"it holds no entry {error}"
    kind = "" if isinstance(error, (ValueError, TypeError, NeuronaError)) else f"{type(error).__name__}: "
    return f"{kind}{error}".rstrip(".")


def _extra(stores: Mapping[str, Any], met: set[str], away: list[str]) -> list[str]:
    """The objects that only the file has; `away` are those of the model that were to be left out."""
    return [
        f"the file has weights for '{path}', which the model lacks"
        for path in stores
        if path not in met
        and not _NOT_OF_LAYERS & set(path.split("/"))
        and not any(_is_below(path, one) for one in away)
    ]
