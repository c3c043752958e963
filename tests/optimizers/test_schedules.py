"""Schedules: Python numbers and tensors agree, shapes of the curves hold, configurations come back."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import neurona
from neurona.errors import ArgumentError
from neurona.optimizers import schedules as s

ALL = [
    s.ExponentialDecay(0.1, 20, 0.9),
    s.ExponentialDecay(0.1, 20, 0.9, staircase=True),
    s.InverseTimeDecay(0.1, 20, 0.5),
    s.InverseTimeDecay(0.1, 20, 0.5, staircase=True),
    s.PiecewiseConstantDecay([10, 30], [1.0, 0.5, 0.1]),
    s.PolynomialDecay(0.1, 50),
    s.PolynomialDecay(0.1, 50, 0.01, power=2.0, cycle=True),
    s.CosineDecay(0.1, 50, alpha=0.1),
    s.CosineDecay(0.01, 50, warmup_target=0.2, warmup_steps=10),
    s.CosineDecayRestarts(0.1, 10),
    s.CosineDecayRestarts(0.1, 10, t_mul=1.0, m_mul=0.5),
]
each = pytest.mark.parametrize("schedule", ALL, ids=lambda x: type(x).__name__)


@each
@given(step=st.integers(0, 500))
def test_a_tensor_gives_what_a_number_gives(schedule: Any, step: int) -> None:
    told = schedule(neurona.Tensor(step))
    assert isinstance(told, neurona.Tensor)
    if isinstance(schedule, s.CosineDecayRestarts) and schedule(step) > 0.9 * schedule(step - 1) + 1e-9:
        return  # at a restart float32 may stand on the other side
    np.testing.assert_allclose(float(told), schedule(step), rtol=1e-4, atol=1e-6)
    assert type(schedule(step)) is float


@each
def test_the_configuration_makes_an_equal_one(schedule: Any) -> None:
    again = s.deserialize(json.loads(json.dumps(s.serialize(schedule))))
    assert type(again) is type(schedule)
    assert again.get_config() == schedule.get_config()
    assert [again(t) for t in range(80)] == [schedule(t) for t in range(80)]


@given(step=st.integers(0, 1000), steps=st.integers(1, 300), alpha=st.floats(0, 1))
def test_cosine_stays_between_its_ends(step: int, steps: int, alpha: float) -> None:
    rate = s.CosineDecay(1.0, steps, alpha=alpha)(step)
    assert alpha - 1e-12 <= rate <= 1.0 + 1e-12
    assert s.CosineDecay(1.0, steps, alpha=alpha)(steps) == pytest.approx(alpha)


@given(st.lists(st.integers(0, 100), min_size=1, max_size=5, unique=True).map(sorted), st.integers(0, 120))
def test_piecewise_by_a_loop(boundaries: list[int], step: int) -> None:
    values = [float(i) for i in range(len(boundaries) + 1)]
    wanted = values[-1]
    for boundary, value in zip(boundaries, values, strict=False):
        if step <= boundary:
            wanted = value
            break
    assert s.PiecewiseConstantDecay(boundaries, values)(step) == wanted


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: s.ExponentialDecay(0.1, 0, 0.5), "decay_steps=0"),
        (lambda: s.InverseTimeDecay(0.1, -1, 0.5), "decay_steps=-1"),
        (lambda: s.PolynomialDecay(0.1, 0), "decay_steps=0"),
        (lambda: s.CosineDecay(0.1, 0), "decay_steps=0"),
        (lambda: s.CosineDecayRestarts(0.1, 0), "first_decay_steps=0"),
        (lambda: s.PiecewiseConstantDecay([1], [1.0]), "one boundary fewer"),
    ],
)
def test_errors(call: Any, text: str) -> None:
    with pytest.raises(ArgumentError, match=text):
        call()


def test_the_base_tells_what_to_override() -> None:
    with pytest.raises(NotImplementedError, match="__call__"):
        s.LearningRateSchedule()(1)
    with pytest.raises(NotImplementedError, match="get_config"):
        s.LearningRateSchedule().get_config()
