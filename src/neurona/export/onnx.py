"""A model as an ONNX file: its recorded ops, each written by its translator.

    model ──record──> steps at several sizes ──TRANSLATORS──> nodes ──check──> m.onnx

The file holds the model as it computes at rest: what only training does (dropout, noise, augmentation) is not in it. Axes
that are open in the model's inputs, the batch first of all, are open in the file.

Source: the ONNX specification, onnx.ai/onnx/operators.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from neurona.errors import ArgumentError, SavingError
from neurona.export import (
    elementwise,
    fourier,
    products,
    reductions,
    searching,
    sequences,
    shapes,
    windows,
)  # they fill the table
from neurona.export.graph import Graph
from neurona.export.recording import Length, Recording, Value, record
from neurona.export.table import TRANSLATORS

__all__ = ["OPSETS", "to_onnx"]

FAMILIES = (elementwise, fourier, products, reductions, searching, sequences, shapes, windows)
OPSETS = (18, 23)  # the versions of ONNX's operators, from and to, in which the nodes mean the same
_DEFAULT_OPSET = 18


def to_onnx(model: Any, symbols: Any, output_names: Sequence[str], opset_version: int | None = None) -> bytes:
    """The bytes of an ONNX file that computes what `model` computes at rest.

    Args:
        model: called with tensors nested as `symbols` are.
        symbols: nested symbolic tensors: names, shapes and types of the inputs.
        output_names: a name for each output; others are made where there are too few.
        opset_version: the version of ONNX's operators, 18 by default.

    Raises:
        ArgumentError: another version.
        SavingError: the package onnx is missing, or the model computes something that ONNX has no operators for.
    """
    try:
        import onnx
    except ImportError as error:
        raise SavingError("ONNX files need the package onnx: pip install 'neurona[onnx]'.") from error
    opset = _DEFAULT_OPSET if opset_version is None else opset_version
    if not isinstance(opset, int) or not OPSETS[0] <= opset <= min(OPSETS[1], onnx.defs.onnx_opset_version()):
        raise ArgumentError(
            f"Expected an opset_version from {OPSETS[0]} to {OPSETS[1]} that the installed package onnx "
            f"({onnx.__version__}) knows. Received: opset_version={opset_version}."
        )
    recording = record(lambda tensors: model(tensors, training=False), symbols, model.name)
    g = Graph(recording, model.name)
    for step in recording.steps:
        g.begin(step)
        write = TRANSLATORS.get(step.op.name)
        if write is None:
            raise g.refuse(f"nothing in ONNX stands for its op '{step.op.name}'")
        if any(x.dtype.kind in "OSU" for x in step.outputs):
            raise g.refuse("it computes with texts, which only its Python program knows")
        names = write(g, step)
        made = [names] if isinstance(names, str) else names
        g.names |= {id(value): name for value, name in zip(step.outputs, made, strict=True)}
    outputs = _named_outputs(g, recording, output_names)
    graph = g.helper.make_graph(
        _read_nodes(g, outputs),
        model.name,
        [_described(g, g.names[id(value)], value, recording) for value in recording.inputs],
        [_described(g, name, value, recording) for name, value in zip(outputs, recording.outputs, strict=True)],
        [g.numpy_helper.from_array(np.array(g.constants[name], order="C"), name) for name in _read_constants(g)],
    )
    opsets = [g.helper.make_opsetid("", opset)]
    proto = g.helper.make_model(
        graph, opset_imports=opsets, ir_version=g.helper.find_min_ir_version_for(opsets), producer_name="neurona"
    )
    try:
        onnx.checker.check_model(proto, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise SavingError(
            f"Cannot export '{model.name}': ONNX's own check refuses what it computes: {error}"
        ) from error
    data: bytes = proto.SerializeToString()
    return data


def _named_outputs(g: Graph, recording: Recording, wanted: Sequence[str]) -> list[str]:
    """The outputs under names of their own."""
    g.step, names = None, []
    for number, value in enumerate(recording.outputs):
        name = g.fresh(wanted[number] if number < len(wanted) else f"output_{number}")
        g.nodes.append(g.helper.make_node("Identity", [g.given(value)], [name], name=f"{name}/out"))
        names.append(name)
    return names


def _read_nodes(g: Graph, outputs: Sequence[str]) -> list[Any]:
    """The nodes whose results anything reads."""
    read, kept = set(outputs), []
    for node in reversed(g.nodes):
        if any(name in read for name in node.output):
            kept.append(node)
            read.update(node.input)
            for setting in node.attribute:
                read.update(name for inner in setting.g.node for name in inner.input)
    g.nodes = kept[::-1]
    return g.nodes


def _read_constants(g: Graph) -> list[str]:
    read = {name for node in g.nodes for name in node.input}
    read |= {name for node in g.nodes for a in node.attribute for inner in a.g.node for name in inner.input}
    return [name for name in g.constants if name in read]


def _described(g: Graph, name: str, value: Value, recording: Recording) -> Any:
    """An input or an output with its type and shape; open axes carry names, equal ones the same."""
    names: dict[Length, str] = {}
    for entry in recording.inputs:
        for axis, n in enumerate(entry.shape):
            if isinstance(n, Length):
                names.setdefault(n, f"{g.names[id(entry)]}_axis_{axis}" if axis else "batch")
    shape = [names.get(n, f"{name}_axis_{axis}") if isinstance(n, Length) else n for axis, n in enumerate(value.shape)]
    return g.helper.make_tensor_value_info(name, g.type_of(np.dtype(value.dtype)), shape)
