"""What earlier versions of Keras called as Keras 3.15 does, and meant otherwise."""

from __future__ import annotations

import re
from typing import Any

from neurona import ops
from neurona.registry import register_keras_serializable

__all__ = ["of_older", "steep_sigmoid"]


@register_keras_serializable("neurona")
def steep_sigmoid(x: Any) -> Any:
    """The "hard_sigmoid" of Keras 2: 0.2 x + 0.5 between 0 and 1. That of Keras 3 has the slope 1/6.

    >>> steep_sigmoid([-3.0, 0.0, 1.0])
    Tensor([0. , 0.5, 0.7], dtype=float32)
    """
    return ops.clip(ops.add(ops.multiply(x, 0.2), 0.5), 0.0, 1.0)


def of_older(described: Any, version: str) -> Any:
    """A description without what meant something else when `version` of Keras wrote it.

    Before 3.11 a model's only input or output stood in a list. Before 3 layers noted their shapes in another way; they
    are left out, for they follow from the model's inputs.
    """
    number = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    return described if number >= (3, 11) or not number else _changed(described, number)


def _changed(described: Any, number: tuple[int, ...]) -> Any:
    if isinstance(described, list):
        return [_changed(item, number) for item in described]
    if not isinstance(described, dict):
        return described
    inner = described.get("config")
    of_a_layer = isinstance(inner, dict) and "layers" not in inner
    found = {}
    for key, value in described.items():
        if number < (3,) and key == "build_config" and of_a_layer:
            continue
        if key in ("input_layers", "output_layers") and isinstance(value, list) and len(value) == 1:
            value = value[0]
        elif number < (3,) and key.endswith("activation") and value == "hard_sigmoid":
            value = {"module": "builtins", "class_name": "function", "config": "steep_sigmoid"}
            value["registered_name"] = "neurona>steep_sigmoid"
        found[key] = _changed(value, number)
    return found
