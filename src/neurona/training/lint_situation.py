"""Situation: what the lint looks at: a sample of the data, and what is known of the model's ends.

A sample is a fixed choice of rows, at most some two megabytes in all, so that looking costs the same for a
thousand samples and for a million. Leans on NumPy and the registry's loss names; asks the model for
attributes only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurona import registry
from neurona.names import snake_case
from neurona.symbolic import flatten
from neurona.tensor import Array
from neurona.training.data_arrays import holds_arrays, to_arrays
from neurona.training.py_dataset import PyDataset

__all__ = ["Output", "Situation", "sample", "situation_of"]

_INPUT_BYTES = 1_200_000
_TARGET_BYTES = 600_000

# Layers that bring inputs to a common scale, or turn them into something else altogether; what a Lambda does
# is
# unknown, so it counts as one.
_NORMALISING = {
    "BatchNormalization", "CategoryEncoding", "Discretization", "GroupNormalization", "Hashing",
    "IntegerLookup", "Lambda", "LayerNormalization", "Normalization", "RMSNormalization", "Rescaling",
    "StringLookup", "TextVectorization", "UnitNormalization",
}  # fmt: skip


@dataclass
class Output:
    """One output of the model and its targets.

    Attributes:
        y: the targets of all samples, or ``None``.
        loss: the loss's name in snake case, or ``None`` if it is the user's own.
        from_logits: whether the loss expects raw numbers, not probabilities.
        ignore_class: the label that the loss leaves out.
        units: the length of the output's last axis; ``None`` if unknown.
        activation: of the last layer: "linear" for none, ``None`` if unknown.
        rank: the number of the output's axes, the batch's included; ``None`` if unknown.
    """

    y: Array | None = None
    loss: str | None = None
    from_logits: bool = False
    ignore_class: int | None = None
    units: int | None = None
    activation: str | None = None
    rank: int | None = None


@dataclass
class Situation:
    """What is about to be trained on what.

    Attributes:
        x: the inputs, all samples of each.
        outputs: the outputs with their targets.
        shuffle: whether the samples are mixed each epoch.
        validation_split: the share that was or will be cut off from the end.
        scaled: the model itself brings its inputs to a common scale.
        embeds: the model looks numbers up in a table (words), wherever that table lies in it.
        reads_last: for inputs that are looked up without a mask and then read by a recurrent layer that returns only
            its last output: the input's index and the layer's class; of a `Bidirectional` with the class within it,
            for one of its halves does so. A subclassed model is passed over: its `call` may give masks by hand.
    """

    x: list[Array] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    shuffle: bool = True
    validation_split: float = 0.0
    scaled: bool = False
    embeds: bool = False
    reads_last: dict[int, str] = field(default_factory=dict)


def sample(array: Array, size: int) -> Array:
    """A fixed choice of rows of `array`, in their order, of at most about `size` bytes.

    >>> sample(np.arange(5), 1000)
    array([0, 1, 2, 3, 4])
    """
    rows = max(len(array), 1)
    row = max(array.nbytes // rows, 1)
    wanted = max(size // row, 1)
    if wanted < rows:
        # drawn, not every k-th: labels that repeat with a period would show one class only
        array = array[np.unique(np.random.default_rng(0).integers(0, rows, wanted))]
    if row > size:
        array = array.reshape(len(array), -1)[:, :: -(-row // size)]
    return array


def sample_inputs(situation: Situation) -> Iterator[tuple[int, Array]]:
    """The inputs of numbers with their index, as much of each as the lint may look at."""
    for index, x in enumerate(situation.x):
        if x.dtype.kind in "fiub" and x.size:
            yield index, sample(x, _INPUT_BYTES // len(situation.x))


def sample_targets(output: Output, share: int = 1) -> Array | None:
    """As much of the targets as the lint may look at; ``None`` where there are no numbers."""
    y = output.y
    if y is None or y.dtype.kind not in "fiub" or not y.size:
        return None
    return sample(y, _TARGET_BYTES // share)


# -- what the model tells -----------------------------------------------------------------------------------


def situation_of(model: Any, x: Any, y: Any, shuffle: bool, validation_split: float) -> Situation:
    """The situation of ``model.fit(x, y)``; what cannot be found out stays unknown."""
    inputs = targets = []
    if not isinstance(x, PyDataset) and holds_arrays(x) and x is not None:
        inputs = [a for a in flatten(to_arrays(x)) if a is not None]
        targets = _by_name(to_arrays(y), getattr(model, "output_names", None))
    ends = _ends(model)
    count = max(len(targets), len(ends), 1)
    losses = _losses(model, count)
    outputs = []
    for i in range(count):
        layer, shape = ends[i] if i < len(ends) else (None, None)
        loss = losses[i]
        outputs.append(
            Output(
                y=targets[i] if i < len(targets) else None,
                loss=_loss_name(loss),
                from_logits=bool(_setting(loss, "from_logits")),
                ignore_class=_setting(loss, "ignore_class"),
                units=getattr(layer, "units", None) or (shape[-1] if shape and len(shape) > 1 else None),
                activation=_activation(layer),
                rank=len(shape) if shape else None,
            )
        )
    scaled, embeds = _first_layers(model)
    return Situation(inputs, outputs, shuffle, validation_split, scaled, embeds, _reads_last(model))


def _by_name(structure: Any, names: list[str] | None) -> list[Any]:
    if isinstance(structure, dict) and names and set(structure) <= set(names):
        return [structure.get(name) for name in names]
    return [] if structure is None else flatten(structure)


def _ends(model: Any) -> list[tuple[Any, Any]]:
    """For each output the layer that makes it and its shape."""
    outputs = [t for t in flatten(getattr(model, "outputs", None) or []) if hasattr(t, "shape")]
    layers = list(getattr(model, "layers", None) or [])
    if type(model).__name__ == "Sequential" and layers:
        return [(layers[-1], tuple(outputs[0].shape) if outputs else None)]
    return [(getattr(getattr(t, "node", None), "operation", None), tuple(t.shape)) for t in outputs]


def _losses(model: Any, count: int) -> list[Any]:
    told = getattr(model, "loss", None)
    if isinstance(told, dict):
        names = getattr(model, "output_names", None) or []
        told = [told.get(name) for name in names]
    found = list(told) if isinstance(told, (list, tuple)) else [told] * count
    return (found + [None] * count)[:count]


def _loss_name(loss: Any) -> str | None:
    if isinstance(loss, str):
        known = registry.table("keras.losses").get(loss, registry.table("keras.losses").get(loss.lower()))
        return snake_case(getattr(known, "__name__", loss))
    fn = getattr(loss, "fn", loss)
    name = getattr(fn, "__name__", None) or (None if loss is None else type(loss).__name__)
    return None if name is None else snake_case(name)


def _setting(loss: Any, name: str) -> Any:
    settings = getattr(loss, "_fn_kwargs", None) or {}
    return settings.get(name, getattr(loss, name, None))


def _activation(layer: Any) -> str | None:
    if layer is None:
        return None
    if type(layer).__name__ in ("Softmax", "ReLU", "LeakyReLU", "ELU", "PReLU"):
        return snake_case(type(layer).__name__)
    if not hasattr(layer, "activation"):
        return None
    return "linear" if layer.activation is None else getattr(layer.activation, "__name__", None)


def _first_layers(model: Any) -> tuple[bool, bool]:
    """Whether a layer before the first product scales the inputs, and whether any layer looks numbers up."""
    scaled = False
    for layer in _all_layers(model):
        scaled |= type(layer).__name__ in _NORMALISING
        in_order = type(model).__name__ in ("Sequential", "Functional")
        if in_order and any(hasattr(layer, width) for width in ("units", "filters", "kernel_size")):
            break
    return scaled, any(type(layer).__name__ == "Embedding" for one in _all_layers(model) for layer in _within(one))


def _within(layer: Any) -> list[Any]:
    """A layer and those in it: a user's own layer may hold the table."""
    return list(layer._flatten_layers()) if hasattr(layer, "_flatten_layers") else [layer]


def _all_layers(model: Any) -> Iterator[Any]:
    for layer in getattr(model, "layers", None) or []:
        if getattr(layer, "layers", None):
            yield from _all_layers(layer)
        else:
            yield layer


# -- recurrent layers without a mask ------------------------------------------------------------------------

_RECURRENT = {"GRU", "LSTM", "RNN", "SimpleRNN"}
# Layers that keep the times in their order, so that padding stays at the end.
_IN_ORDER = {
    "Activation", "AveragePooling1D", "BatchNormalization", "Conv1D", "Dense", "Dropout", "GaussianDropout",
    "GaussianNoise", "Identity", "LayerNormalization", "LeakyReLU", "MaxPooling1D", "ReLU", "SeparableConv1D",
    "SpatialDropout1D", "TimeDistributed",
}  # fmt: skip


def _reads_last(model: Any) -> dict[int, str]:
    """See `Situation.reads_last`; a chain that is not plainly one is passed over."""
    found: dict[int, str] = {}
    inputs = {id(t): i for i, t in enumerate(flatten(getattr(model, "inputs", None) or []))}
    for layer in _all_layers(model):
        if not _gives_last(layer):
            continue
        index = _looked_up(layer, inputs) if getattr(layer, "_nodes", None) else _first_in(model, layer)
        if index is not None:
            half = getattr(layer, "forward_layer", None)
            found[index] = type(layer).__name__ + (f"({type(half).__name__})" if half is not None else "")
    return found


def _gives_last(layer: Any) -> bool:
    if getattr(layer, "return_sequences", True):
        return False
    if type(layer).__name__ == "Bidirectional":  # whichever way its halves read, one meets the end last
        return type(layer.forward_layer).__name__ in _RECURRENT
    return type(layer).__name__ in _RECURRENT and not getattr(layer, "go_backwards", False)


def _passes(layer: Any) -> bool:
    name = type(layer).__name__
    reads = name in _RECURRENT or name == "Bidirectional"
    return name in _IN_ORDER or (reads and getattr(layer, "return_sequences", False))


def _is_unmasked_table(layer: Any) -> bool:
    return type(layer).__name__ == "Embedding" and not getattr(layer, "mask_zero", False)


def _looked_up(layer: Any, inputs: dict[int, int]) -> int | None:
    """The index of the input that a drawn layer reads through a table, without a mask."""
    while layer._nodes:
        node = layer._nodes[0]
        if len(layer._nodes) > 1 or not node.args or node.kwargs.get("mask") is not None:
            return None
        before = node.args[0]
        if getattr(before, "_keras_mask", None) is not None:
            return None
        if _is_unmasked_table(layer):
            return inputs.get(id(before))
        layer = getattr(getattr(before, "node", None), "operation", None)
        if layer is None or not hasattr(layer, "_nodes") or not (_passes(layer) or _is_unmasked_table(layer)):
            return None
    return None


def _first_in(model: Any, layer: Any) -> int | None:
    """0 where a Sequential model that was not drawn yet begins with a table and goes straight on to `layer`."""
    layers = list(getattr(model, "layers", None) or [])
    if type(model).__name__ != "Sequential" or layer not in layers or not _is_unmasked_table(layers[0]):
        return None
    return 0 if all(_passes(one) for one in layers[1 : layers.index(layer)]) else None
