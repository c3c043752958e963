"""Model files of strangers: nothing in them runs, leads elsewhere, or takes more than it holds."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import neurona as keras
from neurona import allowance
from neurona.errors import NeuronaError, SavingError, UnknownNameError, UnsafeFileError
from neurona.layers import Dense, Input
from neurona.saving import json_reader
from neurona.saving.json_reader import read_json

MEMBERS = ("metadata.json", "config.json", "model.weights.h5")


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The members of a small model's archive."""
    path = tmp_path_factory.mktemp("seed") / "m.keras"
    keras.Sequential([Input((4,)), Dense(2, name="dense")]).save(path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def canary(tmp_path: Path) -> Iterator[Path]:
    """A file that whatever runs would create; it must never be there."""
    path = tmp_path / "canary"
    yield path
    assert not path.exists()


def archive_of(members: dict[str, bytes], **options: Any) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **options) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def load(tmp_path: Path, members: dict[str, bytes], config: Any = None) -> Any:
    """Load the archive of these members, with another configuration."""
    path = tmp_path / "stranger.keras"
    if config is not None:
        members = {**members, "config.json": json.dumps(config).encode()}
    path.write_bytes(archive_of(members))
    return keras.models.load_model(path)


def layer(name: str, /, module: str | None = "keras.layers", **config: Any) -> dict[str, Any]:
    return {"module": module, "class_name": name, "config": config, "registered_name": None}


def sequential(*layers: Any, shape: Any = (None, 4), **more: Any) -> dict[str, Any]:
    first = layer("InputLayer", batch_shape=list(shape), dtype="float32", name="i")
    return {**layer("Sequential", "keras", name="s", layers=[first, *layers]), **more}


# -- nothing runs ------------------------------------------------------------------------------------------------


def function(module: str, name: str) -> dict[str, Any]:
    return {"module": module, "class_name": "function", "config": name, "registered_name": "function"}


def touching(canary: Path) -> dict[str, Any]:
    return {
        "module": "subprocess",
        "class_name": "Popen",
        "config": {"args": ["touch", str(canary)]},
        "registered_name": None,
    }


CODE = {"class_name": "__lambda__", "config": {"code": "4wEAAAAAAAAA", "defaults": None, "closure": None}}

RUNNING: dict[str, Callable[[Path], Any]] = {
    # CVE-2025-1550: any callable by the name of its module
    "function of a module": lambda canary: layer("Dense", units=2, activation=function("os", "system")),
    "builtin": lambda canary: layer("Dense", units=2, activation=function("builtins", "eval")),
    "class of a module": lambda canary: layer("Dense", units=2, kernel_initializer=touching(canary)),
    "registered name of a module": lambda canary: {**touching(canary), "registered_name": "subprocess>Popen"},
    "layer of a module": lambda canary: touching(canary),
    "module of the library": lambda canary: layer("Dense", units=2, activation=function("keras.src.utils", "func_load")),
    "callback": lambda canary: layer("BackupAndRestore", "keras.callbacks", backup_dir=str(canary)),
    "callback by its name alone": lambda canary: layer("CSVLogger", None, filename=str(canary)),
    # CVE-2025-8747: a function of the library itself that fetches and writes files
    "a library's function": lambda canary: layer("Dense", units=2, activation=function("keras.utils", "get_file")),
    "Lambda with get_file": lambda canary: layer(
        "Lambda", function=function("keras.utils", "get_file"),
        arguments={"fname": str(canary), "origin": "file:///etc/hostname", "cache_dir": str(canary.parent)},
    ),
    # CVE-2025-9906: a configuration that switches safety off on its way
    "safety switched off": lambda canary: layer(
        "Dense", units=2, activation=function("keras.config", "enable_unsafe_deserialization")
    ),
    "safety switched off by its class": lambda canary: {
        **layer("Dense", units=2), "module": "keras.config", "class_name": "enable_unsafe_deserialization"
    },
    # CVE-2024-3660, CVE-2025-9905: code in a Lambda
    "Lambda with code": lambda canary: layer("Lambda", function=CODE),
    "Lambda with code, as Keras 2": lambda canary: layer("Lambda", function=["4wEAAAA=", None, None], function_type="lambda"),
    "Lambda by name": lambda canary: layer("Lambda", function="os.system"),
    "Lambda of a mask": lambda canary: layer("Lambda", function=function("builtins", "print"), mask=CODE),
    "code anywhere": lambda canary: layer("Dense", units=2, bias_initializer=CODE),
    # CVE-2025-49655: a pickle of another framework in a layer's setting
    "a pickle": lambda canary: layer("TorchModuleWrapper", module={"value": "gASVAAAA"}),
    "TFSMLayer": lambda canary: layer("TFSMLayer", filepath=str(canary.parent)),
    "a module's attribute": lambda canary: layer("__init__", "keras.layers"),
    "a private name": lambda canary: layer("_exports", "keras.layers"),
}  # fmt: skip


@pytest.mark.parametrize("attack", RUNNING)
def test_no_code_comes_from_a_file(attack: str, tmp_path: Path, members: dict[str, bytes], canary: Path) -> None:
    evil = RUNNING[attack](canary)
    keras.config.enable_unsafe_deserialization()  # Keras's switch opens nothing here
    with pytest.raises(NeuronaError):
        load(tmp_path, members, sequential(evil, layer("Dense", units=2, name="dense")))
    with pytest.raises(NeuronaError):
        load(tmp_path, members, evil)
    with pytest.raises(NeuronaError):
        load(tmp_path, members, sequential(layer("Dense", units=2), compile_config={"optimizer": evil, "loss": "mse"}))
    with pytest.raises(NeuronaError):
        load(tmp_path, members, sequential(layer("Dense", units=2), compile_config={"loss": evil, "optimizer": "sgd"}))


def test_a_lambda_in_an_older_file_is_refused(tmp_path: Path, canary: Path) -> None:
    """CVE-2025-9905: Keras let safe_mode pass by whole-model HDF5 files."""
    config = {
        "class_name": "Sequential",
        "config": {
            "name": "s",
            "layers": [
                {"class_name": "InputLayer", "config": {"batch_input_shape": [None, 4], "dtype": "float32", "name": "i"}},
                {"class_name": "Lambda", "config": {"name": "l", "function": ["4wEA", None, None], "function_type": "lambda"}},
            ],
        },
    }  # fmt: skip
    with h5py.File(tmp_path / "old.h5", "w") as file:
        file.attrs["keras_version"], file.attrs["backend"] = "2.15.0", "tensorflow"
        file.attrs["model_config"] = json.dumps(config)
        file.create_group("model_weights").attrs["layer_names"] = [b"l"]
    for safe_mode in (True, False):
        with pytest.raises(SavingError):
            keras.models.load_model(tmp_path / "old.h5", safe_mode=safe_mode)


def test_what_the_user_gives_is_the_users(tmp_path: Path, members: dict[str, bytes]) -> None:
    config = sequential(layer("Dense", units=2, name="dense", activation=function("os", "mine")))
    path = tmp_path / "mine.keras"
    path.write_bytes(archive_of({**members, "config.json": json.dumps(config).encode()}))
    with pytest.raises(UnknownNameError, match="mine"):
        keras.models.load_model(path)
    model = keras.models.load_model(path, custom_objects={"mine": lambda x: x * 0.0})
    assert not model.predict(np.ones((2, 4)), verbose=0).any()


# -- nothing else is read ----------------------------------------------------------------------------------------

VOCABULARIES = [
    ("StringLookup", {"vocabulary": "{path}"}),
    ("IntegerLookup", {"vocabulary": "{path}"}),
    ("TextVectorization", {"vocabulary": "{path}"}),
    ("StringLookup", {"vocabulary": "file://{path}"}),
    ("TextVectorization", {"vocabulary": ["a"], "idf_weights": "{path}", "output_mode": "tf_idf"}),
]


@pytest.mark.parametrize(("name", "settings"), VOCABULARIES)
def test_vocabularies_are_not_fetched(
    name: str, settings: dict[str, Any], tmp_path: Path, members: dict[str, bytes]
) -> None:
    """CVE-2025-12058: the path of a vocabulary in a configuration is read at loading."""
    secret = tmp_path / "secret.txt"
    secret.write_text("1\n2\n3\n")
    settings = {key: value.format(path=secret) if isinstance(value, str) else value for key, value in settings.items()}
    opened: list[str] = []
    watched = [True]
    sys.addaudithook(lambda event, args: opened.append(str(args[0])) if watched[0] and event == "open" else None)
    try:
        with pytest.raises(NeuronaError):
            load(tmp_path, members, sequential(layer(name, **settings), shape=(None, 1)))
    finally:
        watched[0] = False
    assert str(secret) not in opened


def test_archives_that_climb_are_not_unpacked(tmp_path: Path) -> None:
    """CVE-2025-12060: get_file unpacked members through links and beyond its folder."""
    for kind in ("climbs", "link"):
        archive = tmp_path / f"{kind}.tar.gz"
        with tarfile.open(archive, "w:gz") as tar:
            if kind == "link":
                link = tarfile.TarInfo("folder")
                link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path)
                tar.addfile(link)
            entry = tarfile.TarInfo("../../evil.txt" if kind == "climbs" else "folder/evil.txt")
            entry.size = 4
            tar.addfile(entry, io.BytesIO(b"evil"))
        with pytest.raises(NeuronaError):
            keras.utils.get_file(f"{kind}.tar.gz", archive.as_uri(), cache_dir=str(tmp_path / "cache"), extract=True)
        assert not list(tmp_path.rglob("evil.txt"))


@pytest.mark.parametrize("name", [
    "/etc/passwd", "../evil", "assets/../../evil", "assets//x", "C:/x", "assets\\x", "assets/./x", "assets/x /y", "Config.json",
    "model.weights.npz", "code.py",
])  # fmt: skip
def test_names_that_no_model_has(name: str, members: dict[str, bytes], tmp_path: Path) -> None:
    with pytest.raises(UnsafeFileError, match=r"exactly|not allowed|pickles"):
        load(tmp_path, {**members, name: b"x"})


def test_names_that_collide_on_some_disks(members: dict[str, bytes], tmp_path: Path) -> None:
    with pytest.raises(UnsafeFileError, match="twice"):
        load(tmp_path, {**members, "assets/a": b"x", "assets/A": b"y"})
    with pytest.raises(UnsafeFileError, match="both a file and a folder"):
        load(tmp_path, {**members, "assets/a": b"x", "assets/a/b": b"y"})


# -- JSON --------------------------------------------------------------------------------------------------------


def test_json_is_bounded_before_it_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_json(b'{"a": [1, -2.5e3, "\\u00e4]]]]", null, NaN]}', "c")["a"][:4] == [1, -2500.0, "ä]]]]", None]
    monkeypatch.setattr(json_reader, "_MOST_VALUES", 1000)
    for text, words in (
        (b"[" * 201 + b"]" * 201, "201|levels"), (b"[" * 1_000_000, "levels"), (b'{"a":' * 300 + b"1" + b"}" * 300, "levels"),
        (b"[" + b"1," * 1001 + b"1]", "values"),
    ):  # fmt: skip
        with pytest.raises(UnsafeFileError, match=words):
            read_json(text, "c")
    for text in (
        b"",
        b"{",
        b"[1,]",
        b"\xff",
        b'"\\ud800',
        b"9" * 5000,
        b"nul",
        b'{"a": 1} x',
        b'"' + b"\\" * 999,
        b'\\"' * 300_000,
    ):
        with pytest.raises(SavingError, match="not readable JSON"):
            read_json(text, "c")


# -- a configuration takes what its file holds -------------------------------------------------------------------

N = 10**9
HUGE: dict[str, Any] = {
    "Dense": sequential(layer("Dense", units=N)),
    "Embedding": sequential(layer("Embedding", input_dim=N, output_dim=N)),
    "LSTM": sequential(layer("LSTM", units=10**6), shape=(None, 8, 4)),
    "stateful LSTM": sequential(layer("LSTM", units=10, stateful=True), shape=(N, 8, 4)),
    "Conv2D filters": sequential(layer("Conv2D", filters=N, kernel_size=3), shape=(None, 8, 8, 1)),
    "Conv2D window": sequential(layer("Conv2D", filters=1, kernel_size=10**6, padding="same"), shape=(None, 8, 8, 1)),
    "Orthogonal": sequential(
        layer("Dense", units=10**6, kernel_initializer=layer("Orthogonal", "keras.initializers"))
    ),
    "within a wrapper": sequential(layer("Bidirectional", layer=layer("GRU", units=N)), shape=(None, 8, 4)),
    "BatchNormalization": sequential(layer("BatchNormalization"), shape=(None, N)),
    "UpSampling2D": sequential(
        layer("UpSampling2D", size=10**6, interpolation="bilinear"), layer("Softmax"), shape=(None, 8, 8, 1)
    ),
    "RepeatVector": sequential(layer("RepeatVector", n=N), layer("LSTM", units=2), shape=(None, 8)),
    "Embedding's mask": sequential(
        layer("Embedding", input_dim=5, output_dim=2, mask_zero=True), layer("LSTM", units=2), shape=(None, 4 * 10**12)
    ),
    "Input": sequential(layer("Softmax"), shape=(None, 10**6, 10**6)),
    "AUC": sequential(
        layer("Dense", units=2, name="dense"),
        compile_config={"optimizer": "sgd", "loss": "mse", "metrics": [layer("AUC", "keras.metrics", num_thresholds=N)]},
    ),
    "MeanIoU": sequential(
        layer("Dense", units=2, name="dense"),
        compile_config={"optimizer": "sgd", "loss": "mse", "metrics": [layer("MeanIoU", "keras.metrics", num_classes=N)]},
    ),
    "array": sequential(
        layer("Dense", units=2, bias_initializer={"class_name": "__numpy__", "config": {"value": 1, "dtype": "V2000000000"}})
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", HUGE)
def test_configurations_larger_than_their_weights(kind: str, tmp_path: Path, members: dict[str, bytes]) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(NeuronaError):
            load(tmp_path, members, HUGE[kind])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100 << 20


def node(op: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
    return {
        "module": "neurona.layers", "class_name": "Operation", "name": "o", "registered_name": None,
        "config": {"name": "o", "operation": op}, "inbound_nodes": [{"args": list(args), "kwargs": kwargs}],
    }  # fmt: skip


X = {"class_name": "__keras_tensor__", "config": {"shape": [None, 4], "dtype": "float32", "keras_history": ["i", 0, 0]}}
HUGE_OPS = [
    node("tile", X, [1, N]), node("repeat", X, N), node("broadcast_to", X, [N, N, 4]), node("pad", X, [[0, N], [0, N]]),
    node("one_hot", X, N), node("full", [10**6, 10**6], X), node("eye", 10**6), node("linspace", X, X, N),
    node("diff", X, n=10**8), node("_standard_normal", [N, N], "float32", None), node("_permutation", N, None),
    node("zeros", [N, N]), node("arange", N), node("bincount", X, minlength=N),
]  # fmt: skip


@pytest.mark.parametrize("call", HUGE_OPS, ids=lambda call: call["config"]["operation"])
def test_ops_that_make_much_of_nothing(call: dict[str, Any], tmp_path: Path, members: dict[str, bytes]) -> None:
    first = {**layer("InputLayer", batch_shape=[None, 4], dtype="float32", name="i"), "name": "i", "inbound_nodes": []}
    config = layer(
        "Functional", "keras", name="f", layers=[first, call], input_layers=[["i", 0, 0]], output_layers=[["o", 0, 0]]
    )
    tracemalloc.start()
    try:
        with pytest.raises(NeuronaError):
            load(tmp_path, members, config)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100 << 20


@pytest.mark.parametrize("op", ["outer", "diagflat", "svd", "inv"])
def test_ops_that_make_much_of_their_input(op: str, tmp_path: Path, members: dict[str, bytes]) -> None:
    many = [None, 60_000, 100] if op == "outer" else [60_000] if op == "diagflat" else [None, 1500, 1500]
    first = {**layer("InputLayer", batch_shape=many, dtype="float32", name="i"), "name": "i", "inbound_nodes": []}
    x = {**X, "config": {**X["config"], "shape": many}}
    call = node(op, x, x) if op == "outer" else node(op, x)
    ends = {"input_layers": [["i", 0, 0]], "output_layers": [["o", 0, 0]]}
    with pytest.raises(UnsafeFileError, match=f"result of {op}"):
        load(tmp_path, members, layer("Functional", "keras", name="f", layers=[first, call], **ends))


def test_calls_without_end_are_cut(tmp_path: Path, members: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allowance, "MOST_STEPS", 20)
    with pytest.raises(UnsafeFileError, match="more than 20 calls"):
        load(tmp_path, members, sequential(*[layer("Softmax") for _ in range(30)]))


def test_outside_of_a_file_nothing_is_limited() -> None:
    layer = Dense.from_config({"units": 2_000_000})
    layer.build((None, 4))
    assert layer.kernel.shape == (4, 2_000_000) and allowance.current() is None


def test_layers_too_deep_within_each_other(tmp_path: Path, members: dict[str, bytes]) -> None:
    config: Any = layer("Dense", units=2)
    for _ in range(30):
        config = layer("TimeDistributed", layer=config)
    with pytest.raises(NeuronaError):
        load(tmp_path, members, sequential(config, shape=(None, 4)))


# -- a short run of the fuzz program -----------------------------------------------------------------------------


def test_mutated_files_raise_our_own_errors() -> None:
    """200,000 of them take an hour: `python tests/saving/fuzz.py --calls 200000`."""
    script = Path(__file__).with_name("fuzz.py")
    done = subprocess.run(
        [sys.executable, str(script), "--calls", "80", "--seed", "5"],
        capture_output=True, text=True, timeout=300, env={**os.environ, "NEURONA_NUM_THREADS": "1"}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "80 calls, 0 failures" in done.stdout
