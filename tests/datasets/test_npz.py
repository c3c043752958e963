"""The reader of NumPy archives: what was written comes back, nothing else is believed, nothing is unpickled."""

from __future__ import annotations

import io
import pickle
import struct
import time
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurona.datasets.npz import check_npz, read_npz
from neurona.errors import DamagedDataError, DataNotFoundError

SHAPES = {"x": (5, 4, 4), "y": (5,)}
RNG = np.random.default_rng(0)
ARRAYS = {name: RNG.integers(0, 256, shape, np.uint8) for name, shape in SHAPES.items()}


def saved(path: Path, squeeze: bool = True, **arrays: np.ndarray) -> Path:
    (np.savez_compressed if squeeze else np.savez)(path, **(arrays or ARRAYS))
    return path


def refusal(path: Path) -> str:
    with pytest.raises(DamagedDataError) as caught:
        read_npz(path, SHAPES)
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("squeeze", [True, False])
def test_round_trip(tmp_path: Path, squeeze: bool) -> None:
    path = saved(tmp_path / "x.npz", squeeze)
    check_npz(path, SHAPES)
    found = read_npz(path, SHAPES)
    assert all(np.array_equal(found[name], ARRAYS[name]) and found[name].dtype == np.uint8 for name in SHAPES)


def test_other_contents(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    x, y = ARRAYS["x"], ARRAYS["y"]
    assert "holds x.npy" in refusal(saved(path, x=x))
    assert "should hold x, y" in refusal(saved(path, x=x, y=y, z=y))
    assert "should be (5, 4, 4) of uint8, and is (4, 4, 4)" in refusal(saved(path, x=x[:4], y=y))
    assert "another size" in refusal(saved(path, x=np.zeros(6000, np.uint8), y=y))
    assert "and is (5, 2, 8) of uint8" in refusal(saved(path, x=x.reshape(5, 2, 8), y=y))
    assert "of int8" in refusal(saved(path, x=x.view(np.int8), y=y))
    assert "should be (5, 4, 4)" in refusal(saved(path, x=np.asfortranarray(x), y=y))
    with pytest.raises(DataNotFoundError):
        read_npz(tmp_path / "absent.npz", SHAPES)
    with pytest.raises(DamagedDataError, match="no regular file"):
        read_npz(tmp_path, SHAPES)


@pytest.mark.parametrize("way", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_ways_of_squeezing(tmp_path: Path, way: int) -> None:
    """NumPy never writes them, and four kilobytes of bzip2 may inflate to two hundred megabytes at once."""
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w", way) as archive:
        for name, array in ARRAYS.items():
            stream = io.BytesIO()
            np.save(stream, array)
            archive.writestr(f"{name}.npy", stream.getvalue())
    assert "no plain NumPy archive" in refusal(path)


class Trap:
    """Unpickling it would write a file."""

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (Path("sprung"),)


def test_a_pickle_is_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = saved(tmp_path / "x.npz", x=ARRAYS["x"], y=np.array([Trap()] * 5, object))
    assert "y in it" in refusal(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", pickle.dumps(Trap()).ljust(100, b"\0"))
        archive.writestr("y.npy", pickle.dumps(Trap()).ljust(100, b"\0"))
    assert "no readable NumPy archive" in refusal(path)
    assert not (tmp_path / "sprung").exists()


def test_truncated_at_any_place_and_with_more_behind(tmp_path: Path) -> None:
    path = saved(tmp_path / "x.npz")
    whole = path.read_bytes()
    for end in range(0, len(whole), 11):
        path.write_bytes(whole[:end])
        refusal(path)
    for behind in (b"!", b"x" * 30, whole):
        path.write_bytes(whole + behind)
        if behind is not whole:
            assert "no plain NumPy archive" in refusal(path)
        else:  # another good archive before: its bytes are never looked at
            assert np.array_equal(read_npz(path, SHAPES)["x"], ARRAYS["x"])


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_changed_byte_is_refused_or_harmless(tmp_path: Path, data: st.DataObject) -> None:
    path = saved(tmp_path / "x.npz", squeeze=data.draw(st.booleans()))
    content = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    try:
        found = read_npz(path, SHAPES)
    except DamagedDataError:
        return
    assert all(np.array_equal(found[name], ARRAYS[name]) for name in SHAPES)


def _bombs() -> dict[str, bytes]:
    def archive(size: int, claim: int | None = None) -> bytes:
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": SHAPES["x"]})
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
            for name in ("x.npy", "y.npy"):
                file.writestr(name, header.getvalue() + bytes(size))
        content = bytearray(out.getvalue())
        if claim is not None:  # the directory says less than the member holds
            for at in range(len(content) - 4):
                if content[at : at + 4] == b"PK\1\2":
                    content[at + 24 : at + 28] = struct.pack("<I", claim)
        return bytes(content)

    many = io.BytesIO()
    with zipfile.ZipFile(many, "w") as file:
        for number in range(60):
            file.writestr(f"{number:060}", b"")
    return {
        "60 members": many.getvalue(),
        "100 MB of zeros": archive(100 << 20),
        "the same, not admitted": archive(100 << 20, claim=80 + 128),
    }


def test_bombs_cost_neither_time_nor_memory(tmp_path: Path) -> None:
    for name, content in _bombs().items():
        path = tmp_path / "bomb.npz"
        path.write_bytes(content)
        tracemalloc.start()
        began = time.perf_counter()
        with pytest.raises(DamagedDataError):
            read_npz(path, SHAPES)
        assert time.perf_counter() - began < 1, name
        assert tracemalloc.get_traced_memory()[1] < 64e6, name
        tracemalloc.stop()
