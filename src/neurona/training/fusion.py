"""Fusion: neighbours in a recorded step that one op can do in one pass over memory.

A network is written as small parts: a convolution, a pooling, a normalisation, an activation. Each is one walk over large
arrays, and most of the time of a step goes by waiting for memory. Where the result of one op is read by the next alone,
the table `RULES` may know an op that does both; the plan then repeats that one. The numbers stay the same.

The rules speak of records of a tape; what is fused are only neighbours without any other reader, so nothing that a
program can see gets lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from neurona.tape import OPS, Record
from neurona.tensor import Tensor

__all__ = ["RULES", "fused"]

Rule = Callable[[Record, Record], Record | None]


def fused(records: Sequence[Record], kept: set[int]) -> list[Record]:
    """The records with neighbours joined, wherever a rule of `RULES` knows how.

    Args:
        records: what a step needs, in order.
        kept: the ids of the tensors that are read after the step: its loss and its outputs.
    """
    result = list(records)
    readers = Counter(id(t) for r in result for t in r.inputs if isinstance(t, Tensor))
    makers: dict[int, int] = {}
    for i, second in enumerate(result):
        x = second.inputs[0] if second.inputs else None
        place = makers.get(id(x))
        if place is not None and readers[id(x)] == 1 and id(x) not in kept:
            first = result[place]
            rule = RULES.get((first.op.name, second.op.name))
            joined = None if rule is None else rule(first, second)
            if joined is not None:
                result[place], result[i] = joined, _NOTHING
                second, i = joined, place
        if second is not _NOTHING:
            makers[id(_outputs(second)[0])] = i
    return [r for r in result if r is not _NOTHING]


_NOTHING: Any = object()


def _outputs(record: Record) -> tuple[Tensor, ...]:
    return record.outputs if type(record.outputs) is tuple else (record.outputs,)


def _setting(record: Record, name: str) -> Any:
    """A setting of the recorded call, or the op's own default for it."""
    if name in record.attributes:
        return record.attributes[name]
    return record.op.default_of(name)


def _rectified(first: Record, second: Record) -> Record | None:
    """A product or a convolution without activation, then one that its epilogue knows."""
    if _setting(first, "activation") != "linear":
        return None
    attributes = {**first.attributes, "activation": second.op.name}
    return Record(first.op, first.inputs, first.arrays, attributes, second.outputs, first.needs)


def _normalised(first: Record, second: Record) -> Record | None:
    """Batch normalisation, then an activation in the same pass."""
    if _setting(first, "activation") != "linear":
        return None
    name = second.op.name
    if name == "gelu" and _setting(second, "approximate"):
        name = "gelu_tanh"
    made = _outputs(first)
    outputs = second.outputs if len(made) == 1 else (second.outputs, *made[1:])
    return Record(first.op, first.inputs, first.arrays, {**first.attributes, "activation": name}, outputs, first.needs)


def _pooled(first: Record, second: Record) -> Record | None:
    """A 3x3 convolution, then the largest of each 2x2 window: the tile is still in registers."""
    x, kernel = first.arrays[0], first.arrays[1]
    plain = (
        x.ndim == 4
        and x.dtype.name == "float32"
        and kernel.shape[:2] == (3, 3)
        and kernel.shape[2] == x.shape[3]
        and _setting(first, "strides") == (1, 1)
        and _setting(first, "dilation") == (1, 1)
        and _setting(first, "activation") in ("linear", "relu")
        and all(0 <= p <= 2 for pair in _setting(first, "pads") for p in pair)
        and _setting(second, "size") == (2, 2)
        and _setting(second, "strides") == (2, 2)
        and all(p == 0 for pair in _setting(second, "pads") for p in pair)
    )
    if not plain:
        return None
    attributes = {name: _setting(first, name) for name in ("pads", "activation")}
    pool: Any = OPS["convolve_pool"]
    return Record(pool, first.inputs, first.arrays, attributes, second.outputs, first.needs)


def _both(rule: Rule, first: str, seconds: Sequence[str]) -> dict[tuple[str, str], Rule]:
    return {(first, second): rule for second in seconds}


_SMOOTH = ("relu", "gelu", "silu")

#: Names of two neighbours -> how to join them (or None from the rule, where these two do not fit).
RULES: dict[tuple[str, str], Rule] = {
    **_both(_rectified, "dense", ("relu", "tanh", "sigmoid")),
    **_both(_rectified, "convolve", ("relu", "tanh", "sigmoid")),
    **_both(_normalised, "batch_norm_train", _SMOOTH),
    **_both(_normalised, "batch_norm_infer", _SMOOTH),
    ("convolve", "max_pool_places"): _pooled,
}
