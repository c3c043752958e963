"""A public checker of gradients: for any op, layer, loss or function of tensors.

The gradient that the tape gives is compared, number by number, with central differences in float64:

    df/dx_i  ~  (f(x + h e_i) - f(x - h e_i)) / 2h        f(x) = sum(v * function(x)),  v drawn at random

>>> from neurona import ops
>>> gradcheck(ops.tanh, [[0.5, -1.0]]).worst < 1e-6
True
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from neurona.errors import GradientError
from neurona.symbolic import flatten
from neurona.tape import Tape
from neurona.tensor import Array, Tensor, TensorLike, as_array

__all__ = ["GradientReport", "gradcheck"]


class GradientReport(NamedTuple):
    """What `gradcheck` found.

    Attributes:
        worst: the largest error, relative to the gradient's own scale: ``|analytic - numeric| / (1 + |numeric|)``.
        checked: how many numbers were compared.
    """

    worst: float
    checked: int


def gradcheck(
    function: Callable[..., Any],
    *inputs: TensorLike,
    variables: Sequence[Tensor] = (),
    step: float = 1e-5,
    tolerance: float = 1e-6,
    seed: int = 0,
    **attributes: Any,
) -> GradientReport:
    """Compare the gradient of `function` with finite differences, in float64.

    Args:
        function: takes tensors and returns a tensor, or nested lists of them; it must give the same result
            for the same input (seed its random numbers).
        inputs: its arguments; those made of floats are checked, the others are passed on.
        variables: further tensors that it reads (a layer's weights), checked too; they must be float64.
        step: the h of the formula; take kinks (max, abs) further than that away.
        tolerance: the largest relative error to accept.
        seed: of the random projection v.
        attributes: keywords for `function`.

    Returns:
        the worst error, and how many numbers were compared.

    Raises:
        GradientError: the two differ; the text names the input, the place and both numbers.
    """

    def prepare(x: Any) -> Any:
        if isinstance(x, (list, tuple)) and any(isinstance(item, (np.ndarray, Tensor)) for item in x):
            return [prepare(item) for item in x]
        if x is None or isinstance(x, (str, bool, int, float)):
            return x
        array = as_array(x)
        return Tensor(np.array(array, "float64") if array.dtype.kind == "f" else array)

    arguments = [prepare(x) for x in inputs]
    sources = [t for t in flatten(arguments) if isinstance(t, Tensor) and t.dtype.kind == "f"]
    sources += [v for v in variables if v.data.dtype.kind == "f"]
    for number, source in enumerate(sources):
        if source.data.dtype != np.float64:
            raise GradientError(f"gradcheck needs float64. Source {number} has dtype {source.data.dtype.name}.")
    rng = np.random.default_rng(seed)

    with Tape() as tape:
        tape.watch(*sources)
        outputs = [y for y in flatten(function(*arguments, **attributes)) if isinstance(y, Tensor)]
    outputs = [y for y in outputs if y.data.dtype.kind == "f"]
    projections = [rng.uniform(0.5, 1.5, y.shape) * rng.choice([-1.0, 1.0], y.shape) for y in outputs]
    analytic = [np.zeros(s.shape) for s in sources]
    for y, v in zip(outputs, projections, strict=True):
        for total, g in zip(analytic, tape.gradient(y, sources, v), strict=True):
            if g is not None:
                if g.shape != total.shape:
                    raise GradientError(f"A gradient must have its input's shape {total.shape}, received {g.shape}.")
                total += g.data

    def projected() -> float:
        results = [y for y in flatten(function(*arguments, **attributes)) if isinstance(y, Tensor)]
        results = [y for y in results if y.data.dtype.kind == "f"]
        return float(sum(np.sum(v * y.data) for y, v in zip(results, projections, strict=True)))

    worst, checked = 0.0, 0
    for number, (source, gradient) in enumerate(zip(sources, analytic, strict=True)):
        for place in np.ndindex(source.shape):
            numeric = _central_difference(projected, source.data, place, step)
            error = float(abs(gradient[place] - numeric) / (1.0 + abs(numeric)))
            checked += 1
            worst = max(worst, error)
            if not error <= tolerance:  # a NaN must fail too
                raise GradientError(
                    f"The gradient of {getattr(function, '__name__', function)!s} is wrong at {place} of source "
                    f"{number} (shape {source.shape}). Expected {numeric:.9g} (finite differences), "
                    f"received {gradient[place]:.9g}; relative error {error:.2g}, allowed {tolerance:.2g}."
                )
    return GradientReport(worst, checked)


def _central_difference(f: Callable[[], float], x: Array, place: tuple[int, ...], step: float) -> float:
    """(f(x + h) - f(x - h)) / 2h at one place of `x`, which is put back afterwards."""
    before = x[place]
    x[place] = before + step
    above = f()
    x[place] = before - step
    below = f()
    x[place] = before
    return (above - below) / (2 * step)
