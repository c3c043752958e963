"""Files that real Keras 2.15, 3.0, 3.5, 3.10 and 3.15 wrote (make_keras_files.py) open, compute the same and train on."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neurona
from neurona.errors import SavingError

PACKED = sorted((Path(__file__).parent / "files").glob("*.zip"))
# Random layers draw numbers of their own; what this library cannot do as Keras did is no matter of files.
STEPS = 5


def names_in(packed: Path) -> list[str]:
    with zipfile.ZipFile(packed) as archive:
        return sorted(name for name in archive.namelist() if name.endswith((".keras", ".h5")))


WHOLE = [(p.stem, n) for p in PACKED for n in names_in(p) if n.count(".") == 1]
WEIGHTS = [(p.stem, n) for p in PACKED for n in names_in(p) if n.count(".") == 2]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keras")
    for packed in PACKED:
        with zipfile.ZipFile(packed) as archive:
            archive.extractall(folder / packed.stem)
    return folder


def known(file: Path) -> tuple[Any, Any, list[np.ndarray], np.ndarray | None]:
    """Inputs, targets, outputs and the losses of the next steps, as Keras computed them."""
    with np.load(file.with_name(file.name.split(".")[0] + ".npz")) as arrays:
        x, t, y = ([arrays[name] for name in sorted(arrays) if name[0] == kind and name != "losses"] for kind in "xty")
        losses = arrays.get("losses")
    return bare(x), bare(t), y, losses


def bare(arrays: list[np.ndarray]) -> Any:
    return arrays[0] if len(arrays) == 1 else arrays


def outputs(model: Any, x: Any) -> list[np.ndarray]:
    found = model(x, training=False)
    return [np.asarray(y) for y in (found if isinstance(found, (list, tuple)) else [found])]


def test_every_version_is_there() -> None:
    assert [p.stem.rpartition(".")[0] for p in PACKED] == ["2.15", "3.0", "3.10", "3.15", "3.5"]
    assert len(WHOLE) == 62


@pytest.mark.parametrize(("version", "name"), WHOLE)
def test_a_model_computes_the_same_and_trains_on(files: Path, version: str, name: str) -> None:
    file = files / version / name
    x, t, y, losses = known(file)
    model = neurona.saving.load_model(file)
    for found, expected in zip(outputs(model, x), y, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    if losses is None:
        return
    assert int(np.asarray(model.optimizer.iterations)) == STEPS
    for layer in model.layers:
        if hasattr(layer, "rate"):
            layer.rate = 0.0
    batch = len(x[0] if isinstance(x, list) else x)
    history = model.fit(x, t, batch_size=batch, shuffle=False, epochs=len(losses), verbose=0).history
    np.testing.assert_allclose(history["loss"], losses, rtol=1e-5, atol=1e-5)
    assert len(history) > 1  # its metrics are there too


@pytest.mark.parametrize(("version", "name"), WEIGHTS)
def test_weights_alone(files: Path, version: str, name: str) -> None:
    file = files / version / name
    model = neurona.saving.load_model(files / version / f"{name.split('.')[0]}.keras")
    x, _, y, _ = known(file)
    for variable in model.weights:
        variable.assign(variable.numpy() * 0)
    model.load_weights(file)
    for found, expected in zip(outputs(model, x), y, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["graph.h5", "graph.legacy.h5"])
def test_weights_by_name_leave_other_layers_alone(files: Path, name: str) -> None:
    a, b = neurona.Input((3,)), neurona.Input((3,))
    shared = neurona.layers.Dense(4, name="shared")
    other = neurona.layers.Dense(7, name="other", kernel_initializer="ones")
    model = neurona.Model([a, b], other(neurona.ops.add(shared(a), shared(b))))
    model.load_weights(files / "2.15.0" / name, by_name=True)
    whole = neurona.saving.load_model(files / "2.15.0" / "graph.keras")
    np.testing.assert_array_equal(shared.kernel.numpy(), whole.get_layer("shared").kernel.numpy())
    assert (other.kernel.numpy() == 1).all()


def test_the_older_format_under_the_newer_ending(files: Path, tmp_path: Path) -> None:
    shutil.copy(files / "2.15.0" / "dense.legacy.h5", tmp_path / "dense.weights.h5")
    model = neurona.saving.load_model(files / "2.15.0" / "dense.keras")
    expected = [w.copy() for w in model.get_weights()]
    model.set_weights([w + 1 for w in expected])
    model.load_weights(tmp_path / "dense.weights.h5")
    for found, weight in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(found, weight)


def test_weights_by_order_need_the_same_layers(files: Path) -> None:
    model = neurona.Sequential([neurona.Input((3,)), neurona.layers.Dense(4, kernel_initializer="ones")])
    with pytest.raises(SavingError, match=r"has 1 layers with weights, the file 5 \(shared, inner"):
        model.load_weights(files / "2.15.0" / "graph.legacy.h5")
    assert (model.layers[0].kernel.numpy() == 1).all()


def test_a_weight_of_another_shape_is_named_or_skipped(files: Path) -> None:
    model = neurona.Sequential([neurona.Input((3,)), neurona.layers.Dense(5, name="shared", kernel_initializer="ones")])
    file = files / "2.15.0" / "graph.legacy.h5"
    with pytest.raises(SavingError, match=r"layer 'shared': .*kernel has the shape \(3, 5\), the file \(3, 4\)"):
        model.load_weights(file, by_name=True)
    with pytest.warns(UserWarning, match="left as they were: layer 'shared'"):
        model.load_weights(file, by_name=True, skip_mismatch=True)
    assert (model.layers[0].kernel.numpy() == 1).all()


def test_weights_alone_describe_no_model(files: Path) -> None:
    with pytest.raises(SavingError, match=r"No model config found.*model\.load_weights\(\)"):
        neurona.saving.load_model(files / "2.15.0" / "graph.legacy.h5")


def test_without_compiling(files: Path) -> None:
    assert not neurona.saving.load_model(files / "2.15.0" / "dense.h5", compile=False).compiled
