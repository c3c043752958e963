"""The contract of all optimizers, walked from the table: each learns, saves, resumes, and agrees with itself.

An optimizer that enters the table is picked up by itself.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import neurona
from neurona import kernels, optimizers
from neurona.optimizers.arrays import ArrayOptimizer
from neurona.registry import table

CLASSES = sorted(
    {c for c in table("keras.optimizers").values() if issubclass(c, ArrayOptimizer)}, key=lambda c: c.__name__
)
# options beyond the defaults under which the rule must hold too
VARIANTS: dict[str, list[dict[str, Any]]] = {
    "SGD": [{"momentum": 0.9}, {"momentum": 0.5, "nesterov": True}],
    "RMSprop": [{"momentum": 0.5}, {"centered": True}, {"centered": True, "momentum": 0.5}],
    "Adam": [{"amsgrad": True}],
    "AdamW": [{"amsgrad": True}],
    "Muon": [{"nesterov": False}, {"exclude_layers": ["kernel"]}],
    "Adafactor": [{"relative_step": False}],
}
CASES = [(c, options) for c in CLASSES for options in ({}, *VARIANTS.get(c.__name__, []))]
IDS = [f"{c.__name__}-{'-'.join(o) or 'plain'}" for c, o in CASES]
every = pytest.mark.parametrize(("cls", "options"), CASES, ids=IDS)

# the rate at which a bowl of width 1 is walked down in 400 steps, where the default is too small for that
RATES = {"Adadelta": 30.0, "Ftrl": 1.0, "SGD": 0.1, "Adagrad": 0.5, "Adafactor": 0.3, "Lamb": 0.05}


def weights(dtype: str = "float32") -> list[neurona.Variable]:
    rng = np.random.default_rng(3)
    shapes = {"kernel": (6, 4), "bias": (4,), "scale": (), "cube": (2, 3, 4)}
    return [neurona.Variable(rng.standard_normal(s).astype(dtype), name=n) for n, s in shapes.items()]


def gradients(step: int, variables: list[neurona.Variable]) -> list[np.ndarray]:
    rng = np.random.default_rng(100 + step)
    return [np.asarray(rng.standard_normal(v.shape), v.dtype) for v in variables]


def walk(optimizer: Any, variables: list[neurona.Variable], steps: range) -> list[np.ndarray]:
    for step in steps:
        optimizer.apply(gradients(step, variables), variables)
    return [v.numpy() for v in variables]


def make(cls: Any, options: dict[str, Any], **more: Any) -> Any:
    return cls(**{"learning_rate": 0.05, **options, **more})


@every
def test_it_finds_the_bottom_of_a_bowl(cls: Any, options: dict[str, Any]) -> None:
    rng = np.random.default_rng(0)
    goal = [np.asarray(rng.uniform(0.5, 1.0, s), np.float32) for s in ((4, 3), (3,))]
    variables = [neurona.Variable(np.full_like(g, 2.0), name="w") for g in goal]
    optimizer = cls(**{"learning_rate": RATES.get(cls.__name__, 0.05), **options})

    def distance() -> float:
        return sum(float(np.square(v.data - g).sum()) for v, g in zip(variables, goal, strict=True))

    start = distance()
    for _ in range(400):
        optimizer.apply([v.data - g for v, g in zip(variables, goal, strict=True)], variables)
    assert distance() < 0.02 * start


@every
def test_the_compiled_path_agrees_with_numpy(cls: Any, options: dict[str, Any]) -> None:
    if kernels.native is None:
        pytest.skip(f"no compiled kernels: {kernels.info()['why_not']}")
    more = {"weight_decay": 0.02}
    fast = make(cls, options, **more)
    fast.exclude_from_weight_decay(var_names=["bias"])
    with_kernels = walk(fast, weights(), range(20))
    with kernels.disabled():
        plain = make(cls, options, **more)
        plain.exclude_from_weight_decay(var_names=["bias"])
        without = walk(plain, weights(), range(20))
    for a, b in zip(with_kernels, without, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-4 if cls.__name__ == "Muon" else 3e-5)


@every
def test_float64_follows_the_same_rule(cls: Any, options: dict[str, Any]) -> None:
    narrow, wide = (
        walk(make(cls, options), weights(), range(10)),
        walk(make(cls, options), weights("float64"), range(10)),
    )
    assert all(a.dtype == np.float64 for a in wide)
    for a, b in zip(narrow, wide, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3)


@every
def test_the_configuration_makes_an_equal_one(cls: Any, options: dict[str, Any]) -> None:
    first = make(cls, options, weight_decay=0.01, use_ema=True, global_clipnorm=1.0)
    saved = json.loads(json.dumps(optimizers.serialize(first)))
    assert saved["module"] == "keras.optimizers"
    again = optimizers.deserialize(saved)
    assert type(again) is cls
    assert again.get_config() == first.get_config()
    for a, b in zip(walk(first, weights(), range(3)), walk(again, weights(), range(3)), strict=True):
        np.testing.assert_array_equal(a, b)


@every
def test_saved_state_resumes_to_the_bit(cls: Any, options: dict[str, Any]) -> None:
    more: dict[str, Any] = {"use_ema": True, "gradient_accumulation_steps": 2}
    whole = walk(make(cls, options, **more), weights(), range(8))
    first, variables = make(cls, options, **more), weights()
    walk(first, variables, range(5))
    store: dict[str, np.ndarray] = {}
    first.save_own_variables(store)
    assert len(store) == len(first.variables)
    second = make(cls, options, **more)
    second.build(variables)
    second.load_own_variables(store)
    for a, b in zip(walk(second, variables, range(5, 8)), whole, strict=True):
        np.testing.assert_array_equal(a, b)


@every
def test_gradients_are_only_read_and_weights_stay_in_place(cls: Any, options: dict[str, Any]) -> None:
    variables = weights()
    arrays = [v.data for v in variables]
    optimizer = make(cls, options, clipnorm=0.5, weight_decay=0.1, loss_scale_factor=4.0)
    for step in range(3):
        found = gradients(step, variables)
        before = [g.copy() for g in found]
        for g in found:
            g.flags.writeable = False
        optimizer.apply([neurona.Tensor(g) for g in found], variables)
        for g, b in zip(found, before, strict=True):
            np.testing.assert_array_equal(g, b)
    assert all(v.data is a for v, a in zip(variables, arrays, strict=True))
    assert all(np.isfinite(a).all() for a in arrays)


@every
def test_a_gradient_in_the_weights_own_memory(cls: Any, options: dict[str, Any]) -> None:
    """The gradient of w²/2 is w itself: the update must use the value from before."""
    shared, apart = weights(), weights()
    one, two = make(cls, options, weight_decay=0.1), make(cls, options, weight_decay=0.1)
    for _ in range(3):
        one.apply([v.data for v in shared], shared)
        two.apply([v.data.copy() for v in apart], apart)
    for a, b in zip(shared, apart, strict=True):
        np.testing.assert_allclose(a.data, b.data, rtol=2e-4, atol=2e-5)


@every
def test_views_with_gaps_are_taken(cls: Any, options: dict[str, Any]) -> None:
    a, b = weights()[:1], weights()[:1]
    one, two = make(cls, options), make(cls, options)
    for step in range(3):
        (g,) = gradients(step, a)
        one.apply([np.asfortranarray(g)], a)
        two.apply([g], b)
    np.testing.assert_allclose(a[0].data, b[0].data, rtol=1e-4, atol=1e-5)


@every
def test_a_subclass_may_wrap_the_rule(cls: Any, options: dict[str, Any]) -> None:
    """`update_step` overridden in a subclass is asked for each variable, and may call the one it replaces."""
    asked = []

    class Watched(cls):  # type: ignore[misc]
        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            asked.append(variable.name)
            super().update_step(gradient, variable, learning_rate)

    mine = walk(Watched(**{"learning_rate": 0.05, **options, "weight_decay": 0.01}), weights(), range(2))
    theirs = walk(make(cls, options, weight_decay=0.01), weights(), range(2))
    assert asked == ["kernel", "bias", "scale", "cube"] * 2
    for a, b in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@every
def test_variables_that_come_and_go(cls: Any, options: dict[str, Any]) -> None:
    """Steps may move some of the variables; the others stay, and so does their state."""
    variables = weights()
    optimizer = make(cls, {**options})
    optimizer.build(variables)
    kept = variables[1].numpy()
    optimizer.apply([gradients(0, variables)[0]], [variables[0]])
    with pytest.warns(UserWarning, match=r"Gradients do not exist for variables \['bias'\]"):
        optimizer.apply([g if i != 1 else None for i, g in enumerate(gradients(1, variables))], variables)
    np.testing.assert_array_equal(variables[1].numpy(), kept)
    assert int(optimizer.iterations.numpy()) == 2


@pytest.mark.parametrize("cls", CLASSES)
def test_an_alias_finds_it(cls: Any) -> None:
    assert type(optimizers.get(cls.__name__)) is cls
    assert type(optimizers.get(cls.__name__.lower())) is cls
