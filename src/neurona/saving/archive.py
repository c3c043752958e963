"""The ``.keras`` archive: a zip of config.json, metadata.json, model.weights.h5 and the vocabularies of layers.

Reading it never runs code and never opens another file: classes come from the registry alone, and the archive's own
members are the only ones read, within a budget.
"""

from __future__ import annotations

import json
import os
import time
import zipfile
from pathlib import Path
from typing import Any

from neurona.errors import SavingError
from neurona.registry import deserialize_keras_object, serialize_keras_object
from neurona.saving.assets import read_assets, write_assets
from neurona.saving.atomic import atomic_file
from neurona.saving.members import MEMBERS, read_members
from neurona.saving.weights import read_weights, write_weights

__all__ = ["load_model", "save_model"]

# The version of Keras whose format this is; Keras refuses files without one.
FORMAT_VERSION = "3.15.0"


def save_model(model: Any, filepath: Any, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any) -> None:
    """Write the whole model to a ``.keras`` file: layers, weights, compilation, optimizer state.

    Raises:
        SavingError: another ending, an existing file with ``overwrite=False``, a full disk; an old file stays whole.
    """
    if zipped is False or kwargs:
        raise SavingError(f"Only zipped `.keras` files are written. Received: zipped={zipped}, {sorted(kwargs)}.")
    path = Path(os.fspath(filepath))
    if path.suffix != ".keras":
        raise SavingError(
            f"The filepath must end with the extension `.keras`. Received: filepath={filepath}. "
            "For weights alone use save_weights() with `.weights.h5`."
        )
    if path.exists() and not overwrite:
        raise SavingError(f"{path} exists. Pass overwrite=True to replace it.")
    config = json.dumps(serialize_keras_object(model))
    metadata = json.dumps({"keras_version": FORMAT_VERSION, "date_saved": time.strftime("%Y-%m-%d@%H:%M:%S")})
    contents = dict(zip(MEMBERS, (metadata.encode(), config.encode(), write_weights(model)), strict=True))
    contents |= write_assets(model)
    with atomic_file(path) as stream, zipfile.ZipFile(stream, "w") as archive:
        for name, data in contents.items():
            archive.writestr(name, data)


def load_model(
    filepath: Any, custom_objects: dict[str, Any] | None = None, compile: bool = True, safe_mode: bool = True
) -> Any:
    """The model in a ``.keras`` file, ready to go on.

    Args:
        custom_objects: the user's own classes and functions by name, besides the registered ones.
        compile: whether to compile it as it was.
        safe_mode: accepted for Keras's sake; code is never read from a file either way.

    Raises:
        SavingError: the file is missing, damaged or asks for classes that are unknown.
    """
    path = Path(os.fspath(filepath))
    members = read_members(path)
    try:
        config = json.loads(members["config.json"])
    except (ValueError, RecursionError) as error:
        raise SavingError(f"{path}: config.json is not readable JSON ({error}).") from error
    if not compile:
        config.pop("compile_config", None)
    model = deserialize_keras_object(config, custom_objects)
    read_weights(model, members["model.weights.h5"], str(path))
    read_assets(model, members, str(path))
    return model
