"""The layers: outputs, gradients by inputs and weights, and their weights after one and a hundred steps of training.

Both sides get the same weights, in the order of ``get_weights``. A hundred steps of descent with momentum bring the
layer's outputs for four batches towards given ones.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np

from neurona.parity.drawing import New, Rng, build, drawn, numbers, sizes, told
from neurona.parity.layer_table import ASIDE, FLOAT32_ALONE, LOOKUPS, RANDOM, SLACK, TABLE, UNRELIABLE, Way
from neurona.parity.sides import Side
from neurona.parity.subjects import HUNDRED, Answers, Subject, generator
from neurona.tensor import Array

__all__ = ["LAYERS"]

_BATCHES = 4
# numbers that every float has exactly, so that both sides take the very same ones
_RATE, _MOMENTUM = 2.0**-6, 0.875
_WHOLE = {"Embedding": 6}  # layers of whole numbers: from 0 to below this


class _Case(NamedTuple):
    layer: New
    shapes: tuple[tuple[int, ...], ...]
    elements: list[Any] | None  # what a lookup's inputs are made of
    seed: int

    @property
    def name(self) -> str:
        return self.layer.name.split(".")[-1]


def _subject(name: str, ways: list[tuple[Way, list[Any] | None]], random: bool) -> Subject:
    def draw(rng: Rng, number: int) -> _Case:
        (axes, settings), elements = ways[number % len(ways)]
        size = sizes(axes, rng)
        shapes = tuple(tuple(size[letter] for letter in one.split()) for one in axes.split(","))
        return _Case(New(f"layers.{name}", drawn(settings, rng)), shapes, elements, int(rng.integers(2**31)))

    def run(side: Side, case: _Case, dtype: str, steps: int) -> Answers:
        if case.elements is not None:
            return _look_up(side, case)
        return _apply(side, case, dtype) if random else _train(side, case, dtype, steps)

    one_type = ways[0][1] is not None or name in FLOAT32_ALONE
    dtypes = ("float32",) if one_type else ("float32", "float64", "float16")
    slack, slack64, why = SLACK.get(name, (1.0, 1.0, ""))
    return Subject("layer", name, draw, run, _tell, slack, slack64, why, dtypes)


def _tell(case: _Case) -> str:
    return f"{told(case.layer)} on {', '.join(map(str, case.shapes))}"


def _inputs(case: _Case, dtype: str, batch: int = 0) -> list[Array]:
    rng = generator(case.seed, "inputs", batch)
    if case.elements is not None:
        return [np.array(case.elements)[rng.integers(0, len(case.elements), shape)] for shape in case.shapes]
    if case.name in _WHOLE:
        return [rng.integers(0, _WHOLE[case.name], shape).astype("int32") for shape in case.shapes]
    return [numbers(rng, shape, dtype) for shape in case.shapes]


def _together(case: _Case, things: list[Any]) -> list[Any]:
    """The arguments of a call: all inputs in one list, or one by one."""
    return things if case.name in ASIDE or len(things) == 1 else [things]


def _made(side: Side, case: _Case, dtype: str) -> Any:
    """The layer, built, with drawn weights."""
    layer = build(side.keras, _typed(case.layer, dtype))
    layer(*_together(case, [side.tensor(x) for x in _inputs(case, dtype)]), training=False)
    rng = generator(case.seed, "weights")
    values = []
    for weight in layer.weights:
        value = rng.uniform(-0.6, 0.6, tuple(weight.shape))
        if "variance" in weight.name or "gamma" in weight.name or weight.name == "scale":
            value = np.abs(value) + 0.5
        values.append(value.astype(str(weight.dtype)))
    layer.set_weights(values)
    return layer


def _typed(described: Any, dtype: str) -> Any:
    """A layer, and those among its settings, that compute in this type."""
    if isinstance(described, New):
        settings = {name: _typed(value, dtype) for name, value in described.settings.items()}
        return New(described.name, {**settings, "dtype": dtype})
    return [_typed(item, dtype) for item in described] if isinstance(described, list) else described


def _look_up(side: Side, case: _Case) -> Answers:
    layer = build(side.keras, case.layer)
    given = _inputs(case, "float32")
    return {"output": {"values": side.numpy(layer(*_together(case, [side.tensor(x) for x in given])))}}


def _apply(side: Side, case: _Case, dtype: str) -> Answers:
    layer = build(side.keras, _typed(case.layer, dtype))
    given = [side.tensor(x) for x in _inputs(case, dtype)]
    return {"output": {"applied": side.numpy(layer(*_together(case, given), training=False))}}


def _train(side: Side, case: _Case, dtype: str, steps: int) -> Answers:
    layer = _made(side, case, dtype)
    given = _inputs(case, dtype)
    applied = side.numpy(layer(*_together(case, [side.tensor(x) for x in given]), training=False))
    answers: Answers = {"output": {"applied": applied}}
    if dtype == "float16":  # ten bits: enough to compare a result, not what follows from it
        return answers
    rng = generator(case.seed, "pull")

    def pulled(*xs: Any) -> tuple[Any, Any]:
        y = layer(*_together(case, list(xs)), training=True)
        return y, side.sum_times(y, rng.standard_normal(tuple(y.shape)).astype(dtype))

    value, slopes = side.gradients(pulled, given, layer.trainable_weights)
    answers["output"]["in training"] = side.numpy(value)
    for weight in layer.non_trainable_weights:
        answers["output"][weight.name] = side.numpy(weight)
    if case.name in UNRELIABLE:
        return answers
    floats = sum(x.dtype.kind == "f" for x in given)
    names = [f"input {i}" for i in range(floats)] + [w.name for w in layer.trainable_weights]
    answers["gradient"] = {f"{i} {name}": g for i, (name, g) in enumerate(zip(names, slopes, strict=True))}
    if layer.trainable_weights and steps:
        answers |= _steps(side, case, layer, dtype, steps, tuple(value.shape))
    return answers


def _steps(side: Side, case: _Case, layer: Any, dtype: str, steps: int, shape: tuple[int, ...]) -> Answers:
    optimizer = side.keras.optimizers.SGD(_RATE, momentum=_MOMENTUM)
    batches = [_inputs(case, dtype, batch) for batch in range(_BATCHES)]
    aims = [generator(case.seed, "aim", batch).uniform(-1, 1, shape).astype(dtype) for batch in range(_BATCHES)]
    weights, count = layer.trainable_weights, len(layer.trainable_weights)

    def loss(*xs: Any) -> tuple[Any, Any]:
        *inputs, aim = xs
        y = layer(*_together(case, inputs), training=True)
        return y, side.mean_square(y, aim)

    # what is asked for once is not worth compiling
    slopes_of = side.repeated(loss, weights) if steps > 1 else partial(side.gradients, loss, weights=weights)
    move = side.steps(optimizer, weights)
    answers: Answers = {}
    for step in range(1, steps + 1):
        _value, slopes = slopes_of(batches[step % _BATCHES], constants=[aims[step % _BATCHES]])
        move([g.astype(dtype) for g in slopes[len(slopes) - count :]])
        for name in [n for n, at in (("one step", 1), ("hundred steps", HUNDRED)) if at == step]:
            answers[name] = {f"{i} {w.name}": side.numpy(w) for i, w in enumerate(layer.weights)}
    return answers


def _all() -> dict[str, Subject]:
    found = {name: _subject(name, [(w, None) for w in ways], random=False) for name, ways in TABLE.items()}
    found |= {name: _subject(name, [(w, None) for w in ways], random=True) for name, ways in RANDOM.items()}
    found |= {name: _subject(name, list(ways), random=False) for name, ways in LOOKUPS.items()}
    return dict(sorted(found.items()))


LAYERS: tuple[Subject, ...] = tuple(_all().values())
