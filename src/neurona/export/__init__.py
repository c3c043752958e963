"""Models as files that other programs run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from neurona.errors import ArgumentError, NotBuiltError
from neurona.export.onnx import to_onnx
from neurona.layers.base import map_shapes
from neurona.saving.atomic import atomic_file
from neurona.symbolic import KerasTensor, flatten, map_structure

__all__ = ["export_model"]

_ELSEWHERE = ("tf_saved_model", "openvino", "litert", "torch")


def export_model(
    model: Any,
    filepath: Any,
    format: str = "onnx",
    verbose: bool | None = None,
    input_signature: Any = None,
    opset_version: int | None = None,
    **kwargs: Any,
) -> None:
    """Write what a model computes at rest to a file that other programs run.

    Args:
        model: built; one that was not drawn needs an `input_signature`, or must have been called.
        filepath: where to write.
        format: "onnx".
        verbose: whether to say where the file lies.
        input_signature: nested `InputSpec` or symbolic tensors, in place of the model's own inputs; `None` in a shape
            is an open axis.
        opset_version: the version of ONNX's operators; 18 by default.

    Raises:
        ArgumentError: another format.
        NotBuiltError: shapes that nobody told.
        SavingError: something in the model has no counterpart in ONNX; the layer is named.
    """
    if format != "onnx":
        known = f" Keras itself writes '{format}': load this model's .keras file there." if format in _ELSEWHERE else ""
        raise ArgumentError(f"Unrecognized format={format}. Supported formats are: ['onnx'].{known}")
    if kwargs:
        raise ArgumentError(f"export(format='onnx') takes no such arguments. Received: {sorted(kwargs)}.")
    symbols = _symbols(model, input_signature)
    data = to_onnx(model, symbols, _names(model), opset_version)
    path = Path(os.fspath(filepath))
    with atomic_file(path) as stream:
        stream.write(data)
    if verbose:
        print(f"Saved artifact at '{path}'.")


def _names(model: Any) -> Sequence[str]:
    names: Sequence[str] = getattr(model, "output_names", ())
    return names


def _symbols(model: Any, signature: Any) -> Any:
    """The inputs, as symbolic tensors with names."""
    if signature is None:
        if getattr(model, "_graph", None) is not None:
            return map_structure(_plain, model.input)
        shapes = model._build_shapes if model.built else None
        if not shapes:
            raise NotBuiltError(
                f"Exporting '{model.name}' needs the shapes of its inputs: call it once, or pass an input_signature, such "
                "as [neurona.layers.InputSpec(shape=(None, 3), dtype='float32')]."
            )
        wanted: Any = next(iter(shapes.values())) if len(shapes) == 1 else list(shapes.values())
        signature = map_shapes(lambda shape: KerasTensor((None, *shape[1:]), model.compute_dtype), wanted)
    elif isinstance(signature, (list, tuple)) and len(signature) == 1:
        (signature,) = signature  # Keras's way of saying: one argument
    count = len(flatten(signature))
    numbers = iter(range(count))

    def symbol(leaf: Any) -> KerasTensor:
        number = next(numbers)
        name = getattr(leaf, "name", None) or ("input" if count == 1 else f"input_{number}")
        return KerasTensor(tuple(leaf.shape), str(leaf.dtype or "float32"), name=name)

    return map_structure(symbol, signature)


def _plain(symbol: KerasTensor) -> KerasTensor:
    """The symbol under the name of the Input that made it."""
    name = symbol.node.operation.name if symbol.node is not None else symbol.name
    return KerasTensor(symbol.shape, symbol.dtype, name=name)
