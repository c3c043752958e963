"""Older descriptions in today's form, the older whole-model format both ways, and what neither may do."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import neurona
from neurona import layers, ops
from neurona.errors import SavingError, UnsafeFileError
from neurona.registry import deserialize_keras_object
from neurona.saving.legacy import load_whole_model, modern
from neurona.saving.legacy.tf_ops import translated
from neurona.saving.legacy.weights import names_in
from neurona.saving.stored import open_stored


def made(described: dict[str, Any], **options: Any) -> Any:
    return deserialize_keras_object(modern(described, **options))


def entry(name: str, kind: str, inbound: list[Any], **settings: Any) -> dict[str, Any]:
    return {"class_name": kind, "name": name, "config": {"name": name, **settings}, "inbound_nodes": inbound}


def drawn(entries: list[dict[str, Any]], inputs: Any, outputs: Any) -> dict[str, Any]:
    settings = {"name": "m", "layers": entries, "input_layers": inputs, "output_layers": outputs}
    return {"class_name": "Model", "config": settings}


# -- settings ------------------------------------------------------------------------------------------------------


def test_a_sequential_of_layers_that_know_their_input_shape() -> None:
    first = {
        "class_name": "Dense",
        "config": {"name": "a", "units": 2, "batch_input_shape": [None, 3], "dtype": "float32"},
    }
    second = {"class_name": "LeakyReLU", "config": {"name": "b", "alpha": 0.25}}
    model = made({"class_name": "Sequential", "config": [first, second]})
    assert model.input_shape == (None, 3)
    assert model.layers[1].negative_slope == 0.25


@pytest.mark.parametrize(
    ("described", "attribute", "expected"),
    [
        ({"class_name": "Embedding", "config": {"input_dim": 3, "output_dim": 2, "input_length": 5}}, "input_dim", 3),
        ({"class_name": "BatchNormalization", "config": {"axis": [3], "fused": True}}, "axis", 3),
        ({"class_name": "ThresholdedReLU", "config": {"theta": 0.5}}, "threshold", 0.5),
        ({"class_name": "LSTM", "config": {"units": 2, "time_major": False, "implementation": 2}}, "units", 2),
        (
            {"class_name": "Dense", "config": {"units": 1, "dtype": {"class_name": "Policy", "config": {"name": "float32"}}}},
            "compute_dtype", "float32",
        ),
        ({"module": "keras.src.layers.core.dense", "class_name": "Dense", "config": {"units": 4}}, "units", 4),
    ],
)  # fmt: skip
def test_layers(described: dict[str, Any], attribute: str, expected: Any) -> None:
    assert getattr(made(described), attribute) == expected


def test_time_before_batch_is_refused() -> None:
    with pytest.raises(SavingError, match=r"'r' expects the time before the batch \(time_major=True\)"):
        modern({"class_name": "GRU", "config": {"name": "r", "units": 1, "time_major": True}})


def test_an_optimizer_that_lowers_its_rate_by_the_steps() -> None:
    told = {"class_name": "Custom>SGD", "config": {"name": "SGD", "lr": 0.1, "decay": 0.5, "is_legacy_optimizer": True}}
    optimizer = deserialize_keras_object(modern(told, "keras.optimizers"))
    assert float(np.asarray(optimizer.learning_rate)) == pytest.approx(0.1)
    optimizer.iterations.assign(2)
    assert float(np.asarray(optimizer.learning_rate)) == pytest.approx(0.05)  # 0.1 / (1 + 0.5 * 2)


def test_losses_and_metrics() -> None:
    loss = {"class_name": "MeanSquaredError", "config": {"reduction": "auto", "name": "l", "fn": "mean_squared_error"}}
    assert made(loss, module="keras.losses").reduction == "sum_over_batch_size"
    assert isinstance(made(loss, module="keras.losses"), neurona.losses.MeanSquaredError)
    assert modern({"class_name": "LossFunctionWrapper", "config": {"fn": "mse"}}, "keras.losses") == "mse"
    config = {"name": "accuracy", "fn": "binary_accuracy", "dtype": "float32"}
    metric = {"class_name": "MeanMetricWrapper", "config": config}
    assert modern(metric, "keras.metrics") == "accuracy"
    config["name"] = "hits"
    found = made(metric, module="keras.metrics")
    assert float(np.asarray(found([[1.0], [0.0]], [[0.9], [0.8]]))) == 0.5 and found.name == "hits"


def test_hard_sigmoid_was_steeper() -> None:
    told = {"class_name": "Activation", "config": {"activation": "hard_sigmoid"}}
    np.testing.assert_allclose(np.asarray(made(told, version="2.15.0")(np.array([1.0], "float32"))), 0.7)
    np.testing.assert_allclose(np.asarray(made(told)(np.array([1.0], "float32"))), 1 / 6 + 0.5, rtol=1e-6)


def test_todays_descriptions_stay_as_they_are() -> None:
    x = neurona.Input((4, 3))
    model = neurona.Model(x, layers.Dense(2)(layers.LSTM(3)(ops.exp(x))))
    model.compile(neurona.optimizers.Adam(), "mse", metrics=["mae"])
    described = json.loads(json.dumps(neurona.saving.serialize_keras_object(model)))
    assert modern(described)["config"] == described["config"]


def test_a_users_class_keeps_its_settings() -> None:
    told = {"module": "mine", "class_name": "Embedding", "registered_name": "mine>Embedding"}
    described = {**told, "config": {"input_length": 3}}
    assert modern(described) == described


# -- calls ---------------------------------------------------------------------------------------------------------


def test_calls_of_a_model_within_a_model_count_from_one() -> None:
    inner = drawn(
        [entry("i", "InputLayer", [], batch_input_shape=[None, 2]), entry("d", "Dense", [[["i", 0, 0, {}]]], units=2)],
        [["i", 0, 0]],
        [["d", 0, 0]],
    )
    whole = drawn(
        [
            entry("x", "InputLayer", [], batch_input_shape=[None, 2]),
            {**inner, "name": "m", "inbound_nodes": [[["x", 0, 0, {}]], [["m", 1, 0, {}]]]},
            entry("sum", "Add", [[["m", 1, 0, {}], ["m", 2, 0, {}]]]),
        ],
        [["x", 0, 0]],
        [["sum", 0, 0]],
    )
    model = made(whole)
    model.set_weights([2 * np.eye(2), np.ones(2)])  # f(x) = 2 x + 1
    np.testing.assert_array_equal(np.asarray(model(np.array([[1.0, 0.0]]))), [[3 + 7, 1 + 3]])


def test_first_states_keywords_and_numbers() -> None:
    model = made(
        drawn(
            [
                entry("x", "InputLayer", [], batch_input_shape=[None, 4, 3]),
                entry("h", "InputLayer", [], batch_input_shape=[None, 2]),
                entry("gru", "GRU", [[["x", 0, 0, {}], ["h", 0, 0, {}]]], units=2),
                entry("less", "TFOpLambda", [["_CONSTANT_VALUE", -1, 1.0, {"y": ["gru", 0, 0], "name": None}]],
                      function="math.subtract"),
            ],
            {"a": ["x", 0, 0], "b": ["h", 0, 0]},
            [["less", 0, 0]],
        )
    )  # fmt: skip
    x, h = np.ones((2, 4, 3), "float32"), np.full((2, 2), 0.5, "float32")
    expected = 1 - np.asarray(model.get_layer("gru")(x, initial_state=h))
    np.testing.assert_allclose(np.asarray(model({"a": x, "b": h})), expected, rtol=1e-6)


def test_functions_of_tensorflow() -> None:
    op, given = translated("compat.v1.transpose", "x", {"perm": [1, 0], "conjugate": False, "name": "t"})
    assert (op.op, given) == ("transpose", {"x": "x", "axes": [1, 0]})
    assert translated("gather", "x", {"indices": "i"})[1]["axis"] == 0
    assert translated("concat", "x", {"axis": -1})[1] == {"xs": ["x"], "axis": -1}
    with pytest.raises(SavingError, match=r"function tf\.py_function, which has no counterpart.*layer of your own"):
        translated("py_function", "x", {})
    with pytest.raises(SavingError, match=r"settings that the op matmul does not have: \{'transpose_b': True\}"):
        translated("linalg.matmul", "x", {"b": "y", "transpose_b": True})


def test_calls_that_are_none() -> None:
    for node in ([[["x", 0, 0, {}], 3]], [["nobody", 0, 0, {}]]):
        broken = drawn(
            [entry("x", "InputLayer", [], batch_shape=[None, 2]), entry("d", "Dense", [node], units=1)], [], []
        )
        with pytest.raises(SavingError, match="Expected a call's tensors as lists of layer, call and output"):
            modern(broken)


# -- the whole-model format ----------------------------------------------------------------------------------------


def small() -> Any:
    x = neurona.Input((3,), name="x")
    y = layers.Dense(4, activation="relu", name="a")(x)
    model = neurona.Model(x, layers.Dense(2, name="c")(layers.BatchNormalization(name="b")(y * 2.0)), name="small")
    model.compile(neurona.optimizers.Adam(0.01), "mse", metrics=["mae"])
    rng = np.random.default_rng(1)
    model.fit(rng.normal(size=(8, 3)), rng.normal(size=(8, 2)), epochs=2, verbose=0, shuffle=False)
    return model


@pytest.mark.parametrize("name", ["m.h5", "m.hdf5"])
def test_a_model_comes_back_and_trains_on(tmp_path: Path, name: str) -> None:
    model, file = small(), tmp_path / name
    model.save(file)
    again = neurona.saving.load_model(file)
    for one, other in zip(model.optimizer.variables, again.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
    x, t = np.ones((8, 3)), np.ones((8, 2))
    first, second = (m.fit(x, t, epochs=2, verbose=0, shuffle=False).history for m in (model, again))
    assert first == second and "mae" in first


def test_without_the_optimizer(tmp_path: Path) -> None:
    small().save(tmp_path / "m.h5", include_optimizer=False)
    assert not neurona.saving.load_model(tmp_path / "m.h5").compiled


def test_lists_of_names_that_are_too_long_for_an_attribute(tmp_path: Path) -> None:
    stack = [layers.Dense(1, name=f"{'d' * 700}{i}") for i in range(100)]
    model = neurona.Sequential([neurona.Input((1,)), *stack])
    model.save(tmp_path / "m.h5")
    with open_stored(tmp_path / "m.h5", "m.h5") as file:
        group = file.child("model_weights")
        assert group is not None and {"layer_names0", "layer_names1"} <= set(group.attrs)
        assert names_in(group, "layer_names") == [layer.name for layer in model.layers]
    again = neurona.saving.load_model(tmp_path / "m.h5")
    np.testing.assert_array_equal(again.get_weights()[198], model.get_weights()[198])


def test_a_model_of_the_users_own_classes(tmp_path: Path) -> None:
    class Twice(layers.Layer):
        def call(self, x: Any) -> Any:
            return x * 2

    def distance(y: Any, p: Any) -> Any:
        return ops.mean(ops.abs(y - p))

    model = neurona.Sequential([neurona.Input((2,)), Twice(name="t"), layers.Dense(1)])
    model.compile("sgd", distance, metrics=[distance])
    model.save(tmp_path / "m.h5")
    with pytest.raises(neurona.errors.UnknownNameError, match="Twice"):
        neurona.saving.load_model(tmp_path / "m.h5")
    again = neurona.saving.load_model(tmp_path / "m.h5", custom_objects={"Twice": Twice, "distance": distance})
    assert again.fit(np.ones((2, 2)), np.ones((2, 1)), verbose=0).history.keys() == {"loss", "distance"}


def test_an_unbuilt_model_has_only_a_description(tmp_path: Path) -> None:
    neurona.Sequential([layers.Dense(3)]).save(tmp_path / "m.h5")
    again = neurona.saving.load_model(tmp_path / "m.h5")
    assert not again.built and again.layers[0].units == 3


def test_weights_alone_need_the_newer_ending(tmp_path: Path) -> None:
    with pytest.raises(SavingError, match=r"must end in `\.weights\.h5`"):
        small().save_weights(tmp_path / "m.h5")


# -- files that mean harm ------------------------------------------------------------------------------------------


def changed(tmp_path: Path, change: Any) -> Path:
    small().save(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "r+") as file:
        change(file)
    return tmp_path / "m.h5"


def _link(file: Any) -> None:
    del file["model_weights/a"]
    file["model_weights/a"] = h5py.ExternalLink("other.h5", "/a")


def _soft(file: Any) -> None:
    del file["model_weights/a/a/kernel"]
    file["model_weights/a/a/kernel"] = h5py.SoftLink("/model_weights/c/c/kernel")


def _climb(file: Any) -> None:
    file["model_weights"].attrs["layer_names"] = [b"a", b"../optimizer_weights", b"c"]


def _many(file: Any) -> None:
    file["model_weights/a"].attrs["weight_names"] = 7


def _json(file: Any) -> None:
    file.attrs["model_config"] = b"[" * 100_000


def _lambda(file: Any) -> None:
    config = {"function": ["4wEAAAA=", None, None], "function_type": "lambda", "name": "f"}
    layer = {"class_name": "Lambda", "config": config}
    file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": {"name": "s", "layers": [layer]}})


@pytest.mark.parametrize(
    ("change", "error"),
    [(_link, UnsafeFileError), (_soft, UnsafeFileError), (_climb, SavingError), (_many, SavingError),
     (_json, UnsafeFileError), (_lambda, UnsafeFileError)],
)  # fmt: skip
def test_a_hostile_file_is_refused(tmp_path: Path, change: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        load_whole_model(changed(tmp_path, change))


def test_an_optimizer_state_that_does_not_fit_is_left_out(tmp_path: Path) -> None:
    def cut(file: Any) -> None:
        group = file["optimizer_weights"]
        group.attrs["weight_names"] = list(group.attrs["weight_names"])[:-1]

    with pytest.warns(UserWarning, match="Skipping variable loading for optimizer 'adam"):
        model = load_whole_model(changed(tmp_path, cut))
    assert int(np.asarray(model.optimizer.iterations)) == 0


def test_no_hdf5_at_all(tmp_path: Path) -> None:
    (tmp_path / "m.h5").write_bytes(io.BytesIO(b"nothing of the kind").getvalue())
    with pytest.raises(SavingError, match="not a readable HDF5 file"):
        neurona.saving.load_model(tmp_path / "m.h5")
