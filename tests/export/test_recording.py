"""What is recorded of a model at several sizes: settings, lengths that follow from open axes, constants, refusals."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurona import layers, ops
from neurona.errors import SavingError
from neurona.export.recording import Length, Recording, Value, record
from neurona.layers import Input
from neurona.models import Model, Sequential
from neurona.symbolic import KerasTensor


def recorded(compute: Any, *shape: int | None) -> Recording:
    return record(compute, KerasTensor(shape, name="x"), "it")


def test_lengths_follow_from_open_axes_and_settings_are_equal() -> None:
    found = recorded(lambda x: ops.reshape(x, (ops.shape(x)[0] * ops.shape(x)[1], 2)), None, None, 2)
    (step,) = found.steps
    batch, time = found.inputs[0].shape[:2]
    assert isinstance(batch, Length) and isinstance(time, Length)
    assert step.op.name == "_reshape"
    assert step.setting("newshape") == (tuple(n * t for n, t in zip(batch, time, strict=True)), 2)
    assert isinstance(step.setting("newshape")[0], Length)
    assert found.outputs == step.outputs


def test_no_open_axis_follows_from_another() -> None:
    (x,) = recorded(lambda x: x, None, None, None, None, 2).inputs
    axes = [n for n in x.shape if isinstance(n, Length)]
    assert len(axes) == 4
    for i, first in enumerate(axes):
        for second in axes[i + 1 :]:
            line = np.polyfit(first, second, 1)
            assert np.abs(np.polyval(line, first) - second).max() > 0.1


def test_steps_that_nothing_reads_are_left_out() -> None:
    def compute(x: Any) -> Any:
        ops.exp(x)
        return ops.log(x)

    assert [step.op.name for step in recorded(compute, None, 3).steps] == ["log"]


def test_weights_keep_their_paths_and_constants_their_values() -> None:
    model = Sequential(
        [Input((3,)), layers.Dense(2, name="d"), layers.Lambda(lambda x: x + np.float32([1, 2]))], name="m"
    )
    found = record(lambda x: model(x, training=False), model.input, "m")
    given = [x for step in found.steps for x in step.inputs if isinstance(x, Value) and x.given]
    assert [x.label for x in given] == ["m/d/kernel", "m/d/bias", ""]
    assert given[-1].arrays[0].tolist() == [1, 2]
    assert found.steps[0].layers[-1].name == "d"


def test_what_only_training_does_is_not_recorded() -> None:
    model = Sequential([Input((3,)), layers.Dropout(0.5), layers.GaussianNoise(1.0)])
    assert record(lambda x: model(x, training=False), model.input, "m").steps == []


def test_longer_inputs_are_tried_where_windows_do_not_fit_and_shorter_ones_for_small_tables() -> None:
    (x,) = recorded(lambda x: layers.Conv1D(1, 60)(x), None, None, 2).inputs
    assert isinstance(x.shape[1], Length) and min(x.shape[1]) >= 60
    places = layers.Embedding(6, 2)
    (x,) = recorded(lambda x: x + places(ops.arange(ops.shape(x)[1])), None, None, 2).inputs
    assert isinstance(x.shape[1], Length) and max(x.shape[1]) <= 6


def test_other_ops_for_other_lengths_are_refused() -> None:
    with pytest.raises(SavingError, match="computes otherwise for other lengths"):
        recorded(lambda x: ops.exp(x) if x.shape[1] > 9 else ops.log(x), None, None)
    with pytest.raises(SavingError, match="as many steps as its input is long"):
        recorded(lambda x: sum((x[:, t] for t in range(x.shape[1])), start=0.0), None, None)
    with pytest.raises(SavingError, match="a setting of the op 'multiply' differs"):
        recorded(lambda x: x * (1 / x.shape[1] ** 0.5), None, None)


def test_models_that_do_not_run_are_refused() -> None:
    with pytest.raises(SavingError, match="does not run on its own input shapes"):
        recorded(lambda x: ops.matmul(x, np.ones((5, 2), "float32")), None, 3)


def test_missing_packages_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Model(x := Input((3,)), layers.Dense(2)(x))
    for name in ("onnx", "safetensors", "safetensors.numpy", "sklearn", "sklearn.base"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(SavingError, match=r"pip install 'neurona\[onnx\]'"):
        model.export(tmp_path / "m.onnx")
    with pytest.raises(SavingError, match=r"pip install 'neurona\[safetensors\]'"):
        model.save_weights(tmp_path / "m.safetensors")
    monkeypatch.delitem(sys.modules, "neurona.sklearn", raising=False)
    with pytest.raises(ImportError, match=r"pip install 'neurona\[sklearn\]'"):
        import neurona.sklearn  # noqa: F401
    assert list(tmp_path.iterdir()) == []
