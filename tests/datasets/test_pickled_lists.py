"""Lists of whole numbers out of pickles: every protocol is understood, and nothing else is, and nothing is ever run."""

from __future__ import annotations

import io
import os
import pickle
import random
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurona.datasets import pickled_lists
from neurona.datasets.pickled_lists import lists_of_pickle, read_lists_npz
from neurona.errors import DamagedDataError, DataNotFoundError


def objects(rows: list[Any]) -> np.ndarray:
    array = np.empty(len(rows), object)
    array[:] = rows
    return array


numbers = st.one_of(st.integers(0, 300), st.integers(0, 70_000), st.integers(-(2**31), 2**31 - 1))


@given(st.lists(st.lists(numbers, max_size=6), max_size=6), st.integers(2, 5))
def test_every_protocol(rows: list[list[int]], protocol: int) -> None:
    found = lists_of_pickle(pickle.dumps(objects(rows), protocol))
    assert [row.tolist() for row in found] == rows


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_long_lists_and_frames(protocol: int) -> None:
    """A list goes in pieces of a thousand, and from protocol 4 on a frame of 64 KB may end inside one."""
    rng = random.Random(0)
    rows = [
        [rng.choice((5, 300, 70_000, -1)) for _ in range(count)] for count in (0, 1, 2, 999, 1000, 1001, 2500, 40_000)
    ]
    found = lists_of_pickle(pickle.dumps(objects(rows), protocol))
    assert [row.tolist() for row in found] == rows
    python = io.BytesIO()
    pickle._Pickler(python, protocol).dump(objects(rows))  # type: ignore[attr-defined]  # puts frames elsewhere
    assert [row.tolist() for row in lists_of_pickle(python.getvalue())] == rows


def old_numpy(rows: list[list[int]]) -> bytes:
    """As Python 2 and its NumPy wrote it, protocol 2: byte strings, and the kind "O8"."""
    lists = b"".join(
        b"]q\x07" + (b"(" + b"".join(b"K" + bytes([n]) for n in row) + b"e" if row else b"") for row in rows
    )
    return (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nq\x00cnumpy\nndarray\nq\x01K\x00\x85q\x02U\x01bq\x03\x87q\x04Rq\x05"
        b"(K\x01K"
        + bytes([len(rows)])
        + b"\x85cnumpy\ndtype\nq\x06U\x02O8K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xff"
        b"J\xff\xff\xff\xffK?tb\x89](" + lists + b"etb."
    )


def test_old_numpy() -> None:
    content = old_numpy([[1, 2], [], [3]])
    assert pickle.loads(content).tolist() == [[1, 2], [], [3]]  # it is what it says
    assert [row.tolist() for row in lists_of_pickle(content)] == [[1, 2], [], [3]]


class _Runs:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("harm",)


def shared() -> np.ndarray:
    one = [1, 2]
    return objects([one, one])


HOSTILE = {
    "a call": pickle.dumps(_Runs()),
    "a call in a list": pickle.dumps(objects([[_Runs()], [1]])),
    "a call as a list": pickle.dumps(objects([[1], _Runs()])),
    "protocol 0": b"cos\nsystem\n(S'touch harm'\ntR.",
    "getattr": b"\x80\x04\x8c\x08builtins\x8c\x07getattr\x93.",
    "eval": b"\x80\x02cbuiltins\neval\nX\x04\0\0\x001+1!\x85R.",
    "an object": b"\x80\x02(cos\nmkdir\no.",
    "an instance": b"(S'x'\nios\nmkdir\n.",
    "a persistent name": b"Pname\n.",
    "an extension": b"\x80\x02\x82\x01.",
    "texts": pickle.dumps(objects([["a"], [1]])),
    "truth": pickle.dumps(objects([[True]])),
    "fractions": pickle.dumps(objects([[1.5]])),
    "large numbers": pickle.dumps(objects([[2**31], [1]])),
    "NumPy's numbers": pickle.dumps(objects([[np.int64(1)], [1]])),
    "lists in lists": pickle.dumps(objects([[[1], [2]], [1]])),
    "one list twice": pickle.dumps(shared()),
    "an array of numbers": pickle.dumps(np.arange(3)),
    "a plain list": pickle.dumps([[1], [2]]),
    "a number": pickle.dumps(1),
    "a dict": pickle.dumps({"a": [1]}),
    "another kind": pickle.dumps(objects([[1], [2, 3]])).replace(b"\x8c\x02O8", b"\x8c\x02i8"),
    "too few lists": old_numpy([[1], [2]]).replace(b"(K\x01K\x02", b"(K\x01K\x03"),
    "bytes behind": pickle.dumps(objects([[1], [2, 3]])) + b"x",
    "a missing mark": b"\x80\x02]K\x01e.",
    "an empty stack": b"\x80\x02R.",
    "an unknown memory": b"\x80\x02h\x05.",
    "nothing": b"",
}


@pytest.mark.parametrize("what", list(HOSTILE))
def test_anything_else_is_refused_and_nothing_is_run(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DamagedDataError, match="A pickle that should hold lists of whole numbers is"):
        lists_of_pickle(HOSTILE[what])
    assert not list(tmp_path.iterdir())


def test_too_many_steps_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickled_lists, "_MOST_STEPS", 100)
    with pytest.raises(DamagedDataError, match="more than 100 steps"):
        lists_of_pickle(b"\x80\x02" + b"]" * 200 + b".")


GOOD = pickle.dumps(objects([[1, 300, 70_000], [], [5] * 20, [2]]), 4)


@settings(max_examples=300)
@given(st.data())
def test_damage_gives_lists_or_our_error(data: st.DataObject) -> None:
    content = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(0, len(content)))] if data.draw(st.booleans()) else content
    try:
        found = lists_of_pickle(bytes(content))
    except DamagedDataError:
        return
    assert found.flat.dtype == np.int32 and int(found.offsets[-1]) == len(found.flat)


# -- the archive around it -------------------------------------------------------------------------------------


def members(path: Path) -> dict[str, bytes]:
    np.savez(path, x=objects([[1, 2], [3]]), y=np.array([0, 1]))
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path: Path, files: dict[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_numpys_archives(save: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    save(path, x=objects([[1, 2], [3]]), y=np.array([0, 1], "u1"))
    found = read_lists_npz(path, ["x"], ["y"])
    assert [row.tolist() for row in found["x"]] == [[1, 2], [3]] and found["y"].tolist() == [0, 1]


def test_old_headers(tmp_path: Path) -> None:
    files = members(tmp_path / "a.npz")
    plain = b"{'descr': '|O', 'fortran_order': False, 'shape': (2,), }"
    for version, length in ((b"\1\0", "<H"), (b"\2\0", "<I")):
        head = plain + b" " * 10 + b"\n"
        files["x.npy"] = b"\x93NUMPY" + version + struct.pack(length, len(head)) + head + old_numpy([[1, 2], [3]])
        found = read_lists_npz(write(tmp_path / "b.npz", files), ["x"], ["y"])
        assert [row.tolist() for row in found["x"]] == [[1, 2], [3]]


def test_damaged_archives_are_refused(tmp_path: Path) -> None:
    files = members(tmp_path / "a.npz")
    x, y = files["x.npy"], files["y.npy"]
    bad: dict[str, tuple[dict[str, bytes], str]] = {
        "lacking": ({"x.npy": x}, "it lacks y"),
        "hostile": (
            {"x.npy": x[:128] + HOSTILE["a call"], "y.npy": y},
            "x in it holds more than lists of whole numbers",
        ),
        "another count": ({"x.npy": x.replace(b"(2,)", b"(3,)"), "y.npy": y}, "2 lists instead of 3"),
        "two axes": ({"x.npy": x.replace(b"(2,), ", b"(2,1),"), "y.npy": y}, "shape"),
        "numbers for lists": ({"x.npy": y, "y.npy": y}, "an array of int64"),
        "lists for numbers": ({"x.npy": x, "y.npy": x}, "numbers of kind object"),
        "short": ({"x.npy": x, "y.npy": y[:-1]}, "15 bytes for 2 numbers"),
        "version": ({"x.npy": x.replace(b"NUMPY\1", b"NUMPY\7"), "y.npy": y}, "no readable NumPy archive"),
    }
    for name, (content, problem) in bad.items():
        with pytest.raises(DamagedDataError, match=problem):
            read_lists_npz(write(tmp_path / f"{name}.npz", content), ["x"], ["y"])
    with pytest.raises(DamagedDataError, match="another size"):
        read_lists_npz(write(tmp_path / "lzma.npz", files, zipfile.ZIP_LZMA), ["x"], ["y"])
    (tmp_path / "no.npz").write_bytes(b"no zip")
    with pytest.raises(DamagedDataError, match="no readable NumPy archive"):
        read_lists_npz(tmp_path / "no.npz", ["x"], ["y"])
    with pytest.raises(DataNotFoundError):
        read_lists_npz(tmp_path / "nowhere.npz", ["x"], ["y"])


def test_a_bomb_is_refused_before_it_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickled_lists, "_LARGEST_FILE", 100_000)
    path = write(tmp_path / "bomb.npz", {"x.npy": b"\0" * 1_000_000, "y.npy": b""})
    with pytest.raises(DamagedDataError, match="another size"):
        read_lists_npz(path, ["x"], ["y"])
