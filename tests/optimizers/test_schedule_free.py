"""ScheduleFreeAdamW against the algorithm of the paper, written out with its three sequences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neurona
from neurona.errors import ArgumentError
from neurona.optimizers import ScheduleFreeAdamW


def by_the_paper(
    w: Any, gradients: list[Any], rate: float, b1: float, b2: float, epsilon: float, warmup: int, decay: float
) -> Any:
    """x, y and z side by side, in float64."""
    x, y, z, v = w.copy(), w.copy(), w.copy(), np.zeros_like(w)
    for t, g in enumerate(gradients, 1):
        step = rate * min(1.0, t / warmup) if warmup else rate
        y = y - rate * decay * y
        x = (y - (1 - b1) * z) / b1  # decay acts on what the model holds
        v = b2 * v + (1 - b2) * g * g
        z = z - step * g / (np.sqrt(v / (1 - b2**t)) + epsilon)
        x = (1 - 1 / t) * x + z / t
        y = (1 - b1) * z + b1 * x
    return y


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"beta_1": 0.5, "beta_2": 0.9, "learning_rate": 0.1},
        {"warmup_steps": 7},
        {"weight_decay": 0.1, "epsilon": 1e-3},
    ],
)
def test_it_is_the_papers_algorithm(settings: dict[str, Any], dtype: str) -> None:
    rng = np.random.default_rng(0)
    w, gradients = rng.standard_normal((3, 2)), [rng.standard_normal((3, 2)) for _ in range(30)]
    variable = neurona.Variable(w.astype(dtype))
    optimizer = ScheduleFreeAdamW(**settings)
    for g in gradients:
        optimizer.apply([g.astype(dtype)], [variable])
    told = {"learning_rate": 0.0025, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8, "warmup_steps": 0, **settings}
    rate = float(np.float32(told["learning_rate"]))
    expected = by_the_paper(
        w, gradients, rate, told["beta_1"], told["beta_2"], told["epsilon"], told["warmup_steps"],
        told.get("weight_decay", 0.0),
    )  # fmt: skip
    np.testing.assert_allclose(variable, expected, rtol=1e-4 if dtype == "float32" else 1e-10)


def test_the_fast_weights_begin_at_the_weights() -> None:
    variable = neurona.Variable([1.0, 2.0], name="w")
    optimizer = ScheduleFreeAdamW()
    optimizer.build([variable])
    state = {v.path.rsplit("_", 1)[1]: v.numpy().tolist() for v in optimizer.variables[2:]}
    assert state == {"momentum": [1.0, 2.0], "velocity": [0.0, 0.0]}


@pytest.mark.parametrize("beta_1", [0, 0.0, -0.5])
def test_without_the_mean_in_the_model_there_is_no_method(beta_1: float) -> None:
    with pytest.raises(ArgumentError, match=rf"`beta_1` to be more than 0.*Received: beta_1={beta_1}"):
        ScheduleFreeAdamW(beta_1=beta_1)


def test_an_embedding_moves_as_a_whole() -> None:
    """A row that a batch does not name still nears the mean of its fast weights."""
    before = neurona.config.sparse_updates()
    neurona.config.set_sparse_updates(True)
    try:
        model = neurona.Sequential([neurona.Input((1,)), neurona.layers.Embedding(4, 2), neurona.layers.Flatten()])
        model.compile(ScheduleFreeAdamW(0.1), "mse")
        tables = []
        for ids in ([[1], [2]], [[3], [2]], [[1], [2]]):
            model.train_on_batch(np.array(ids), np.ones((2, 2)))
            tables.append(model.get_weights()[0])
    finally:
        neurona.config.set_sparse_updates(before)
    assert not np.allclose(tables[2][3], tables[1][3])
    # one that no batch ever named has nowhere to go
    np.testing.assert_allclose(tables[2][0], tables[0][0], rtol=1e-6)
