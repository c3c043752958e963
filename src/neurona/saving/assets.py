"""Files that layers keep in a ``.keras`` archive beside their weights: the vocabularies of lookup layers.

A layer's files lie below ``assets/`` and the layer's place in the model, as Keras 3 lays them out
(``assets/layers/text_vectorization/vocabulary.txt``). Neurona's own layers give and take them as bytes
(`write_assets`, `read_assets`): nothing is written to a folder on the way. Layers of a user that know Keras's
`save_assets` and `load_assets` alone are given a folder of their own for the moment.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neurona.errors import SavingError
from neurona.saving.members import ASSETS
from neurona.saving.tree import saveables

__all__ = ["read_assets", "write_assets"]


def write_assets(model: Any) -> dict[str, bytes]:
    """The files of all layers, by their names in the archive."""
    found: dict[str, bytes] = {}
    for path, thing in saveables(model):
        for name, data in _files_of(thing).items():
            found[f"{ASSETS}{path}/{name}" if path else f"{ASSETS}{name}"] = data
    return found


def _files_of(thing: Any) -> dict[str, bytes]:
    if hasattr(thing, "write_assets"):
        files: dict[str, bytes] = thing.write_assets()
        return files
    if not hasattr(thing, "save_assets"):
        return {}
    with tempfile.TemporaryDirectory() as folder:
        thing.save_assets(folder)
        return {
            file.relative_to(folder).as_posix(): file.read_bytes()
            for file in sorted(Path(folder).rglob("*"))
            if file.is_file()
        }


def read_assets(model: Any, members: Mapping[str, bytes], origin: str) -> None:
    """Hand every layer its files from the members of an archive.

    Raises:
        SavingError: a layer misses its files, or cannot use them.
    """
    below: dict[str, dict[str, bytes]] = {}
    for name, data in members.items():
        if name.startswith(ASSETS):
            folder, _, file = name.removeprefix(ASSETS).rpartition("/")
            below.setdefault(folder, {})[file] = data
    for path, thing in saveables(model):
        if hasattr(thing, "read_assets"):
            try:
                thing.read_assets(below.get(path, {}))
            except SavingError as error:
                raise type(error)(f"{origin}: {error}") from error
        elif hasattr(thing, "load_assets"):
            _hand_over(thing, members, f"{ASSETS}{path}/" if path else ASSETS)


def _hand_over(thing: Any, members: Mapping[str, bytes], prefix: str) -> None:
    """Let a user's layer read its files from a folder."""
    with tempfile.TemporaryDirectory() as folder:
        for name, data in members.items():
            if name.startswith(prefix):
                file = Path(folder, name.removeprefix(prefix))
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(data)
        thing.load_assets(folder)
