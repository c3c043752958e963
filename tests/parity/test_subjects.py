"""The table of what is compared: whole, repeatable, and carried out by our side. It runs without Keras."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from neurona.parity import LEFT_OUT, SUBJECTS, TOLERANCES, distance
from neurona.parity.certificate import _farthest
from neurona.parity.drawing import New, drawn, numbers, one_of, real, told, whole
from neurona.parity.sides import Ours
from neurona.parity.subjects import KINDS, QUANTITIES, Subject, generator
from neurona.registry import table

MODULES = {"layer": "layers", "loss": "losses", "metric": "metrics", "optimizer": "optimizers"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_class_is_compared_or_told_why_not(kind: str) -> None:
    known = {name for name, thing in table(f"keras.{MODULES[kind]}").items() if inspect.isclass(thing)}
    known = {table(f"keras.{MODULES[kind]}")[name].__name__ for name in known}
    compared = {s.name for s in SUBJECTS if s.kind == kind}
    assert compared | set(LEFT_OUT[kind]) >= known, known - compared - set(LEFT_OUT[kind])
    assert not compared & set(LEFT_OUT[kind])


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda s: f"{s.kind}-{s.name}")
def test_a_subject_repeats_itself(subject: Subject) -> None:
    """The same seed gives the same case and the same answers, another one another case."""
    ours, dtype = Ours(), subject.dtypes[0]
    cases = [subject.draw(generator(seed, subject.name, 0), 0) for seed in (7, 7, 8)]
    assert subject.tell(cases[0]) == subject.tell(cases[1])
    first, again = (subject.run(ours, case, dtype, 1) for case in cases[:2])
    assert set(first) <= set(QUANTITIES)
    assert first.keys() == again.keys()
    for quantity, arrays in first.items():
        assert quantity in TOLERANCES[dtype]
        for name, array in arrays.items():
            np.testing.assert_array_equal(array, again[quantity][name])


def test_sizes_and_settings_are_drawn() -> None:
    subject = next(s for s in SUBJECTS if s.name == "Conv2D")
    seen = {subject.tell(subject.draw(generator(0, number), number)) for number in range(20)}
    assert len(seen) > 15


def test_settings_are_drawn_within_others() -> None:
    rng = np.random.default_rng(0)
    found = drawn({"cell": New("layers.GRUCell", {"units": whole(2, 3)}), "rates": [real(0, 1), one_of("a")]}, rng)
    assert found["cell"].settings["units"] in (2, 3)
    assert 0 <= found["rates"][0] <= 1
    assert found["rates"][1] == "a"
    assert told(New("layers.RNN", {"cell": New("layers.GRUCell", {"units": 2})})) == "RNN(cell=GRUCell(units=2))"


def test_drawn_numbers_stay_off_the_kinks() -> None:
    x = numbers(np.random.default_rng(0), (40, 5), "float64")
    assert len(np.unique(x)) == x.size
    assert np.abs(x).min() > 1e-4


@pytest.mark.parametrize(
    ("got", "want", "error"),
    [
        ([1.0, 2.0], [1.0, 2.5], 0.2),
        ([1.0, np.nan], [1.0, np.nan], 0.0),
        ([1.0, 2.0], [1.0, np.nan], np.inf),
        ([1.0, np.nan], [1.0, 2.0], np.inf),
        ([1.0], [[1.0]], np.inf),
        ([1], [1.0], np.inf),
        (["a"], ["b"], np.inf),
        ([True], [True], 0.0),
        ([0.0], [0.0], 0.0),
        ([1e-9], [0.0], np.inf),
    ],
)
def test_distance(got: list[object], want: list[object], error: float) -> None:
    assert distance(np.array(got), np.array(want)) == pytest.approx(error)


def test_types_are_compared_too() -> None:
    got, want = {"value": np.ones(2)}, {"value": np.ones(2, "float32")}
    assert _farthest({"output": got}, {"output": want}, "output") == (np.inf, "value, float64 for float32")
    assert _farthest({"output": want}, {"output": want}, "output") == (0.0, "value")


def test_rounding_where_nothing_should_be_has_the_size_of_its_neighbours() -> None:
    assert distance(np.array([1e-9]), np.array([0.0]), floor=1e-3) == pytest.approx(1e-6)
