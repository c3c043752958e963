"""Gradients of gradients: of every op in the tables against finite differences of the plain gradient."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from neurona import layers, ops
from neurona.cases import Case
from neurona.errors import UnansweredError
from neurona.programs.tf import second_order
from neurona.programs.tf.tape import GradientTape
from neurona.symbolic import flatten
from neurona.tape import OPS, Op, Tape
from neurona.tensor import Tensor, wrap

KNOWN = sorted({*second_order._LINEAR, *second_order._PRODUCTS, *second_order._STRAIGHT, *second_order._RULES})
CASES = [
    pytest.param(name, case, id=f"{name}-{case}")
    for name in KNOWN
    for case in OPS[name].cases
    if case.attributes.get("dtype", "float32").startswith("float")  # a cast to whole numbers has no gradient
]


def weighted(result: Any, rng: np.random.Generator) -> Tensor:
    """A number of all that an op gives; of several outputs the first, as losses are used."""
    parts = flatten(result)[:1]
    return sum(ops.sum(part * rng.normal(size=part.data.shape)) for part in parts if part.data.dtype.kind == "f")


@pytest.mark.parametrize(("name", "case"), CASES)
def test_the_gradient_of_the_gradient_is_right(name: str, case: Case) -> None:
    seed = zlib.crc32(name.encode())
    rng = np.random.default_rng(seed)
    arguments = case.draw(rng, {letter: max(low, 2) for letter, low in case.letters().items()})
    floats = [a for a in flatten(arguments) if isinstance(a, np.ndarray) and a.dtype.kind == "f"]

    def slopes(given: list[np.ndarray], second: bool) -> Any:
        """A weighed sum of the squares of an op's gradients and, if asked for, the gradients of that."""
        draw = np.random.default_rng(seed + 1)
        leaves = iter(given)
        sources: list[Tensor] = []

        def tensor(x: Any) -> Any:
            if isinstance(x, list):
                return [tensor(item) for item in x]
            if not (isinstance(x, np.ndarray) and x.dtype.kind == "f"):
                return x
            sources.append(wrap(np.asarray(next(leaves))))
            return sources[-1]

        inputs = [tensor(x) for x in arguments]
        with Tape() as outer:
            outer.watch(*sources)
            with Tape() as inner:
                inner.watch(*sources)
                y = weighted(OPS[name](*inputs, **case.attributes), draw)
                y = ops.multiply(y, y)  # so that what arrives at the op depends on the inputs too
            if second:
                found = second_order.gradient(inner.records, y, sources, None)
            else:
                found = inner.gradient(y, sources)
            kept = [g for g in found if g is not None]
            total = sum(ops.sum(ops.square(g) * draw.normal(size=g.data.shape)) for g in kept)
        return total.item(), outer.gradient(total, sources) if second else None

    total, found = slopes(floats, second=True)
    assert total == pytest.approx(slopes(floats, second=False)[0], rel=1e-9)
    directions = [rng.normal(size=a.shape) for a in floats]
    step = 1e-6
    up, down = (slopes([a + s * d for a, d in zip(floats, directions, strict=True)], False)[0] for s in (step, -step))
    along = sum(float((g.numpy() * d).sum()) for g, d in zip(found, directions, strict=True) if g is not None)
    assert along == pytest.approx((up - down) / (2 * step), rel=2e-5, abs=2e-5 * max(1.0, abs(total)))


def test_every_name_is_a_differentiable_op_in_one_table() -> None:
    tables = [second_order._LINEAR, second_order._PRODUCTS, second_order._STRAIGHT, second_order._RULES]
    assert sum(map(len, tables)) == len(KNOWN)
    assert all(isinstance(OPS[name], Op) and OPS[name].differentiable for name in KNOWN)


def penalty(critic: Callable[[Any], Any], x: Tensor) -> Tensor:
    with GradientTape() as tape:
        tape.watch(x)
        judged = critic(x)
    (slope,) = tape.gradient(judged, [x])
    return ops.mean(ops.square(ops.sqrt(ops.sum(ops.square(slope), axis=(1, 2, 3))) - 1.0))


def test_the_penalty_of_a_convolutional_critic_has_the_right_gradient() -> None:
    critic = [
        layers.Conv2D(3, 3, strides=2, padding="same", dtype="float64", activation="tanh"),
        layers.Conv2D(2, 3, dtype="float64"),
        layers.LeakyReLU(0.2, dtype="float64"),
        layers.Flatten(dtype="float64"),
        layers.LayerNormalization(dtype="float64"),
        layers.Dense(1, dtype="float64"),
    ]

    def judge(x: Any) -> Any:
        for layer in critic:
            x = layer(x)
        return x

    x = wrap(np.random.default_rng(0).normal(size=(2, 8, 8, 1)))
    judge(x)
    weights = [w for layer in critic for w in layer.trainable_weights]
    with GradientTape() as tape:
        loss = penalty(judge, x)
    found = tape.gradient(loss, weights)
    checked = 0
    for weight, g in zip(weights, found, strict=True):
        if g is None:  # a bias that no slope depends on
            continue
        before, direction = weight.numpy().copy(), np.random.default_rng(1).normal(size=weight.shape)
        moved = []
        for step in (1e-5, -1e-5):
            weight.assign(before + step * direction)
            moved.append(penalty(judge, x).item())
        weight.assign(before)
        assert float((g.numpy() * direction).sum()) == pytest.approx((moved[0] - moved[1]) / 2e-5, rel=1e-4, abs=1e-7)
        checked += 1
    assert checked >= 5


def test_an_op_without_such_a_gradient_is_named() -> None:
    x = Tensor([[1.0, 2.0]])
    with GradientTape() as outer:
        outer.watch(x)
        with GradientTape() as inner:
            inner.watch(x)
            y = ops.sort(x)
        with pytest.raises(UnansweredError, match="no gradient of the gradient of 'sort'"):
            inner.gradient(y, x)
