"""Masks that tensors carry from layer to layer, as Keras hands them on.

A mask is a tensor of bools on a tensor's `_keras_mask`: false where a sequence was only filled up. An `Embedding` or a
`Masking` makes it; `Layer.__call__` hands it to the `call` of layers that ask for it and lets `compute_mask` say which
one the output carries. A layer that does not know masks drops it, and says so.
"""

from __future__ import annotations

from typing import Any

from neurona.symbolic import KerasTensor, flatten, map_structure
from neurona.tensor import Tensor
from neurona.warn import warn_caller

__all__ = ["fill_in", "mask_of", "masks_of", "pass_on", "previous_mask"]


def mask_of(leaf: Any) -> Any:
    """The mask that a tensor carries, or ``None``."""
    return getattr(leaf, "_keras_mask", None)


def masks_of(structure: Any) -> Any:
    """The masks of nested tensors in the same nesting; plain ``None`` where not one carries any."""
    if isinstance(structure, (Tensor, KerasTensor)):
        return structure._keras_mask
    if not isinstance(structure, (list, tuple, dict)):
        return None
    masks = map_structure(mask_of, structure)
    return None if all(mask is None for mask in flatten(masks)) else masks


def fill_in(parameters: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Give `call` the masks of its arguments where it asks for them and the caller gave none.

    One tensor (or nest of tensors) among the arguments: its mask is `mask`. Several: the mask of `query` is
    `query_mask`, and `mask` stays empty.

    Args:
        parameters: the names that `call` knows, in their order.
        args, kwargs: the arguments; masks are put into `kwargs`.
    """
    given = {**dict(zip(parameters, args, strict=False)), **kwargs}
    tensors = {name: value for name, value in given.items() if _is_tensors(value)}
    names = {name: "mask" if len(tensors) == 1 else f"{name}_mask" for name in tensors}
    for argument, name in names.items():
        if name in parameters and given.get(name) is None:
            mask = masks_of(tensors[argument])
            if mask is not None:
                kwargs[name] = mask


def _is_tensors(value: Any) -> bool:
    if isinstance(value, (Tensor, KerasTensor)):
        return True
    if not isinstance(value, (list, tuple, dict)):
        return False
    leaves = [leaf for leaf in flatten(value) if leaf is not None]
    return bool(leaves) and all(isinstance(leaf, (Tensor, KerasTensor)) for leaf in leaves)


def previous_mask(first: Any, kwargs: dict[str, Any]) -> Any:
    """The mask that `compute_mask` starts from: the one that was given, else that of the first argument."""
    given = kwargs.get("mask")
    return masks_of(first) if given is None else given


def pass_on(layer: Any, first: Any, previous: Any, outputs: Any) -> None:
    """Let the outputs carry what the layer makes of the mask before it; warn where the layer drops it.

    Outputs that carry a mask already (set by the layer's own `call`, or by the layers in a model) keep it.
    """
    leaves = flatten(outputs)
    bare = [leaf for leaf in leaves if isinstance(leaf, (Tensor, KerasTensor)) and leaf._keras_mask is None]
    if not bare or layer._leaves_masks:
        return
    if not layer.supports_masking:
        if any(mask is not None for mask in flatten(previous)):
            warn_caller(
                f"Layer '{layer.name}' (of type {type(layer).__name__}) was passed an input with a mask attached to "
                "it. However, this layer does not support masking and will therefore destroy the mask information. "
                "Downstream layers will not see the mask.",
            )
        return
    for leaf, mask in zip(leaves, flatten(layer.compute_mask(first, previous)), strict=False):
        if mask is not None and isinstance(leaf, (Tensor, KerasTensor)) and leaf._keras_mask is None:
            leaf._keras_mask = mask
