"""Walked from the table: each loss's doctest, gradient, configuration, reductions and symbolic shape."""

from __future__ import annotations

import doctest
import inspect
import json
from typing import Any

import numpy as np
import pytest

import neurona
from neurona import gradcheck, losses
from neurona.errors import UnknownNameError
from neurona.losses import base, crossentropy, divergence, focal, margin, overlap, regression, sequence
from neurona.registry import table
from neurona.tape import Tape
from neurona.tensor import Tensor

RNG = np.random.default_rng(5)
REAL = RNG.normal(size=(4, 3))
OTHER = RNG.normal(size=(4, 3))
POSITIVE = RNG.uniform(0.2, 2.0, (4, 3))
ONE_HOT = np.eye(3)[[0, 2, 1, 2]]
LABELS = np.array([0, 2, 1, 2], "int32")
BITS = np.array([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0], [1.0, 1.0, 0.0], [0.0, 1.0, 1.0]])
PROBS = RNG.uniform(0.1, 0.9, (4, 3))
NEAR_UNIT = 0.9 * REAL / np.linalg.norm(REAL, axis=1, keepdims=True)  # at 1, circle meets the kink d = 0

# for each function: targets, predictions, and the settings to check besides the defaults
INPUTS: dict[str, tuple[Any, Any, list[dict[str, Any]]]] = {
    "binary_crossentropy": (
        BITS,
        PROBS,
        [{"from_logits": True, "label_smoothing": 0.2}, {"label_smoothing": 0.1}],
    ),
    "binary_focal_crossentropy": (
        BITS,
        PROBS,
        [{"from_logits": True}, {"apply_class_balancing": True, "gamma": 1.5, "label_smoothing": 0.1}],
    ),
    "categorical_crossentropy": (
        ONE_HOT,
        PROBS,
        [{"from_logits": True}, {"label_smoothing": 0.1}, {"axis": 0}, {"axis": 0, "from_logits": True}],
    ),
    "categorical_focal_crossentropy": (ONE_HOT, PROBS, [{"from_logits": True}, {"alpha": 0.5, "gamma": 1.5}]),
    "categorical_generalized_cross_entropy": (LABELS, PROBS, [{"q": 0.2}]),
    "categorical_hinge": (ONE_HOT, REAL, []),
    "circle": (LABELS, NEAR_UNIT, [{"gamma": 4.0, "margin": 0.3, "remove_diagonal": False}]),
    "cosine_similarity": (REAL, OTHER, [{"axis": 0}]),
    "ctc": (np.array([[1, 1], [2, 0]], "int32"), RNG.normal(size=(2, 5, 3)), []),
    "dice": (BITS, PROBS, [{"axis": 1}]),
    "hinge": (np.where(BITS > 0, 1.0, -1.0), REAL, []),
    "huber": (REAL, OTHER, [{"delta": 0.4}]),
    "kl_divergence": (PROBS, RNG.uniform(0.1, 0.9, (4, 3)), []),
    "log_cosh": (REAL, OTHER, []),
    "mean_absolute_error": (REAL, OTHER, []),
    "mean_absolute_percentage_error": (REAL, OTHER, []),
    "mean_squared_error": (REAL, OTHER, []),
    "mean_squared_logarithmic_error": (POSITIVE, RNG.uniform(0.2, 2.0, (4, 3)), []),
    "poisson": (np.floor(POSITIVE * 3), POSITIVE, []),
    "sparse_categorical_crossentropy": (
        LABELS,
        PROBS,
        [{"from_logits": True}, {"from_logits": True, "ignore_class": 2}, {"ignore_class": 1}],
    ),
    "squared_hinge": (BITS, REAL, []),
    "tversky": (BITS, PROBS, [{"alpha": 0.3, "beta": 0.8, "axis": 1}]),
}
CLASSES = sorted(
    {t for t in table("keras.losses").values() if inspect.isclass(t)} - {losses.Loss, losses.LossFunctionWrapper},
    key=lambda cls: cls.__name__,
)
FUNCTIONS = sorted(losses.FUNCTIONS, key=lambda f: f.__name__)


def settings_of(function: Any) -> list[dict[str, Any]]:
    extra = INPUTS[function.__name__][2]
    return extra if "q" in inspect.signature(function).parameters else [{}, *extra]


def inputs_of(loss: Any) -> tuple[Any, Any]:
    return INPUTS[loss.fn.__name__][:2]


def as_float32(x: Any) -> Any:
    return x.astype("float32") if x.dtype.kind == "f" else x


@pytest.mark.parametrize(
    "module",
    [losses, base, crossentropy, divergence, focal, margin, overlap, regression, sequence],
    ids=lambda m: m.__name__,
)
def test_doctests(module: Any) -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


def test_every_function_has_inputs_and_a_class() -> None:
    assert set(INPUTS) == {f.__name__ for f in FUNCTIONS}
    assert {cls().fn for cls in CLASSES} == set(FUNCTIONS)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_gradient(function: Any) -> None:
    y_true, y_pred, _ = INPUTS[function.__name__]
    targets = Tensor(y_true)
    for settings in settings_of(function):
        step = 1e-6 if function is losses.circle else 1e-5  # gamma = 80 bends its curve
        report = gradcheck(lambda p, s=settings: function(targets, p, **s), y_pred, step=step, tolerance=2e-6)
        assert report.checked == y_pred.size


@pytest.mark.parametrize("cls", CLASSES)
def test_gradient_of_the_class(cls: Any) -> None:
    """Through `__call__`: conversion, weights and reduction included."""
    loss = cls(dtype="float64")
    y_true, y_pred = inputs_of(loss)
    per_sample = loss.call(Tensor(y_true), Tensor(y_pred)).shape
    weight = RNG.uniform(0.5, 2.0, per_sample)
    for reduction in base.REDUCTIONS:
        weighted = cls(dtype="float64", reduction=reduction)
        gradcheck(lambda p, w=weighted: w(y_true, p, sample_weight=weight), y_pred, tolerance=2e-6)


@pytest.mark.parametrize("cls", CLASSES)
def test_config_round_trip(cls: Any) -> None:
    for settings in ({}, *settings_of(cls().fn)):
        made = cls(**settings, reduction="sum", name="mine")
        described = json.loads(json.dumps(losses.serialize(made)))
        assert described["module"] == "keras.losses"
        assert described["registered_name"] is None
        again = losses.deserialize(described)
        assert type(again) is cls
        assert again.get_config() == made.get_config()
        y_true, y_pred = inputs_of(made)
        np.testing.assert_array_equal(again(y_true, y_pred).numpy(), made(y_true, y_pred).numpy())
    bare = losses.get({"class_name": cls.__name__, "config": {}})
    assert type(bare) is cls  # there are metrics of the same names


def test_settings_that_keras_forgets_are_kept() -> None:
    assert "delta" not in losses.Huber().get_config()
    assert losses.deserialize(losses.serialize(losses.Huber(0.3))).delta == 0.3
    assert losses.deserialize(losses.serialize(losses.CosineSimilarity(axis=1))).axis == 1


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_functions_serialize_by_name(function: Any) -> None:
    assert losses.get(losses.serialize(function)) is function
    assert losses.get(function.__name__) is function
    wrapped = losses.LossFunctionWrapper(function, name="mine")
    again = losses.deserialize(json.loads(json.dumps(losses.serialize(wrapped))))
    assert again.fn is function
    assert again.name == "mine"


def test_short_names() -> None:
    for short, long in {
        "mse": "mean_squared_error", "MAE": "mean_absolute_error", "mape": "mean_absolute_percentage_error",
        "MSLE": "mean_squared_logarithmic_error", "bce": "binary_crossentropy", "KLD": "kl_divergence",
    }.items():  # fmt: skip
        assert losses.get(short).__name__ == long
    assert losses.get(None) is None
    assert isinstance(losses.get("CategoricalHinge"), losses.CategoricalHinge)
    with pytest.raises(UnknownNameError, match="Did you mean 'huber'"):
        losses.get("hubber")


@pytest.mark.parametrize("cls", CLASSES)
def test_float32_in_float32_out_and_symbolic_shape(cls: Any) -> None:
    loss = cls(reduction=None)
    y_true, y_pred = inputs_of(loss)
    value = loss(y_true, y_pred)
    assert value.dtype == "float32"
    assert np.isfinite(value.numpy()).all()
    wide = cls(reduction=None, dtype="float64")(y_true, y_pred)
    assert wide.dtype == "float64"
    np.testing.assert_allclose(value.numpy(), wide.numpy(), rtol=2e-4, atol=1e-5)
    drawn = loss.call(Tensor(as_float32(y_true)), neurona.KerasTensor(y_pred.shape))
    assert drawn.shape == value.shape


@pytest.mark.parametrize("cls", CLASSES)
def test_never_leaves_the_recording(cls: Any) -> None:
    """A recorded step stays repeatable: no value is read by plain Python."""
    loss = cls()
    y_true, y_pred = (Tensor(as_float32(y)) for y in inputs_of(loss))
    with Tape(everything=True) as tape:
        tape.watch(y_pred)
        loss(
            y_true,
            y_pred,
            sample_weight=Tensor(np.float32(0.5)) if not loss.call(y_true, y_pred).shape else None,
        )
    assert tape.unrepeatable is None
    assert len(tape.records) > 0
