"""Derivatives in a direction: `jvp`.

The tape walks backwards: one walk gives one row of the Jacobian, the slopes of one number of the result. The derivative in a
direction is a column sum of it, so it takes a walk for each number of the result: cheap for losses, dear for pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from neurona.errors import ArgumentError, DTypeError, ShapeError
from neurona.symbolic import flatten, map_structure
from neurona.tape import Tape
from neurona.tensor import Tensor, as_tensor, stop_recording, wrap

__all__ = ["jvp"]


def jvp(
    fun: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False
) -> tuple[Any, ...]:
    """The result of a function, and how it changes when its arguments move in a direction.

    t = J v, with J the Jacobian of `fun` at the primals and v the tangents

    Args:
        fun: a function of tensors that returns a tensor, or nested lists, tuples or dicts of them.
        primals: its arguments, tensors or nested ones.
        tangents: the direction, nested and shaped like the primals.
        has_aux: whether `fun` returns a pair, of which the second is handed on as it is.

    Returns:
        (the result, its change), and with `has_aux` what `fun` gave besides. No gradient flows through the change.

    Raises:
        ArgumentError: primals and tangents are no sequences of one length, or `fun` gave no pair.
        ShapeError: a tangent of another shape than its primal.
        DTypeError: a primal of whole numbers.

    >>> jvp(lambda x, y: x * y, (Tensor(2.0), Tensor(5.0)), (Tensor(1.0), Tensor(0.5)))
    (Tensor(10., dtype=float32), Tensor(6., dtype=float32))

    Source: Griewank & Walther, "Evaluating Derivatives" (2008), chapter 3.
    """
    if not all(isinstance(given, (list, tuple)) for given in (primals, tangents)) or len(primals) != len(tangents):
        raise ArgumentError(
            "jvp expected primals and tangents to be tuples or lists of one length. "
            f"Received: primals={primals!r}, tangents={tangents!r}."
        )
    given = map_structure(as_tensor, list(primals))
    for place, primal in enumerate(given):
        for leaf in flatten(primal):
            if leaf.dtype.kind != "f":
                raise DTypeError(
                    "jvp expected primals of floats, which alone can move by a little. "
                    f"Received: primals[{place}] of dtype {leaf.dtype.name}. Cast it, or let `fun` bring it along."
                )
    places, moves = flatten(given), [as_tensor(v) for v in flatten(list(tangents))]
    if [x.shape for x in places] != [v.shape for v in moves]:
        raise ShapeError(
            "jvp expected a tangent of the shape of each primal. "
            f"Received: primals of {[x.shape for x in places]}, tangents of {[v.shape for v in moves]}."
        )
    with Tape() as tape:
        tape.watch(*places)
        result = fun(*given)
    if has_aux and not (isinstance(result, tuple) and len(result) == 2):
        raise ArgumentError(
            f"jvp with has_aux=True expected `fun` to return a pair. Received: {type(result).__name__}."
        )
    outputs = map_structure(as_tensor, result[0] if has_aux else result)
    changes = map_structure(lambda y: _change(tape, y, places, moves), outputs)
    return (outputs, changes, result[1]) if has_aux else (outputs, changes)


def _change(tape: Tape, y: Tensor, places: list[Tensor], moves: list[Tensor]) -> Tensor:
    """The derivative of one tensor in the direction: a walk backwards for each of its numbers."""
    change = np.zeros(y.size, y.dtype)
    row = np.zeros(y.size, y.dtype)
    for i in range(y.size if y.dtype.kind == "f" else 0):
        row[i] = 1
        slopes = tape.gradient(y, places, row.reshape(y.shape))
        row[i] = 0
        with stop_recording():
            change[i] = sum(
                float(np.vdot(slope.data, v.data)) for slope, v in zip(slopes, moves, strict=True) if slope is not None
            )
    return wrap(change.reshape(y.shape))
