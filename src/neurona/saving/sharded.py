"""Weights spread over several HDF5 files, and the ``.weights.json`` that tells which lie where.

    model.weights.json      {"metadata": {"total_size": ...}, "weight_map": {"/layers/dense/vars": "model_00000.weights.h5"}}
    model_00000.weights.h5  model_00001.weights.h5  ...

An object whose arrays fall into two files has a list of both in the map. Only files beside the map are ever read.
"""

from __future__ import annotations

import json
import math
import re
import secrets
from pathlib import Path
from typing import Any

from neurona.errors import SavingError, UnsafeFileError
from neurona.saving.atomic import atomic_file
from neurona.saving.json_reader import read_json
from neurona.saving.stored import open_stored
from neurona.saving.storing import Stores, hdf5_of
from neurona.tensor import Array

__all__ = ["read_shards", "write_shards"]

_UNIT = 1 << 30
_PLAIN_NAME = re.compile(r"[^/\\:\0]+\.weights\.h5")


def write_shards(path: Path, objects: Stores, max_shard_size: float) -> None:
    """Write arrays to files of a bounded size, and the map to `path`.

    Args:
        path: of the map; the files lie beside it.
        objects: ``(path in the model, name, arrays)`` of each.
        max_shard_size: bytes of arrays in one file, in units of 1024^3.

    Raises:
        SavingError: an array is larger than that, or the disk is full; files that were there stay whole.
    """
    if isinstance(max_shard_size, bool) or not max_shard_size > 0:
        raise SavingError(f"max_shard_size must be a positive number of gigabytes. Received: {max_shard_size!r}.")
    most = math.floor(max_shard_size * _UNIT)
    shards, weight_map, total = _distribute(objects, most)
    base = path.stem.removesuffix(".weights")
    # Files that an older map speaks of are not touched before the new map is in place.
    fresh = f"{secrets.token_hex(4)}_" if path.exists() else ""
    names = [f"{base}_{fresh}{i:05}.weights.h5" for i in range(len(shards))]
    old = {name for name in _listed(path) if name.startswith(f"{base}_")} if path.exists() else set()
    for name, groups in zip(names, shards, strict=True):
        with atomic_file(path.with_name(name)) as stream:
            stream.write(hdf5_of(groups))
    told = {
        place: [names[i] for i in where] if len(where) > 1 else names[where[0]] for place, where in weight_map.items()
    }
    with atomic_file(path) as stream:
        stream.write(json.dumps({"metadata": {"total_size": total}, "weight_map": told}, indent=4).encode())
    if fresh:
        with atomic_file(path.with_name(f"{base}_00000.weights.h5")) as stream:
            stream.write(hdf5_of([]))  # Keras opens a file of this name before it looks at the map
    for name in old - set(names) - {f"{base}_00000.weights.h5"}:
        path.with_name(name).unlink(missing_ok=True)


def _distribute(
    objects: Stores, most: int
) -> tuple[list[list[tuple[str, str, dict[str, Array]]]], dict[str, list[int]], int]:
    """Fill one file after the other: the groups of each, the files of each group, the bytes of all arrays."""
    shards: list[list[tuple[str, str, dict[str, Array]]]] = [[]]
    weight_map: dict[str, list[int]] = {}
    total = room_taken = 0
    for path, name, arrays in objects:
        place = f"/{path}/vars" if path else "/vars"
        for key, array in arrays.items():
            if array.nbytes > most:
                raise SavingError(
                    f"The weight '{place}/{key}' takes {array.nbytes} bytes, which exceeds the maximum shard size of "
                    f"{most} bytes. Increase `max_shard_size`."
                )
            total += array.nbytes
            room_taken += array.nbytes
            if room_taken > most:
                shards.append([])
                room_taken = array.nbytes
            if not (shards[-1] and shards[-1][-1][0] == place):
                shards[-1].append((place, name, {}))
                weight_map.setdefault(place, []).append(len(shards) - 1)
            shards[-1][-1][2][key] = array
    return shards, weight_map, total


def read_shards(path: Path) -> dict[str, dict[str, Array]]:
    """The arrays of every object, by its path in the model.

    Raises:
        SavingError: the map or one of its files is missing or damaged.
        UnsafeFileError: the map names a file elsewhere.
    """
    stores: dict[str, dict[str, Array]] = {}
    for name, places in _by_file(path).items():
        file = path.with_name(name)
        if not file.is_file():
            raise SavingError(f"{path}: the file {name}, which holds a part of the weights, is missing beside it.")
        with open_stored(file, str(file)) as stored:
            for place in places:
                group = stored.child(place.strip("/"))
                if group is None:
                    raise SavingError(f"{path}: {name} does not hold '{place}'.")
                inner = place.strip("/").removesuffix("vars").rstrip("/")
                stores.setdefault(inner, {}).update({key: group.array(key) for key in group.keys()})  # noqa: SIM118
    return stores


def _listed(path: Path) -> set[str]:
    """The files of an older map; none where it is not readable, or speaks of files elsewhere."""
    try:
        return set(_by_file(path))
    except SavingError:
        return set()


def _by_file(path: Path) -> dict[str, list[str]]:
    """The groups that lie in each of the files a map names."""
    told = read_json(path.read_bytes(), str(path))
    weight_map: Any = told.get("weight_map") if isinstance(told, dict) else None
    if not isinstance(weight_map, dict):
        raise SavingError(f"{path} is no map of weights: expected an entry 'weight_map'.")
    files: dict[str, list[str]] = {}
    for place, where in weight_map.items():
        for name in where if isinstance(where, list) else [where]:
            if not isinstance(name, str) or not _PLAIN_NAME.fullmatch(name) or path.with_name(name).is_symlink():
                raise UnsafeFileError(
                    f"{path}: expected the names of `.weights.h5` files beside it. Received: {str(name)[:100]!r}."
                )
            files.setdefault(name, []).append(place)
    return files
