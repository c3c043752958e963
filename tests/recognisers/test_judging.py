"""The judgement's figures, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from neurona.errors import UnknownNameError
from neurona.recognisers import find
from neurona.recognisers.judging import calibration, judge, softmax, wilson_interval

SHARES = np.array([[0.8, 0.2], [0.6, 0.4], [0.3, 0.7], [0.9, 0.1]])
TRUTH = np.array([0, 1, 1, 0], "uint8")


def test_judge() -> None:
    found = judge(SHARES, TRUTH, ["a", "b"])
    assert found["accuracy"] == 0.75
    assert found["confusion"] == [[2, 0], [1, 1]]
    a, b = found["per_class"]
    assert (a["precision"], a["recall"], a["count"]) == (pytest.approx(2 / 3), 1.0, 2)
    assert (b["precision"], b["recall"], b["f1"]) == (1.0, 0.5, pytest.approx(2 / 3))
    assert found["loss"] == pytest.approx(-np.log([0.8, 0.4, 0.7, 0.9]).mean())
    assert found["calibration_error"] == pytest.approx((0.2 + 0.6 + 0.3 + 0.1) / 4)


def test_a_class_that_never_comes_up() -> None:
    row = judge(np.array([[1.0, 0.0, 0.0]]), np.array([0]), ["a", "b", "c"])["per_class"][2]
    assert (row["precision"], row["recall"], row["f1"], row["count"]) == (0.0, 0.0, 0.0, 0)


def test_calibration_of_a_perfect_forecast_is_zero() -> None:
    assert calibration(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([0, 1]))[0] == 0


def test_softmax_of_large_numbers() -> None:
    assert softmax(np.array([[1000.0, 1000.0], [-1000.0, 0.0]])).tolist() == [[0.5, 0.5], [0.0, 1.0]]


def test_wilson() -> None:
    assert wilson_interval(0, 0) == (0.0, 1.0)
    low, high = wilson_interval(10, 10)
    assert low == pytest.approx(0.7225, abs=1e-3)
    assert high == pytest.approx(1.0)


@pytest.mark.parametrize("name", ["clothes", "prendas", "Fashion-MNIST", "fashion_mnist", " CLOTHES "])
def test_names_of_the_recogniser(name: str) -> None:
    assert find(name).name == "clothes"


@pytest.mark.parametrize("name", ["digits", "dígitos", "Digitos", "MNIST"])
def test_names_of_digits(name: str) -> None:
    assert find(name).name == "digits"


def test_the_nearest_name_is_offered() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'clothes'"):
        find("cloths")
