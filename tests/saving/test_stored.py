"""Reading HDF5 without h5py: what h5py writes is read alike, and nothing is taken that is not there or lies elsewhere."""

from __future__ import annotations

import io
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from neurona.errors import SavingError, UnsafeFileError
from neurona.saving.budget import Budget
from neurona.saving.hdf5.blocks import Source
from neurona.saving.hdf5.types import read_kind
from neurona.saving.stored import open_stored


def stored_file(make: Callable[[Any], Any], **options: Any) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", **options) as file:
        make(file)
    return buffer.getvalue()


def external(file: Any) -> None:
    file.create_dataset("x", (4,), "uint8", external=[("/etc/hostname", 0, 4)])


def virtual(file: Any) -> None:
    layout = h5py.VirtualLayout((4,), "float32")
    layout[:] = h5py.VirtualSource("other.h5", "x", (4,))
    file.create_virtual_dataset("x", layout)


def shared(file: Any) -> None:
    file["y"] = np.ones(4)
    file["x"] = file["y"]


def circle(file: Any) -> None:
    file.create_group("x")["x"] = file["/"]


ELSEWHERE: dict[str, tuple[Callable[[Any], Any], str]] = {
    "soft link": (lambda f: f.update({"x": h5py.SoftLink("/y")}), "link to another place"),
    "external link": (lambda f: f.update({"x": h5py.ExternalLink("other.h5", "/y")}), "link to another place"),
    "external numbers": (external, "another file"),
    "virtual numbers": (virtual, "another array|beyond what model files need"),
    "two names": (shared, "same object"),
    "texts": (lambda f: f.create_dataset("x", data=["a"], dtype=h5py.string_dtype()), "various lengths"),
    "references": (lambda f: f.create_dataset("x", data=f.ref, dtype=h5py.ref_dtype), "type of family 7"),
    "records": (lambda f: f.create_dataset("x", data=np.zeros(2, "f4,i4")), "type of family 6"),
    "complex": (lambda f: f.create_dataset("x", data=np.zeros(2, "complex64")), "type of family"),
}


@pytest.mark.parametrize("kind", ELSEWHERE)
@pytest.mark.parametrize("library", ["earliest", "latest"])
def test_arrays_that_lie_elsewhere(kind: str, library: str) -> None:
    make, words = ELSEWHERE[kind]

    def read_all(group: Any) -> None:
        for name in group.keys():  # noqa: SIM118 - a Stored is no dict
            child = group.child(name)
            if child is None:
                group.array(name)
            else:
                read_all(child)

    data = stored_file(make, libver=library)
    with pytest.raises(SavingError, match=words), open_stored(data, "w.h5") as stored:
        read_all(stored)


def test_groups_that_hold_themselves() -> None:
    with open_stored(stored_file(circle), "w.h5") as stored, pytest.raises(UnsafeFileError, match="same object"):
        stored.child("x/x")


# -- HDF5: what h5py writes is read alike ------------------------------------------------------------------------


@pytest.mark.parametrize("library", ["earliest", "latest"])
def test_the_reader_agrees_with_h5py(library: str) -> None:
    rng = np.random.default_rng(0)
    kinds = ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", ">f4", ">i4", "?", "S7"]
    kinds = kinds if library == "earliest" else ["f4", "?", "S7", ">f8"]  # more names are kept in another form there
    arrays = {f"a{i}": (rng.normal(size=(3, i + 1, 2)) * 50).astype(kind) for i, kind in enumerate(kinds)}
    arrays |= {"scalar": np.float32(3.5), "none": np.zeros((0, 3)), "long": rng.normal(size=(200, 30))}

    def make(file: Any) -> None:
        for i, (name, array) in enumerate(arrays.items()):
            group = file.create_group(f"folder{i}/deeper")
            group.create_dataset(name, data=array)
            if library == "earliest" and np.ndim(array) == 3:
                boxes = tuple(max(1, n - 1) for n in array.shape)
                group.create_dataset(
                    "boxes", data=array, chunks=boxes, compression="gzip", shuffle=i % 2 == 0, fletcher32=True
                )
        file.attrs.update(
            {"n": 3, "x": 2.5, "yes": True, "text": "hällo", "texts": ["a", "", "ö"], "bytes": [b"x", b"yz"]}
        )
        file.attrs["long"] = "configuration " * (10_000 if library == "earliest" else 10)
        file.attrs["table"] = np.arange(6).reshape(2, 3)

    with open_stored(stored_file(make, libver=library), "w.h5") as stored:
        for i, (name, array) in enumerate(arrays.items()):
            folder = stored.child(f"folder{i}/deeper")
            assert folder is not None and stored.child("nowhere/deeper") is None
            for key in folder.keys():  # noqa: SIM118
                found = folder.array(key)
                assert found.dtype == np.asarray(array).dtype.newbyteorder("=") and found.shape == np.shape(array)
                np.testing.assert_array_equal(found, array)
            assert name in folder and "other" not in folder
        attributes = stored.attrs
        assert stored.child(f"folder0/deeper/{name}") is None
        many = stored_file(lambda file: [file.create_group(str(i)) for i in range(20)], libver="latest")
        with open_stored(many, "w.h5") as other, pytest.raises(SavingError, match=r"h5py.File\(path, 'w'\)"):
            other.keys()
    assert attributes == {
        "n": 3, "x": 2.5, "yes": True, "text": "hällo", "texts": ["a", "", "ö"], "bytes": ["x", "yz"],
        "long": "configuration " * (10_000 if library == "earliest" else 10), "table": [[0, 1, 2], [3, 4, 5]],
    }  # fmt: skip


def test_many_names_and_texts_are_read() -> None:
    def make(file: Any) -> None:
        for i in range(1200):
            file.create_group(f"group with a long name {i}")
        file.attrs["names"] = [f"text {i}" for i in range(3000)]

    with open_stored(stored_file(make), "w.h5") as stored:
        assert len(stored.keys()) == 1200 and stored.keys()[-1].endswith("1199")
        assert stored.attrs == {"names": [f"text {i}" for i in range(3000)]}


def test_half_floats_of_another_kind() -> None:
    """bfloat16 has no type of its own in older files; its numbers are those of float32, cut short."""
    numbers = np.array([1.5, -2.0, 3e38, 0.0], "float32")

    def make(file: Any) -> None:
        kind = h5py.h5t.create(h5py.h5t.OPAQUE, 2)
        space = h5py.h5s.create_simple((4,))
        dataset = h5py.h5d.create(file.id, b"x", kind, space)
        dataset.write(
            h5py.h5s.ALL, h5py.h5s.ALL, (numbers.view("uint32") >> 16).astype("uint16").view("V2"), mtype=kind
        )

    with open_stored(stored_file(make), "w.h5") as stored:
        np.testing.assert_array_equal(stored.array("x"), (numbers.view("uint32") >> 16 << 16).view("float32"))


# -- HDF5: nothing is taken that is not there --------------------------------------------------------------------

BOMBS: dict[str, Callable[[Any], Any]] = {
    "no numbers": lambda f: f.create_dataset("x", (1 << 40,), "float32"),
    "no boxes": lambda f: f.create_dataset("x", (1 << 34,), "float32", chunks=(1024,)),
    "boxes of zeros": lambda f: f.create_dataset(
        "x", data=np.zeros(100 << 20, "uint8"), chunks=(1 << 20,), compression="gzip"
    ),
    "more than 64 bits": lambda f: f.create_dataset("x", (1 << 40, 1 << 20), "float64"),
    "a huge box": lambda f: f.create_dataset("x", (1 << 30,), "float32", chunks=(1 << 29,), compression="gzip"),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_arrays_larger_than_their_file(kind: str) -> None:
    data = stored_file(BOMBS[kind])
    assert len(data) < 1 << 20
    tracemalloc.start()
    with open_stored(data, "w.h5") as stored, pytest.raises(UnsafeFileError, match=r"does not hold|out of proportion"):
        stored.array("x")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 80 << 20


def test_boxes_that_are_larger_than_their_array() -> None:
    """Each would be unpacked for the few numbers that count."""
    data = stored_file(
        lambda f: f.create_dataset("x", data=np.ones(3), maxshape=(None,), chunks=(1 << 20,), compression="gzip")
    )
    with open_stored(data, "w.h5") as stored, pytest.raises(UnsafeFileError, match="larger than itself"):
        stored.array("x")


def test_many_arrays_in_the_same_place_are_counted_each() -> None:
    """Headers that all lead to the same four megabytes."""

    def make(file: Any) -> None:
        file["x"] = np.ones(1 << 20, "float32")
        for i in range(40):
            file[f"y{i}"] = np.ones(1, "float32")

    data = bytearray(stored_file(make))
    whole = data.find(struct.pack("<Q", 4 << 20))  # the size in the layout of x
    place = bytes(data[whole - 8 : whole + 8])
    header = struct.pack("<BB", 3, 1)
    at, changed = 0, 0
    while (at := data.find(header, at + 1)) >= 0:
        if data[at + 10 : at + 18] == struct.pack("<Q", 4):
            data[at + 2 : at + 18] = place
            changed += 1
    assert changed == 40
    start = 0
    while (start := data.find(struct.pack("<QQ", 1, 1), start + 1)) >= 0:  # the shapes: (1,) becomes (1 << 20,)
        data[start : start + 16] = struct.pack("<QQ", 1 << 20, 1 << 20)
    with open_stored(bytes(data), "w.h5") as stored, pytest.raises(UnsafeFileError, match="out of proportion"):
        print([stored.array(name).shape for name in stored.keys()])  # noqa: SIM118


@pytest.mark.parametrize(("at", "value", "words"), [
    (0, b"\x88", "does not begin as one"),
    (8, b"\x09", "version 9"), (13, b"\x04", "address of 4 bytes"), (24, b"\x01", "several parts"),
    (40, b"\xff\xff\xff\x0f", "cut short"), (64, b"\xff\xff\xff\x0f", "beyond the end"), (64, b"\0", "expected an object"),
])  # fmt: skip
def test_damaged_first_blocks(at: int, value: bytes, words: str) -> None:
    data = bytearray(stored_file(lambda f: f.create_dataset("x", data=np.ones(3))))
    data[at : at + len(value)] = value
    with pytest.raises(SavingError, match=words), open_stored(bytes(data), "w.h5") as stored:
        stored.keys()
    with pytest.raises(SavingError, match=r"missing.h5"), open_stored(Path("missing.h5"), "missing.h5"):
        pass


def test_types_within_types_within_types() -> None:
    """Eight bytes a level: names for the names of names ..., as deep as an attribute is long."""
    level = bytes([0x18]) + (2).to_bytes(3, "little") + (1).to_bytes(4, "little")
    source = Source(level * 8000, "w.h5", Budget(0))
    with pytest.raises(SavingError, match="type of family 8"):
        read_kind(source.block(0, 64_000))


def test_trees_that_lead_back_to_themselves() -> None:
    data = bytearray(stored_file(lambda f: [f.create_group(str(i)) for i in range(600)]))
    nodes = [i for i in range(len(data)) if data[i : i + 4] == b"TREE" and data[i + 4] == 0 and data[i + 5] == 1]
    assert nodes
    data[nodes[0] + 32 : nodes[0] + 40] = struct.pack("<Q", nodes[0])  # its first child is the tree itself
    with open_stored(bytes(data), "w.h5") as stored, pytest.raises(SavingError, match="tree of a group is wrong"):
        stored.keys()
