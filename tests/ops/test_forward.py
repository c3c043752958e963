"""Derivatives in a direction."""

from __future__ import annotations

import numpy as np
import pytest

from neurona import Tensor, ops
from neurona.errors import ArgumentError, DTypeError, ShapeError

rng = np.random.default_rng(0)


def test_it_is_the_slope_along_a_line() -> None:
    x, v, w, u = (rng.normal(size=shape) for shape in ((3,), (3,), (3, 2), (3, 2)))

    def f(x: Tensor, w: Tensor) -> dict[str, Tensor]:
        return {"product": ops.tanh(ops.matmul(x, w)), "norm": ops.sum(x * x), "first": ops.argmax(x)}

    values, changes = ops.jvp(f, (x, w), [v, u])
    step = 1e-6
    after, before = f(Tensor(x + step * v), Tensor(w + step * u)), f(Tensor(x - step * v), Tensor(w - step * u))
    for name in ("product", "norm"):
        expected = (after[name].numpy() - before[name].numpy()) / (2 * step)
        np.testing.assert_allclose(changes[name], expected, rtol=1e-7)
        np.testing.assert_array_equal(values[name], f(Tensor(x), Tensor(w))[name])
    assert int(changes["first"]) == 0  # a place does not change by a little


def test_what_the_function_gives_besides_is_handed_on() -> None:
    value, change, besides = ops.jvp(lambda x: (x * x, "aux"), (Tensor(3.0),), (Tensor(1.0),), has_aux=True)
    assert (float(value), float(change), besides) == (9.0, 6.0, "aux")
    assert float(ops.jvp(lambda x: Tensor(1.0), (2.0,), (1.0,))[1]) == 0.0


def test_it_says_what_does_not_fit() -> None:
    with pytest.raises(ArgumentError, match="tuples or lists of one length"):
        ops.jvp(ops.sin, (1.0,), ())
    with pytest.raises(ArgumentError, match="tuples or lists of one length"):
        ops.jvp(ops.sin, 1.0, 1.0)  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match="a tangent of the shape of each primal"):
        ops.jvp(ops.sin, (np.ones(2),), (np.ones(3),))
    with pytest.raises(DTypeError, match=r"primals\[1\] of dtype int32"):
        ops.jvp(ops.multiply, (1.0, {"n": 2}), (1.0, {"n": 1}))
    with pytest.raises(ArgumentError, match="to return a pair"):
        ops.jvp(ops.sin, (1.0,), (1.0,), has_aux=True)
