"""The ``.keras`` archive: a zip of config.json, metadata.json, model.weights.h5 and the vocabularies of layers.

With ``zipped=False`` the same members are files of a folder. Reading never runs code and never opens another file: classes
come from the registry alone, and the archive's own members are the only ones read, within a budget.
"""

from __future__ import annotations

import json
import os
import time
import zipfile
from pathlib import Path
from typing import Any

from neurona.errors import ArgumentError, SavingError
from neurona.layers.base import Layer
from neurona.registry import KERAS_VERSION, deserialize_keras_object, serialize_keras_object
from neurona.saving.assets import read_assets, write_assets
from neurona.saving.atomic import atomic_file
from neurona.saving.folders import is_model_folder, read_folder, recover, write_folder
from neurona.saving.guard import guarded
from neurona.saving.json_reader import read_json
from neurona.saving.legacy import load_whole_model, modern, save_whole_model
from neurona.saving.members import MEMBERS, read_members
from neurona.saving.weights import read_weights, write_weights
from neurona.sharing import sharing

__all__ = ["load_model", "save_model"]

OLDER = (".h5", ".hdf5")  # endings of the older format for whole models


def save_model(model: Any, filepath: Any, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any) -> None:
    """Write the whole model to a ``.keras`` file: layers, weights, compilation, optimizer state.

    Args:
        model: it may be unbuilt; then it has no weights yet.
        filepath: ends in ``.keras``, or is a folder with ``zipped=False``; ``.h5`` and ``.hdf5`` mean the older format.
        overwrite: whether an existing file may be replaced.
        zipped: False writes a folder with the archive's members as files.
        kwargs: `include_optimizer`, for the older format; `save_format`, accepted for the sake of older programs.

    Raises:
        SavingError: another ending, an existing file with ``overwrite=False``, a full disk; an old file stays whole.
    """
    unknown = set(kwargs) - {"include_optimizer", "save_format"}
    if unknown:
        raise ArgumentError(f"The following argument(s) are not supported: {sorted(unknown)}")
    path = Path(os.fspath(filepath))
    if zipped is False and path.suffix == ".keras":
        raise SavingError(
            f"When using `zipped=False`, the `filepath` argument should not end in `.keras`. Received: filepath={filepath}"
        )
    if zipped is not False and path.suffix not in (".keras", *OLDER):
        if kwargs.get("save_format"):
            raise SavingError(
                "The `save_format` argument is deprecated: the ending tells the format, `.keras` or `.h5`. "
                f"Received: save_format={kwargs['save_format']!r}, filepath={filepath}."
            )
        raise SavingError(
            "Invalid filepath extension for saving: the filepath must end with the extension `.keras` (or `.h5`, an older "
            f"format). Received: filepath={filepath}. For weights alone use save_weights() with `.weights.h5`."
        )
    if path.exists() and not overwrite:
        raise SavingError(f"{path} exists. Pass overwrite=True to replace it.")
    if zipped is not False and path.suffix in OLDER:
        save_whole_model(model, path, kwargs.get("include_optimizer", True))
        return
    with sharing():
        config = json.dumps(serialize_keras_object(model))
    metadata = json.dumps({"keras_version": KERAS_VERSION, "date_saved": time.strftime("%Y-%m-%d@%H:%M:%S")})
    contents = dict(zip(MEMBERS, (metadata.encode(), config.encode(), write_weights(model)), strict=True))
    contents |= write_assets(model)
    if zipped is False:
        write_folder(path, contents)
        return
    with atomic_file(path) as stream, zipfile.ZipFile(stream, "w") as archive:
        for name, data in contents.items():
            archive.writestr(name, data)


def load_model(
    filepath: Any, custom_objects: dict[str, Any] | None = None, compile: bool = True, safe_mode: bool = True
) -> Any:
    """The model in a ``.keras`` file or folder, or in an older ``.h5`` file, ready to go on.

    Args:
        filepath: the file, or the folder that `save_model` wrote with ``zipped=False``.
        custom_objects: the user's own classes and functions by name, besides the registered ones.
        compile: whether to compile it as it was.
        safe_mode: accepted for Keras's sake; code is never read from a file either way.

    Raises:
        SavingError: the file is missing, damaged or asks for classes that are unknown.
    """
    path = Path(os.fspath(filepath))
    recover(path)
    if not path.is_file() and not is_model_folder(path):
        raise SavingError(_not_there(path, filepath))
    if path.suffix in OLDER:
        return load_whole_model(path, custom_objects, compile)
    members = read_folder(path) if path.is_dir() else read_members(path)
    config = read_json(members["config.json"], f"{path}: config.json")
    if not isinstance(config, dict):
        raise SavingError(f"{path}: config.json describes no model. Received: {type(config).__name__}.")
    if not compile:
        config.pop("compile_config", None)
    with guarded(str(path), len(members["model.weights.h5"])), sharing():
        model = deserialize_keras_object(modern(config, version=_version(members, path)), custom_objects)
        if not isinstance(model, Layer):  # a model is one too, and so is a FeatureSpace
            raise SavingError(f"{path}: config.json describes no model. Received: {type(model).__name__}.")
        read_weights(model, members["model.weights.h5"], str(path), fresh=True)
        read_assets(model, members, str(path))
    return model


def _not_there(path: Path, filepath: Any) -> str:
    """Why there is no model at a place."""
    if path.suffix in OLDER:
        return f"File not found: filepath={filepath}. Please ensure the file is an accessible `{path.suffix}` file."
    if path.suffix == ".keras":
        return f"File not found: filepath={filepath}. Please ensure the file is an accessible `.keras` zip file."
    if filepath and path.is_dir():
        return f"The folder {filepath} holds no model: config.json is missing."
    told = str(filepath) or repr("")
    return (
        f"File format not supported: filepath={told}. Expected a `.keras` file that exists, a folder that was saved with "
        "zipped=False, or an older `.h5` or `.hdf5` file."
    )


def _version(members: dict[str, bytes], path: Path) -> str:
    """Which Keras wrote the file."""
    metadata = read_json(members["metadata.json"], f"{path}: metadata.json")
    return str(metadata.get("keras_version")) if isinstance(metadata, dict) else ""
