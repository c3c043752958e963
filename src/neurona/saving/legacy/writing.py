"""Writing the older whole-model ``.h5`` file, so that real Keras 3 opens it."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neurona.errors import SavingError
from neurona.names import snake_case
from neurona.registry import KERAS_VERSION, serialize_keras_object, table
from neurona.saving.atomic import atomic_file
from neurona.saving.legacy.weights import ordered_weights
from neurona.variable import Variable

__all__ = ["save_whole_model"]

_LARGEST_ATTRIBUTE = 64512  # bytes: HDF5 keeps attributes in an object's header, which has 64 kB


def save_whole_model(model: Any, path: Path, include_optimizer: bool = True) -> None:
    """Write a model to an older ``.h5`` file: description, weights, and how it was compiled.

    Words that a layer has learned (`TextVectorization` and its like) have no place in this format, and real Keras 3 opens
    the file but does not take the optimizer's state from it; a ``.keras`` file keeps both.

    Args:
        model: it may be unbuilt; then it has no weights yet.
        path: the file; an existing one is replaced in one step.
        include_optimizer: whether to write how the model was compiled and the optimizer's state.

    Raises:
        SavingError: a name that is too long for the format, or a full disk; an old file stays whole.
    """
    import h5py

    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.attrs["keras_version"] = KERAS_VERSION.encode()
        file.attrs["backend"] = b"tensorflow"
        _write_json(file, "model_config", _described(model))
        _write_weights(file.create_group("model_weights"), model)
        if include_optimizer and model.compiled and getattr(model, "optimizer", None) is not None:
            _write_json(file, "training_config", _compilation(model))
            if model.optimizer.variables:
                _write_arrays(file.create_group("optimizer_weights"), model.optimizer.variables)
    with atomic_file(path) as stream:
        stream.write(buffer.getvalue())


def _described(model: Any) -> dict[str, Any]:
    """The model without its module, which this format does not know; with its input's shape, for a model that only that
    can build again."""
    described = serialize_keras_object(model)
    name = described["registered_name"] or described["class_name"]
    shape = {"build_config": described["build_config"]} if "build_config" in described else {}
    return {"class_name": name, "config": described["config"], **shape}


def _compilation(model: Any) -> dict[str, Any]:
    told = dict(model.get_compile_config() or {})
    optimizer = told.pop("optimizer")
    told["loss"] = _full_names(told.get("loss"))
    return {**told, "optimizer_config": {key: optimizer[key] for key in ("class_name", "config")}}


def _full_names(loss: Any) -> Any:
    """Losses by their full names: in this format Keras 3 cannot read "mse" and its like."""
    if isinstance(loss, str):
        found = table("keras.losses").get(loss)
        return loss if found is None else snake_case(found.__name__)
    if isinstance(loss, list):
        return [_full_names(one) for one in loss]
    if isinstance(loss, dict) and "class_name" not in loss:
        return {key: _full_names(one) for key, one in loss.items()}
    return loss


def _write_json(file: Any, name: str, value: Any) -> None:
    """Keep a description in an attribute; a long one lies outside of the header, which HDF5 does by itself."""
    file.attrs[name] = json.dumps(value).encode()


def _write_weights(group: Any, model: Any) -> None:
    layers = [layer for layer in model.layers if type(layer).__name__ != "Operation"]
    _write_names(group, "layer_names", [layer.name for layer in layers])
    group.attrs["backend"] = b"tensorflow"
    group.attrs["keras_version"] = KERAS_VERSION.encode()
    for layer in sorted(layers, key=lambda one: str(one.name)):
        _write_arrays(group.create_group(layer.name), ordered_weights(layer))
    _write_arrays(group.create_group("top_level_model_weights"), model._own_variables())


def _write_arrays(group: Any, variables: Sequence[Variable]) -> None:
    names: list[str] = []
    for variable in variables:
        name, count = variable.path, 1
        while name in names:
            name, count = f"{variable.path}_{count}", count + 1
        names.append(name)
        group.create_dataset(name, data=variable.numpy())
    _write_names(group, "weight_names", names)


def _write_names(group: Any, attribute: str, names: list[str]) -> None:
    """Write a list of names, in as many parts as it takes to fit into the header."""
    encoded = [name.encode() for name in names]
    if any(len(name) > _LARGEST_ATTRIBUTE for name in encoded):
        raise SavingError(f"A name of more than {_LARGEST_ATTRIBUTE} bytes cannot be saved in this format.")
    parts, whole = 1, np.asarray(encoded) if encoded else np.zeros(0)
    while any(part.nbytes > _LARGEST_ATTRIBUTE for part in np.array_split(whole, parts)):
        parts += 1
    if parts == 1:
        group.attrs[attribute] = encoded
    else:
        for i, part in enumerate(np.array_split(whole, parts)):
            group.attrs[f"{attribute}{i}"] = part
