"""The state of an optimizer in the older HDF5 format.

Keras 3 stores the optimizer's variables in their order. Keras 2 leaves out the learning rate, and calls a variable
"Adam/m/dense/kernel:0" (since 2.11) or "Adam/dense/kernel/m:0"; the optimizers before 2.11 stored all first moments, then
all second ones; today's order is by weights.
"""

from __future__ import annotations

import re
from typing import Any

from neurona.saving.legacy.weights import names_in, stored_arrays
from neurona.saving.stored import Stored
from neurona.tensor import Array
from neurona.warn import warn_caller

__all__ = ["give_state"]

_COUNT = re.compile(r"(^|/)iter(ation)?(_\d+)?:0$")
_NUMBER = re.compile(r"(^|/)((current_)?learning_rate|momentum_cache)(_\d+)?:0$")
_SLOT = re.compile(r"/(m|v|vhat|accumulator|accum_grad|accum_var|linear)(_\d+)?:0$")  # of the optimizers before 2.11
_IN_TURNS = ({"m", "v"}, {"m", "v", "vhat"}, {"accum_grad", "accum_var"}, {"accumulator", "linear"})


def give_state(optimizer: Any, group: Stored) -> None:
    """Give a built optimizer the state in a group; one that does not fit is left out, with a warning."""
    names, arrays = names_in(group, "weight_names"), stored_arrays(group, "optimizer_weights")
    if any(name.endswith(":0") for name in names):  # as TensorFlow names its variables
        arrays = _of_keras_2(names, arrays)
    if all(array.shape == () for array in arrays):
        return  # it had not made a step
    kept: dict[str, Any] = {}
    optimizer.save_own_variables(kept)
    try:
        optimizer.load_own_variables({str(i): array for i, array in enumerate(arrays)})
    except ValueError as error:
        optimizer.load_own_variables(kept)
        warn_caller(
            f"The saved state does not fit the optimizer '{optimizer.name}', which starts afresh: {error}",
        )


def _of_keras_2(names: list[str], arrays: list[Array]) -> list[Array]:
    """The state in today's order: the count of steps, then the slots of the weights; without other numbers."""
    counts = [array for name, array in zip(names, arrays, strict=True) if _COUNT.search(name)]
    slots = [
        (name, array)
        for name, array in zip(names, arrays, strict=True)
        if not _COUNT.search(name) and not _NUMBER.search(name)
    ]
    kinds: dict[str, list[Array]] = {}
    for name, array in slots:
        found = _SLOT.search(name)
        kinds.setdefault(found.group(1) if found else "", []).append(array)
    if set(kinds) not in _IN_TURNS:
        return [*counts, *(array for _, array in slots)]
    hats = kinds.pop("vhat", [])
    return [*counts, *(array for ones in zip(*kinds.values(), strict=True) for array in ones), *hats]
