"""Exported models compute in onnxruntime what they compute here: every layer, every recogniser, open axes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurona import layers, ops
from neurona.errors import ArgumentError, NotBuiltError, SavingError
from neurona.export.onnx import to_onnx
from neurona.layers import Input
from neurona.models import Model, Sequential
from neurona.recognisers import RECOGNISERS
from neurona.symbolic import flatten
from tests import test_every_layer as table

onnx = pytest.importorskip("onnx", reason="the extra neurona[onnx] is not installed")
ort = pytest.importorskip("onnxruntime", reason="the extra neurona[onnx] is not installed")

rng = np.random.default_rng(0)


def run(data: bytes, inputs: Any) -> list[np.ndarray]:
    settings = ort.SessionOptions()
    settings.intra_op_num_threads = settings.inter_op_num_threads = 1
    session = ort.InferenceSession(data, settings)
    named = {entry.name: x for entry, x in zip(session.get_inputs(), inputs, strict=True)}
    found = list(session.run(None, named))
    for entry, y in zip(session.get_outputs(), found, strict=True):
        assert all(isinstance(told, str) or told == n for told, n in zip(entry.shape, y.shape, strict=True))
    return found


def agrees(model: Any, *batches: Any, data: bytes | None = None, tolerance: float = 1e-5) -> bytes:
    """Export the model and compare it on each batch (an array, or a list for several inputs)."""
    data = to_onnx(model, model.input, model.output_names) if data is None else data
    for batch in batches:
        inputs = batch if isinstance(batch, list) else [batch]
        expected = [y.numpy() for y in flatten(model(batch, training=False))]
        found = run(data, inputs)
        assert len(found) == len(expected)
        for ours, its in zip(expected, found, strict=True):
            assert its.shape == ours.shape and its.dtype == ours.dtype
            assert np.abs(its - ours).max() <= tolerance * max(np.abs(ours).max(), 1e-9)
    return data


def drawn(shape: tuple[Any, ...], compute: Callable[[Any], Any], dtype: str = "float32") -> Any:
    """A model of one input, with weights of some size."""
    x = Input(shape, dtype=dtype)
    return shaken(Model(x, compute(x)))


def shaken(model: Any) -> Any:
    for weight in model.weights:
        low = 0.5 if "variance" in weight.name else -0.5
        weight.assign(rng.uniform(low, low + 1, weight.shape))
    return model


def floats(*shape: int) -> np.ndarray:
    return rng.normal(size=shape).astype("float32")


def ids(*shape: int) -> np.ndarray:
    found: np.ndarray = rng.integers(1, 5, shape).astype("int32")
    found[:, -2:] *= rng.integers(0, 2, (shape[0], 1), dtype="int32")  # some end in padding
    found[0, 0] = 0  # and one begins with it
    return found


# -- every layer ------------------------------------------------------------------------------------------------


@table.every_layer
def test_every_layer_agrees_whatever_the_batch(name: str, c: table.Case) -> None:
    layer = table.make(name, c)
    kind = "int32" if name in table.WHOLE else "float32"
    inputs = [Input(shape[1:], dtype=kind) for shape in c.shapes]
    model = Model(inputs if len(inputs) > 1 else inputs[0], layer(*table.together(name, inputs)))
    agrees(model, *(table.draw(name, c, batch=batch) for batch in (None, 1, 7)))


LOOKUPS = [pytest.param(name, found[0], id=name) for name, found in table.LOOKUPS.items()]


@pytest.mark.parametrize(("name", "lookup"), LOOKUPS)
def test_layers_of_vocabularies_are_refused_by_name(name: str, lookup: table.Lookup) -> None:
    layer = table.CLASSES[name](**lookup.settings, name="the_one")
    if lookup.learned is not None:
        layer.adapt(lookup.learned)
    firsts = lookup.first if isinstance(lookup.first, list) else [lookup.first]
    inputs = [
        Input(x.shape[1:], dtype="string" if x.dtype.kind == "O" else str(x.dtype)) for x in map(np.asarray, firsts)
    ]
    model = Model(inputs if len(inputs) > 1 else inputs[0], layer(inputs if len(inputs) > 1 else inputs[0]))
    with pytest.raises(SavingError, match=f"'the_one' \\({name}\\)"):
        to_onnx(model, model.input, ["y"])


# -- every recogniser -------------------------------------------------------------------------------------------

RECIPES = [
    pytest.param(r, recipe, id=f"{r.name}-{recipe.name}") for r in RECOGNISERS.values() for recipe in r.recipes.values()
]


@pytest.mark.parametrize(("recogniser", "recipe"), RECIPES)
def test_every_recogniser_agrees(recogniser: Any, recipe: Any) -> None:
    settings = {name: 500 for name in ("words", "pairs") if name in recipe.settings}
    model = recipe.build(2, 1, 0, **settings)
    for weight in model.weights:
        if "moving_mean" in weight.path:
            weight.assign(rng.normal(size=weight.shape) * 0.1)
        elif weight.name == "codes":  # pairs of words that the layer knows
            weight.assign(np.sort(rng.choice(250_000, weight.shape, replace=False)).astype("int32"))
    (symbol,) = model.inputs
    side = [28, 28, 1] if recogniser.name == "digits" else [32, 32, 3]
    shape = [n or side[axis] for axis, n in enumerate(symbol.shape[1:])] if len(symbol.shape) > 2 else [None]
    if shape == [None]:
        batches = [rng.integers(1, 500, (n, length)).astype("int32") for n, length in ((1, 40), (3, 9))]
        for batch in batches:
            batch[0, -3:] = 0  # padding
    else:
        batches = [rng.uniform(size=(n, *shape)).astype("float32") for n in (1, 3)]
    agrees(model, *batches)


# -- open axes behind the batch ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [layers.LSTM, layers.GRU, layers.SimpleRNN])
def test_recurrent_layers_of_any_length(kind: Any) -> None:
    data = agrees(drawn((None, 3), kind(4)), floats(2, 5, 3), floats(3, 90, 3))
    own = {layers.LSTM: "LSTM", layers.GRU: "GRU", layers.SimpleRNN: "RNN"}[kind]
    assert own in {node.op_type for node in onnx.load_from_string(data).graph.node}
    settings = {"return_sequences": True, "return_state": True, "go_backwards": True}
    agrees(drawn((None, 3), kind(4, **settings)), floats(2, 5, 3), floats(3, 9, 3))


@pytest.mark.parametrize("kind", [layers.LSTM, layers.GRU, layers.SimpleRNN])
def test_masks_are_part_of_the_graph(kind: Any) -> None:
    def network(x: Any) -> Any:
        x = layers.Embedding(5, 3, mask_zero=True)(x)
        return kind(3)(layers.Bidirectional(kind(4, return_sequences=True))(x))

    agrees(drawn((None,), network, "int32"), ids(4, 5), ids(3, 12))


def test_a_gate_before_the_product_with_masks() -> None:
    agrees(drawn((None, 3), lambda x: layers.GRU(4, reset_after=False)(layers.Masking()(x))), floats(2, 5, 3))


def test_pictures_of_any_size() -> None:
    def network(x: Any) -> Any:
        x = layers.MaxPooling2D()(layers.Conv2D(4, 3, padding="same", activation="relu")(x))
        x = layers.Conv2D(4, 5, strides=3, padding="same")(layers.UpSampling2D(2)(x))
        return layers.Conv2DTranspose(2, 3, strides=2, padding="same")(layers.AveragePooling2D(3, padding="same")(x))

    agrees(drawn((None, None, 3), network), floats(2, 8, 10, 3), floats(1, 31, 24, 3), floats(3, 60, 17, 3))


@pytest.mark.parametrize("way", ["bilinear", "nearest"])
def test_other_sizes_of_pictures_of_any_size(way: str) -> None:
    batches = floats(2, 8, 10, 3), floats(1, 31, 24, 3), floats(2, 5, 60, 3)
    agrees(drawn((None, None, 3), layers.UpSampling2D((2, 3), interpolation=way)), *batches)
    agrees(drawn((None, None, 3), layers.Resizing(11, 16, interpolation=way)), *batches)


def test_patches_and_sorting() -> None:
    def patches(x: Any) -> Any:
        return ops.sort(ops.image.extract_patches(x, 4, padding="same"), axis=1)

    agrees(drawn((None, None, 3), layers.Lambda(patches)), floats(2, 8, 12, 3), floats(1, 33, 21, 3))


def test_attention_over_any_length() -> None:
    def causal(x: Any) -> Any:
        return layers.LayerNormalization()(x + layers.MultiHeadAttention(2, 4)(x, x, use_causal_mask=True))

    agrees(drawn((None, 8), causal), floats(2, 5, 8), floats(3, 90, 8))

    def masked(x: Any) -> Any:
        x = layers.Embedding(5, 8, mask_zero=True)(x)
        return layers.GlobalAveragePooling1D()(layers.MultiHeadAttention(2, 4)(x, x))

    agrees(drawn((None,), masked, "int32"), ids(4, 5), ids(3, 12))


def test_inputs_of_independent_lengths() -> None:
    a, b = Input((None, 3), name="queries"), Input((None, 3), name="keys")
    model = shaken(Model([a, b], layers.MultiHeadAttention(2, 2)(a, b)))
    agrees(model, [floats(2, 7, 3), floats(2, 4, 3)])
    agrees(Model([a, b], layers.Add()([a, b])), [floats(2, 7, 3), floats(2, 7, 3)])


class Places(layers.Layer):
    """Adds a learnt row for each place, as Transformers do."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = layers.Embedding(30, 4)

    def call(self, x: Any) -> Any:
        return x + self.rows(ops.arange(ops.shape(x)[1]))


def test_layers_of_ones_own_need_no_translator() -> None:
    agrees(drawn((None, 4), Places()), floats(2, 5, 4), floats(3, 30, 4))


def _by_length(x: Any) -> Any:
    return ops.sum(x, axis=1) / x.shape[1] + ops.reshape(x, (ops.shape(x)[0], ops.shape(x)[1] * 2, 2))[:, -1, :1]


def _by_halves(x: Any) -> Any:
    first, second = ops.split(x, 2, axis=-1)
    return ops.where(first > 0, ops.log1p(ops.exp(first)), ops.cumsum(second, axis=1))


def _by_places(x: Any) -> Any:
    return ops.take(x, [2, 0], axis=-1) + x[:, ::-1, 1:3] * ops.cast(ops.argmax(x, axis=-1), "float32")[..., None]


@pytest.mark.parametrize("compute", [_by_length, _by_halves, _by_places])
def test_functions_of_ops(compute: Callable[[Any], Any]) -> None:
    agrees(drawn((None, 4), layers.Lambda(compute)), floats(2, 3, 4), floats(1, 6, 4))


UNARY = [
    "absolute", "arctan", "celu", "ceil", "cosh", "elu", "erf", "exp2", "expm1", "floor", "gelu", "hard_shrink",
    "hard_sigmoid", "hard_silu", "hard_tanh", "leaky_relu", "log_sigmoid", "log_softmax", "negative", "relu6",
    "selu", "sigmoid", "sign", "silu", "sinh", "soft_shrink", "softplus", "softsign", "square", "squareplus",
    "tanh_shrink", "logsumexp", "std", "var", "any", "all", "isfinite", "logical_not",
]  # fmt: skip


@pytest.mark.parametrize("name", UNARY)
def test_functions_of_one_array(name: str) -> None:
    model = drawn((4,), layers.Lambda(lambda x: ops.cast(getattr(ops, name)(x), "float32") + x * 0))
    agrees(model, floats(3, 4) * 3)


# -- the file -----------------------------------------------------------------------------------------------------


def small() -> Any:
    return drawn((3,), lambda x: layers.Dense(2, activation="softmax", name="answer")(layers.Dropout(0.5)(x)))


def test_a_file_is_written_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = small()
    model.export(tmp_path / "m.onnx", verbose=True)
    assert "m.onnx" in capsys.readouterr().out
    assert [p.name for p in tmp_path.iterdir()] == ["m.onnx"]
    agrees(model, floats(1, 3), floats(9, 3), data=(tmp_path / "m.onnx").read_bytes())
    proto = onnx.load(tmp_path / "m.onnx")
    assert proto.opset_import[0].version == 18
    assert proto.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    assert [entry.name for entry in proto.graph.output] == ["answer"]
    kinds = [node.op_type for node in proto.graph.node]
    assert kinds == ["MatMul", "Add", "Softmax", "Identity"]  # the Dropout is gone
    assert {entry.name for entry in proto.graph.initializer} == {"answer/kernel", "answer/bias"}


@pytest.mark.parametrize("version", [18, 20, 21, 23])
def test_versions_of_the_operators(version: int) -> None:
    model = drawn((None, 3), lambda x: layers.Dense(2)(layers.LSTM(4)(layers.Masking()(layers.Conv1D(3, 2)(x)))))
    agrees(model, floats(2, 6, 3), data=to_onnx(model, model.input, ["y"], version))


@pytest.mark.parametrize(("policy", "tolerance"), [("float64", 1e-7), ("float16", 5e-3), ("mixed_float16", 5e-3)])
def test_other_types(policy: str, tolerance: float) -> None:
    parts = [layers.Dense(4, activation="tanh", dtype=policy), layers.BatchNormalization(dtype=policy)]
    agrees(drawn((3,), lambda x: parts[1](parts[0](x))), floats(2, 3), tolerance=tolerance)


def test_turns_between_neighbours_undo_each_other() -> None:
    def network(x: Any) -> Any:
        for _ in range(3):
            x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(4, 3, use_bias=False)(x)))
        return layers.GlobalAveragePooling2D()(layers.MaxPooling2D()(x))

    model = drawn((12, 12, 3), network)
    data = agrees(model, floats(2, 12, 12, 3))
    kinds = [node.op_type for node in onnx.load_from_string(data).graph.node]
    assert kinds.count("Transpose") == 2
    assert len(kinds) == 3 * 3 + 2 + 1 + 1 + 1


def test_several_inputs_and_outputs_keep_their_names() -> None:
    a, b = Input((3,), name="left"), Input((2,), name="right")
    joined = layers.Concatenate(name="joined")([a, b])
    model = shaken(Model({"a": a, "b": b}, [joined, layers.Dense(2, name="mark")(joined)]))
    data = to_onnx(model, model.input, model.output_names)
    graph = onnx.load_from_string(data).graph
    assert [entry.name for entry in graph.input] == ["left", "right"]
    assert [entry.name for entry in graph.output] == ["joined", "mark"]
    x, y = floats(4, 3), floats(4, 2)
    for ours, its in zip(model({"a": x, "b": y}), run(data, [x, y]), strict=True):
        np.testing.assert_allclose(its, ours.numpy(), rtol=1e-5, atol=1e-6)


class Own(Model):
    """A model with a `call` of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = layers.Dense(2)

    def call(self, x: Any) -> Any:
        return ops.tanh(self.dense(x))


def test_models_with_a_call_of_their_own(tmp_path: Path) -> None:
    model = Own()
    with pytest.raises(NotBuiltError, match="input_signature"):
        model.export(tmp_path / "m.onnx")
    model.export(tmp_path / "told.onnx", input_signature=[layers.InputSpec(shape=(None, 3), dtype="float32")])
    x = floats(4, 3)
    expected = model(x).numpy()
    model.export(tmp_path / "seen.onnx")
    for name in ("told", "seen"):
        (found,) = run((tmp_path / f"{name}.onnx").read_bytes(), [x])
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_a_model_within_a_model() -> None:
    inner = Sequential([Input((3,)), layers.Dense(4, activation="gelu")])
    x = Input((3,))
    agrees(shaken(Model(x, layers.Dense(2)(inner(x)))), floats(5, 3))


# -- what cannot be written ---------------------------------------------------------------------------------------


class Looks(layers.Layer):
    """Lets Python decide by a value."""

    def call(self, x: Any) -> Any:
        return x * 2 if float(ops.sum(x)) > 1 else x


class Counts(layers.Layer):
    """Does another thing for long inputs."""

    def call(self, x: Any) -> Any:
        return ops.exp(x) if x.shape[1] > 9 else ops.log(x)


def _drawing(x: Any) -> Any:
    from neurona import random

    return x + random.normal((3,), seed=random.SeedGenerator(1))


REFUSED = {
    "values": (lambda: drawn((3,), Looks(name="looks")), r"plain Python.*'looks' \(Looks\)"),
    "lengths": (lambda: drawn((None, 3), Counts(name="counts")), r"'counts' \(Counts\).*otherwise for other lengths"),
    "loops": (lambda: drawn((None, 3), layers.LSTM(2, activation="relu", name="loop")), r"within 'loop' \(LSTM\).*as many steps"),
    "state": (
        lambda: Model(x := Input(batch_shape=(2, 4, 3)), layers.GRU(2, stateful=True, name="kept")(x)),
        r"'kept' \(GRU\).*changes its state",
    ),
    "chance": (lambda: drawn((3,), layers.Lambda(_drawing, name="dice")), r"'dice' \(Lambda\).*random numbers"),
    "unknown": (
        lambda: drawn((3, 3), layers.Lambda(lambda x: ops.cholesky(x), name="roots")),
        r"'roots' \(Lambda\).*nothing in ONNX stands for its op 'cholesky'",
    ),
    "sizes": (
        lambda: drawn((None, None, 3), layers.Resizing(4, 4, interpolation="bicubic", name="smaller")),
        r"'smaller' \(Resizing\).*size of the pictures",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_refusals_name_the_layer_and_the_reason(what: str, tmp_path: Path) -> None:
    make, told = REFUSED[what]
    model = make()
    with pytest.raises(SavingError, match=told):
        model.export(tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []


def test_other_formats_and_versions_are_refused(tmp_path: Path) -> None:
    model = small()
    with pytest.raises(ArgumentError, match=r"Supported formats are: \['onnx'\]. Keras itself"):
        model.export(tmp_path / "m", format="tf_saved_model")
    with pytest.raises(ArgumentError, match="from 18 to 23"):
        model.export(tmp_path / "m.onnx", opset_version=11)
    with pytest.raises(ArgumentError, match=r"no such arguments. Received: \['ir'\]"):
        model.export(tmp_path / "m.onnx", ir=2)


# -- the page that tells it -----------------------------------------------------------------------------------------


def test_the_page_names_every_layer_once() -> None:
    page = (Path(__file__).parents[2] / "docs" / "export.md").read_text("utf-8")
    told = page.split("### Which layers")[1].split("What is refused")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in told.splitlines() if line.startswith("| ")
    ]
    named = {name: fate for names, fate in rows[1:] for name in names.split(", ")}
    assert set(named) == set(table.CLASSES)
    assert sum(len(names.split(", ")) for names, _ in rows[1:]) == len(named)
    assert {name for name, fate in named.items() if fate.startswith("no")} == set(table.LOOKUPS)
